import Datasets
import DenseHeads
import Imaging
import MaskedAutoencoders
public import RecipeSyntax

extension DetectionRecipe {
  /// Everything that is wrong with the values, each with the field, what it is and what is allowed.
  public var problems: [FieldError] {
    var checks = Validator()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    for (path, message) in model?.problems ?? [] {
      checks.require(false, FieldPath("model." + path), message)
    }
    if let size { checks.within(1...65_536, "size", size) }
    check(network: &checks)
    check(pictures: &checks)
    checks.pipeline(data, channels: model?.channels)
    checks.optimizer(optimizer)
    checks.lengths(batch, schedule, checkpoints)
    checks.require(
      schedule.warmupEpochs == 0, "schedule.warmupEpochs",
      "is \(schedule.warmupEpochs.short), and detection warms up over rate.warmupSteps; expected 0")
    checks.within(0...1_000_000_000, "rate.warmupSteps", rate.warmupSteps)
    checks.within(0...1, "rate.warmupFactor", rate.warmupFactor)
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.evaluateEveryEpochs", logging.evaluateEveryEpochs)
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
    let usual = DataRecipe()
    for (path, isUsual) in [
      ("data.crop" as FieldPath, data.crop == usual.crop),
      ("data.scale", data.scale == usual.scale), ("data.ratio", data.ratio == usual.ratio),
      ("data.flip", data.flip == usual.flip),
      ("data.verticalFlip", data.verticalFlip == usual.verticalFlip),
      ("data.rotate90", data.rotate90 == usual.rotate90),
      ("data.jitter", data.jitter == usual.jitter),
      ("data.interpolation", data.interpolation == usual.interpolation),
      ("data.repeats", data.repeats == usual.repeats), ("data.cache", data.cache == usual.cache),
      ("data.normalizeOnDevice", data.normalizeOnDevice == usual.normalizeOnDevice),
    ] {
      checks.require(
        isUsual, path,
        "has no part in detection, where pictures and objects are cut by augmentation; leave it out"
      )
    }
  }
}
