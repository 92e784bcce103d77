public import Datasets
import Dispatch
public import Evaluation
import FileSystem
import Imaging
import Synchronization

/// Scores of label maps that any program wrote.
public struct LabelMapScoring: Sendable {
  /// The numbers.
  public let scores: SegmentationScores
  /// The classes, in the order of the scores.
  public let names: [String]
  /// What was noticed and does not keep the numbers from being right.
  public let notes: [String]

  /// Compares the PNG files of a folder with a set's true labels. A prediction has the name of its
  /// picture, but for the extension, and the numbers that the set's own files have.
  ///
  /// - Parameter name: What the set is called in messages.
  /// - Throws: `DatasetError` where a prediction is missing or every true pixel is ignored;
  ///   `ImageError` that names a file that cannot be read, is of another size, or has a number that
  ///   stands for no class.
  public init(
    of folder: String, against truth: any LabelMapDataset, named name: String = "the true labels"
  ) throws {
    let files = try LabelFiles(folder)
    var missing: [String] = []
    var paths: [String] = []
    for index in 0..<truth.count {
      let picture = truth.name(of: index)
      if let path = files.path(of: picture) {
        paths.append(path)
      } else {
        missing.append(picture)
      }
    }
    guard missing.isEmpty else {
      throw DatasetError(
        .missing, path: folder,
        "has no label map for \(missing.count) of \(truth.count) pictures "
          + "(\(missing.prefix(3).joined(separator: ", "))\(missing.count > 3 ? ", …" : "")); "
          + "expected the picture's name with .png")
    }
    let numbering = truth.numbering
    names = numbering.names
    let extra = files.count - paths.count
    notes = extra > 0 ? ["\(extra) label maps of \(folder) are of no picture and not counted"] : []
    let total = Mutex(SegmentationScores(classes: numbering.count))
    let failure = Mutex<(index: Int, error: ImageError)?>(nil)
    let found = paths
    DispatchQueue.concurrentPerform(iterations: truth.count) { index in
      do throws(ImageError) {
        var scores = SegmentationScores(classes: numbering.count)
        try Self.add(found[index], index, truth, numbering, to: &scores)
        total.withLock { $0.add(scores) }
      } catch {
        failure.withLock { if $0.map({ $0.index > index }) ?? true { $0 = (index, error) } }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
    scores = total.withLock { $0 }
    if scores.isEmpty { throw DatasetError.everyPixelIgnored(in: name) }
  }

  private static func add(
    _ path: String, _ index: Int, _ truth: any LabelMapDataset, _ numbering: LabelNumbering,
    to scores: inout SegmentationScores
  ) throws(ImageError) {
    let known = try truth.labelMap(of: index)
    let file = try EncodedImage(path: path)
    let predicted: LabelMap
    do throws(ImageError) {
      predicted = try numbering.classes(of: LabelMap.stored(in: file))
    } catch {
      throw ImageError(error.kind, name: error.name ?? path, error.reason)
    }
    guard predicted.size == known.size else {
      throw ImageError(
        .corrupt, name: path,
        "has \(predicted.size) pixels; the true labels of \(truth.name(of: index)) have "
          + "\(known.size): write predictions at the picture's own size")
    }
    scores.add(prediction: predicted.labels, truth: known.labels, width: known.width)
  }
}
