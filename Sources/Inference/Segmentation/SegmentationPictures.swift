public import Datasets
import FileSystem
import Figures
import Foundation
import Imaging
import MaskedAutoencoders
import Runs

/// Sheets of the pictures that were segmented best and worst: picture, labels, result.
public struct SegmentationPictures {
  private let evaluation: SegmentationEvaluation
  private let set: any LabelMapDataset
  private let model: LoadedSegmenter

  /// The longest side that pictures are drawn with.
  private static let longest = 224

  /// Takes an evaluation and what it was made of.
  public init(
    _ evaluation: SegmentationEvaluation, of set: any LabelMapDataset, by model: LoadedSegmenter
  ) {
    self.evaluation = evaluation
    self.set = set
    self.model = model
  }

  /// Writes `segmentations/best.png` and `worst.png` of a run; fewer pictures than asked where there
  /// are no more, and nothing where there are none.
  ///
  /// - Returns: What there is to say of it.
  public func write(to run: String, count: Int) throws -> [String] {
    let ranked = evaluation.ranked
    guard !ranked.isEmpty else { return [] }
    let folder = run + "/segmentations"
    try makeFolder(above: folder + "/best.png")
    for (name, pictures) in RankedPictures.sheets(ranked, count: count) {
      let sheet = try sheet(of: pictures, title: "The \(name) of \(ranked.count) pictures")
      try replaceFile(at: "\(folder)/\(name).png") { (file) throws(FileError) in
        try file.write(sheet)
      }
    }
    return ["wrote the best and the worst pictures to \(folder)"]
  }

  private func sheet(
    of pictures: [SegmentationEvaluation.Picture], title: String
  ) throws -> [UInt8] {
    var seen: Set<UInt16> = []
    let rows = try pictures.map { picture in
      let whole = try model.picture(of: set.content(of: picture.index))
      let image = whole.shown
      let truth = try set.labelMap(of: picture.index)
      let result = try model.segment([whole]) { _ in set.name(of: picture.index) }[0]
      seen.formUnion(truth.labels)
      seen.formUnion(result.labels)
      let iou = Formatted.fixed(100 * (picture.meanIoU ?? 0), 1)
      return PictureSheet.Row(
        "\(set.name(of: picture.index)): mIoU \(iou) %",
        tiles: [
          shown(image), shown(LabelOverlay.painted(image, truth)),
          shown(LabelOverlay.painted(image, result)),
        ])
    }
    let names = seen.sorted().filter { $0 != LabelMap.ignored }.map { model.classNames[Int($0)] }
    return try PictureSheet(
      title: title, groups: [.init(columns: ["picture", "labels", "result"])], rows: rows,
      footer: ["Classes that occur: " + names.joined(separator: ", ") + "."]
    ).encodedAsPNG()
  }

  private func shown(_ picture: ByteImage) -> ByteImage {
    let side = max(picture.width, picture.height)
    guard side > Self.longest else { return picture }
    func fitted(_ length: Int) -> Int { max(1, length * Self.longest / side) }
    return picture.linearlyResized(
      to: PixelSize(width: fitted(picture.width), height: fitted(picture.height)))
  }
}
