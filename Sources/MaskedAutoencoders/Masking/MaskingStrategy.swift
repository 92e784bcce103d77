public import Torch

/// A rule that chooses the patches the encoder sees; every image of a batch keeps as many.
///
/// Its stored properties are its parameters: recipes and `model.json` hold them under their names,
/// beside ``name``, and `--set masking.NAME=…` changes them. One that is not given has the value
/// that ``init()`` sets. A strategy is found by its name once it stands in
/// ``MaskingStrategies/all``.
public protocol MaskingStrategy: Codable, Hashable, Sendable {
  /// The word for it in recipes, in `model.json` and on the command line.
  static var name: String { get }
  /// The strategy with the default of every parameter.
  init()
  /// The share of patches that is hidden, above 0 and below 1.
  var ratio: Double { get }
  /// The same strategy with another share of hidden patches; nil where it has only the one.
  func withRatio(_ ratio: Double) -> Self?
  /// Visible patches of a grid, `K`; asked only where ``problems(on:)`` finds none.
  func kept(of grid: PatchGrid) -> Int
  /// What is wrong with the parameters, each as the field's name and the rest of a sentence.
  ///
  /// - Parameter grid: The patches to be masked; nil where they are not known.
  func problems(on grid: PatchGrid?) -> [(path: String, message: String)]
  /// Draws a mask that keeps ``kept(of:)`` patches of each image.
  func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask
}

extension MaskingStrategy {
  /// `N·(1 − ratio)`, rounded down as the published code does.
  public func kept(of grid: PatchGrid) -> Int { Int(Double(grid.count) * (1 - ratio)) }

  /// Those of the ratio.
  public func problems(on grid: PatchGrid?) -> [(path: String, message: String)] {
    ratioProblems(on: grid)
  }

  /// Whether the ratio is between 0 and 1 and leaves a patch visible and one hidden.
  public func ratioProblems(on grid: PatchGrid?) -> [(path: String, message: String)] {
    let text = "\(ratio)".hasSuffix(".0") ? "\("\(ratio)".dropLast(2))" : "\(ratio)"
    guard ratio > 0, ratio < 1 else {
      return [("ratio", "is \(text); expected a number above 0 and below 1")]
    }
    guard let grid else { return [] }
    let kept = kept(of: grid)
    if kept < 1 {
      let message =
        "is \(text), which leaves none of the \(grid.count) patches visible; "
        + "expected less, or smaller patches"
      return [("ratio", message)]
    }
    if kept >= grid.count {
      let message =
        "is \(text), which hides none of the \(grid.count) patches; "
        + "expected more, or smaller patches"
      return [("ratio", message)]
    }
    return []
  }
}
