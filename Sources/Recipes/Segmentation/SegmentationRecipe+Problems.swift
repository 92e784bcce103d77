import Datasets
import DenseHeads
import Imaging
import MaskedAutoencoders
public import RecipeSyntax

extension SegmentationRecipe {
  /// Everything that is wrong with the values, each with the field, what it is and what is allowed.
  public var problems: [FieldError] {
    var checks = Validator()
    checkCommon(&checks)
    check(network: &checks)
    check(pictures: &checks)
    checks.colours(self)
    return checks.found
  }

  private func check(network checks: inout Validator) {
    checks.require(
      [.none, .tables].contains(backbone.relativePositions), "backbone.relativePositions",
      "is \(backbone.relativePositions.rawValue), which is for detection; expected none or tables")
    checks.require(
      backbone.dropPath >= 0 && backbone.dropPath < 1, "backbone.dropPath",
      "is \(backbone.dropPath.short); expected a probability from 0 and below 1")
    if let channels = decoder.channels { checks.within(1...65_536, "decoder.channels", channels) }
    if let channels = decoder.auxiliaryChannels {
      checks.within(1...65_536, "decoder.auxiliaryChannels", channels)
    }
    checks.atLeast(0, "loss.auxiliaryWeight", loss.auxiliaryWeight)
  }

  private func check(pictures checks: inout Validator) {
    checks.require(
      labels.fraction > 0 && labels.fraction <= 1, "labels.fraction",
      "is \(labels.fraction.short); expected a share above 0 and at most 1")
    checks.within(1...65_536, "augmentation.longest", augmentation.longest)
    checks.within(1...65_536, "augmentation.shortest", augmentation.shortest)
    let ratio = augmentation.ratio
    checks.require(
      ratio.lowerBound > 0 && ratio.upperBound <= 100, "augmentation.ratio",
      "is \([ratio.lowerBound, ratio.upperBound]); expected two numbers above 0 and at most 100")
    checks.require(
      augmentation.maxClassShare > 0 && augmentation.maxClassShare <= 1,
      "augmentation.maxClassShare",
      "is \(augmentation.maxClassShare.short); expected a share above 0 and at most 1")
    checks.within(0...1, "augmentation.flip", augmentation.flip)
    checks.within(0...1, "augmentation.verticalFlip", augmentation.verticalFlip)
    checks.within(0...1, "augmentation.rotate90", augmentation.rotate90)
    if let stride = inference.stride { checks.within(1...65_536, "inference.stride", stride) }
  }
}

extension Validator {
  /// Changes of colour are for pictures.
  package mutating func colours(_ recipe: SegmentationRecipe) {
    require(
      recipe.data.rasterSettings == nil || !recipe.augmentation.photometric,
      "augmentation.photometric",
      "is true, and changes of colour are for pictures of 8 bits; expected false where data.channels is "
        + "not picture")
  }
}
