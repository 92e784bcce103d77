import FileSystem
public import Imaging

/// Some classes of a source of cut-outs, in an order of one's own.
public struct ChosenCutouts<Source: CutoutSource>: CutoutSource {
  public let classes: [String]
  public var notes: [String] { source.notes }
  private let source: Source
  /// The source's number of each class.
  private let labels: [Int]

  /// Chooses classes by their names.
  ///
  /// - Parameters:
  ///   - names: the classes in the order of their new numbers.
  ///   - path: what the source is called in errors.
  /// - Throws: `DatasetError` for a name that the source has not, or one that is given twice.
  public init(_ names: [String], of source: Source, path: String) throws(DatasetError) {
    var labels: [Int] = []
    for name in names {
      guard let label = source.classes.firstIndex(of: name) else {
        throw DatasetError(
          .malformed, path: path,
          "has no class \(name.shownPath); expected some of \(source.classes.joined(separator: ", "))"
        )
      }
      guard !labels.contains(label) else {
        throw DatasetError(
          .malformed, path: path, "is asked for the class \(name.shownPath) twice; name it once")
      }
      labels.append(label)
    }
    self.source = source
    self.labels = labels
    classes = names
  }

  public func count(of label: Int, in split: DatasetSplit) -> Int {
    source.count(of: labels[label], in: split)
  }

  public func name(of index: Int, label: Int, in split: DatasetSplit) -> String {
    source.name(of: index, label: labels[label], in: split)
  }

  public func cutout(
    _ index: Int, label: Int, in split: DatasetSplit, side: Int, using random: inout SampleRandom
  ) throws(ImageError) -> AlphaImage {
    try source.cutout(index, label: labels[label], in: split, side: side, using: &random)
  }
}
