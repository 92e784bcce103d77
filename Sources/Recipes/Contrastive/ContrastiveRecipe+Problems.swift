import ContrastiveLearning
public import Imaging
import MaskedAutoencoders
public import RecipeSyntax

extension ContrastiveRecipe {
  /// The augmentations of the two views for images of a size.
  public func views(for size: PixelSize) -> (first: Augmentation, second: Augmentation) {
    var both = (first: data.augmentation(for: size), second: data.augmentation(for: size))
    guard augmentation == .byol else { return both }
    func distortion(_ view: Int) -> ColorDistortion {
      ColorDistortion(
        jitter: ColorJitter(
          brightness: colors.brightness, contrast: colors.contrast,
          saturation: colors.saturation, hue: colors.hue),
        jitterProbability: colors.jitterProbability, grayscale: colors.grayscale,
        blur: colors.blur[view], solarize: colors.solarize[view])
    }
    both.first.distortion = distortion(0)
    both.second.distortion = distortion(1)
    return both
  }

  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when the recipe can be trained.
  public var problems: [FieldError] {
    var checks = Validator()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    check(model: &checks)
    check(views: &checks)
    checks.optimizer(optimizer)
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layerDecay",
      "is \(optimizer.layerDecay.short); layers learn at equal rates in pre-training, expected 1")
    checks.lengths(batch, schedule, checkpoints)
    checks.require(
      batch.size >= 2, "batch.size",
      "is \(batch.size); expected at least 2, as images are told from each other")
    checks.rhythm("logging.everySteps", logging.everySteps)
    return checks.found
  }

  private func check(model checks: inout Validator) {
    let before = checks.found.count
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      [1, 3].contains(model.channels) || checks.found.count > before, "model.channels",
      "is \(model.channels); image files have 1 or 3")
    checks.require(
      model.decoder == nil, "model.decoder",
      "is a shape; expected null, as contrastive learning reconstructs nothing")
    for (path, message) in heads.problems {
      checks.require(false, FieldPath("heads." + path), message)
    }
    checks.above(0, "temperature", temperature)
    checks.within(0...1, "momentum", momentum)
  }

  private func check(views checks: inout Validator) {
    checks.pipeline(data, channels: model.channels)
    checks.require(
      data.jitter == 0, "data.jitter",
      "is \(data.jitter.short); expected 0, as the colours of views are those of colors")
    checks.require(
      data.normalization != .inherited, "data.normalization",
      "is inherited; only a classifier has an encoder to take it from. Expected imagenet, computed, "
        + "none or {mean: […], std: […]}")
    checks.require(
      data.valueRange != .inherited, "data.valueRange",
      "is inherited; only a classifier has an encoder to take it from. Expected full, computed or two "
        + "numbers")
    for (path, value) in [
      ("colors.brightness" as FieldPath, colors.brightness), ("colors.contrast", colors.contrast),
      ("colors.saturation", colors.saturation),
    ] {
      checks.atLeast(0, path, value)
    }
    checks.within(0...0.5, "colors.hue", colors.hue)
    checks.within(0...1, "colors.jitterProbability", colors.jitterProbability)
    checks.within(0...1, "colors.grayscale", colors.grayscale)
    for (path, values) in [
      ("colors.blur" as FieldPath, colors.blur), ("colors.solarize", colors.solarize),
    ] {
      checks.require(
        values.count == 2 && values.allSatisfy { (0...1).contains($0) }, path,
        "is [\(values.map(\.short).joined(separator: ", "))]; expected two probabilities, of the "
          + "first view and of the second")
    }
  }
}
