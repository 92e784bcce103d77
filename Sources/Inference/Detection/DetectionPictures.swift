public import Datasets
import DenseHeads
package import Figures
import FileSystem
import Imaging
import Runs

/// Sheets of pictures with their true objects beside those that were found.
public struct DetectionPictures {
  private let evaluation: DetectionEvaluation
  private let set: DetectionSet
  private let model: LoadedDetector

  /// The longest side that pictures are drawn with.
  private static let longest = 256
  /// Objects of a score below it are not drawn.
  private static let score = Float(DetectionScoring.PictureResult.score)
  /// Pictures of the sheet that shows some of all.
  private static let count = 16

  /// Takes an evaluation and what it was made of.
  public init(_ evaluation: DetectionEvaluation, of set: DetectionSet, by model: LoadedDetector) {
    self.evaluation = evaluation
    self.set = set
    self.model = model
  }

  /// Writes `detections/validation.png` of a run, pictures spread evenly over the set, and `best.png`
  /// and `worst.png`, by what was found of their objects (boxes; F₁). Pictures that cannot be decoded
  /// are left out.
  ///
  /// - Parameter count: Pictures of the best and of the worst.
  /// - Returns: What there is to say of it.
  public func write(to run: String, count: Int) throws -> [String] {
    let shown = min(Self.count, set.count)
    let spread = try write(
      (0..<shown).map { $0 * set.count / shown }, as: "validation", of: run,
      title: { "\($0) of \(set.count) validation pictures" })
    guard spread else { return [] }
    let ranked = ranked
    for (name, pictures) in RankedPictures.sheets(ranked, count: count) {
      _ = try write(
        pictures, as: name, of: run, title: { _ in "The \(name) of \(ranked.count) pictures" })
    }
    return ["wrote validation pictures, the best and the worst, to \(run)/detections"]
  }

  /// The pictures with objects or detections from the worst to the best, of equal ones the first first.
  private var ranked: [Int] {
    RankedPictures.order(set.pictures.indices.map { result(of: $0).share })
  }

  private func result(of index: Int) -> DetectionScoring.PictureResult {
    evaluation.boxes.pictures[set.pictures[index]]
  }

  private func write(
    _ indices: [Int], as name: String, of run: String, title: (Int) -> String
  ) throws -> Bool {
    var rows: [PictureSheet.Row] = []
    for index in indices {
      guard let image = try? model.picture(of: set.content(of: index)) else { continue }
      let found = model.detect([image], score: Self.score)[0]
      let picture = image.shown
      let result = result(of: index)
      let wrong = result.wrong > 0 ? ", \(result.wrong) wrong" : ""
      rows.append(
        PictureSheet.Row(
          "\(set.name(of: index)): \(result.found) of \(result.objects) found\(wrong)",
          tiles: [
            shown(ObjectOverlay.picture(picture, truth(of: index))),
            shown(ObjectOverlay.picture(picture, found.reversed().map(\.drawn))),
          ]))
    }
    guard !rows.isEmpty else { return false }
    let path = "\(run)/detections/\(name).png"
    let sheet = try PictureSheet(
      title: title(rows.count),
      groups: [.init(columns: ["true objects", "found, of a score from \(Self.score)"])], rows: rows
    ).encodedAsPNG()
    try makeFolder(above: path)
    try replaceFile(at: path) { (file) throws(FileError) in try file.write(sheet) }
    return true
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
