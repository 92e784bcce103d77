public import Datasets
public import DenseHeads

/// What `model.json` says of a segmenter beyond its encoder.
public struct SegmenterDescription: Codable, Hashable, Sendable {
  /// Maps, decoder, number of classes.
  public var shape: SegmenterShape
  /// The names of the classes in the order of scores, and their numbers in files.
  public var numbering: LabelNumbering
  /// What a picture is fitted into before it is segmented; nil where it is taken as it is.
  public var fitting: Fitting?
  /// From window to window in pixels.
  public var stride: Int

  /// The sides that a picture is made to fit, whichever way it lies.
  public struct Fitting: Codable, Hashable, Sendable {
    /// The longest side.
    public var longest: Int
    /// The shortest side.
    public var shortest: Int

    /// Names sides.
    public init(longest: Int, shortest: Int) {
      self.longest = longest
      self.shortest = shortest
    }
  }

  /// Describes a segmenter.
  public init(
    shape: SegmenterShape, numbering: LabelNumbering, fitting: Fitting? = nil, stride: Int
  ) {
    self.shape = shape
    self.numbering = numbering
    self.fitting = fitting
    self.stride = stride
  }

  /// What is wrong with the values for an encoder, one sentence each.
  func problems(depth: Int, side: Int) -> [String] {
    var found = shape.problems(depth: depth).map { "segmenter.shape.\($0.path) \($0.message)" }
    if numbering.names.count != shape.classes || numbering.ids.count != shape.classes {
      found.append(
        "segmenter.numbering has \(numbering.names.count) names and \(numbering.ids.count) numbers, "
          + "expected \(shape.classes)")
    }
    if !(1...max(1, side)).contains(stride) {
      found.append(
        "segmenter.stride is \(stride); expected a number of pixels from 1 to the side \(side)")
    }
    if let fitting, fitting.shortest < 1 || fitting.longest < fitting.shortest {
      found.append(
        "segmenter.fitting is \(fitting.longest) × \(fitting.shortest); expected the longest side "
          + "first")
    }
    return found
  }
}
