public import Datasets
import DenseHeads
package import Figures
import FileSystem
import Imaging
import Runs

/// A sheet of pictures with their true objects beside those that were found.
public struct DetectionPictures {
  private let set: DetectionSet
  private let model: LoadedDetector

  /// The longest side that pictures are drawn with.
  private static let longest = 256
  /// Objects of a score below it are not drawn.
  private static let score: Float = 0.5
  /// Pictures of a sheet.
  private static let count = 16

  /// Takes a set and a detector of its classes.
  public init(_ set: DetectionSet, by model: LoadedDetector) {
    self.set = set
    self.model = model
  }

  /// Writes `detections/validation.png` of a run: pictures spread evenly over the set. Those that cannot
  /// be decoded are left out.
  ///
  /// - Returns: What there is to say of it.
  public func write(to run: String) throws -> [String] {
    let count = min(Self.count, set.count)
    var rows: [PictureSheet.Row] = []
    for place in 0..<count {
      let index = place * set.count / count
      guard let image = try? model.picture(of: set.content(of: index)) else { continue }
      let found = model.detect([image], score: Self.score)[0]
      let picture = image.converted(toChannels: 3)
      rows.append(
        PictureSheet.Row(
          set.name(of: index),
          tiles: [
            shown(ObjectOverlay.picture(picture, truth(of: index))),
            shown(ObjectOverlay.picture(picture, found.reversed().map(\.drawn))),
          ]))
    }
    guard !rows.isEmpty else { return [] }
    let path = run + "/detections/validation.png"
    let sheet = try PictureSheet(
      title: "\(rows.count) of \(set.count) validation pictures",
      groups: [.init(columns: ["true objects", "found, of a score from \(Self.score)"])], rows: rows
    ).encodedAsPNG()
    try makeFolder(above: path)
    try replaceFile(at: path) { (file) throws(FileError) in try file.write(sheet) }
    return ["wrote validation pictures with what was found to \(path)"]
  }

  private func truth(of index: Int) -> [ObjectOverlay.Object] {
    let names = model.classNames
    return set.objects[index].map { number in
      let object = set.annotations.objects[number]
      let name = set.annotations.categories[object.category].name
      return ObjectOverlay.Object(
        box: Box(
          Float(object.box.x), Float(object.box.y), Float(object.box.x + object.box.z),
          Float(object.box.y + object.box.w)
        ).pixels, label: names.firstIndex(of: name) ?? 0,
        text: object.isCrowd ? "\(name) (crowd)" : name, mask: set.annotations.mask(of: object))
    }
  }

  private func shown(_ picture: ByteImage) -> ByteImage {
    let side = max(picture.width, picture.height)
    guard side > Self.longest else { return picture }
    func fitted(_ length: Int) -> Int { max(1, length * Self.longest / side) }
    return picture.linearlyResized(
      to: PixelSize(width: fitted(picture.width), height: fitted(picture.height)))
  }
}

extension DetectedObject {
  /// How it is drawn: class and score in percent.
  package var drawn: ObjectOverlay.Object {
    ObjectOverlay.Object(
      box: box.pixels, label: label, text: "\(name) \(Int((100 * score).rounded()))", mask: mask)
  }
}

extension Box {
  /// The pixels that it touches.
  var pixels: PixelRectangle {
    let (x, y) = (Int(x0.rounded(.down)), Int(y0.rounded(.down)))
    return PixelRectangle(
      x: x, y: y, width: max(1, Int(x1.rounded(.up)) - x),
      height: max(1, Int(y1.rounded(.up)) - y))
  }
}
