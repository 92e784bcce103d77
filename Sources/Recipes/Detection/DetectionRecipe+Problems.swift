import Datasets
import DenseHeads
import Imaging
import MaskedAutoencoders
public import RecipeSyntax

extension DetectionRecipe {
  /// Everything that is wrong with the values, each with the field, what it is and what is allowed.
  public var problems: [FieldError] {
    var checks = Validator()
    checkCommon(&checks)
    check(network: &checks)
    check(pictures: &checks)
    return checks.found
  }

  private func check(network checks: inout Validator) {
    checks.require(
      backbone.relativePositions != .tables, "backbone.relativePositions",
      "is tables, which is for segmentation; expected none, decomposed or shared")
    checks.require(
      backbone.dropPath >= 0 && backbone.dropPath < 1, "backbone.dropPath",
      "is \(backbone.dropPath.short); expected a probability from 0 and below 1")
    if let window = backbone.window { checks.within(1...65_536, "backbone.window", window) }
    checks.within(1...65_536, "heads.channels", heads.channels)
    checks.within(0...64, "heads.convolutions", heads.convolutions)
    checks.within(1...64, "heads.proposalConvolutions", heads.proposalConvolutions)
    checks.within(1...65_536, "heads.hidden", heads.hidden)
    if let cascade = heads.cascade, let message = DetectorShape.problem(ofCascade: cascade) {
      checks.require(false, "heads.cascade", message)
    }
    checks.require(
      backbone.window != nil || backbone.globalBlocks == nil, "backbone.globalBlocks",
      "is given, and backbone.window is null, so that all blocks are global; expected null")
    if let sizes = heads.anchorSizes {
      checks.require(
        sizes.count == DetectorShape.levels && sizes.allSatisfy { $0 > 0 }, "heads.anchorSizes",
        "is \(sizes); expected five sides in pixels")
    }
    for (path, message) in rules.problems {
      checks.require(false, FieldPath("rules." + path), message)
    }
  }

  private func check(pictures checks: inout Validator) {
    checks.require(
      labels.fraction > 0 && labels.fraction <= 1, "labels.fraction",
      "is \(labels.fraction.short); expected a share above 0 and at most 1")
    let scale = augmentation.scale
    checks.require(
      scale.lowerBound > 0 && scale.upperBound <= 100, "augmentation.scale",
      "is \([scale.lowerBound, scale.upperBound]); expected two numbers above 0 and at most 100")
    checks.within(0...1, "augmentation.flip", augmentation.flip)
  }
}
