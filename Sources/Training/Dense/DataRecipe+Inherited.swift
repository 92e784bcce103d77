import Datasets
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import WeightExchange

extension DataRecipe {
  /// The recipe with channels, normalisation and range of values in numbers: those of the model that is
  /// started from where they are inherited, or what is customary where there is none; or measured, as
  /// those of rasters are where the model knows pictures only.
  ///
  /// - Parameters:
  ///   - known: What is known of that model.
  ///   - name: What the set is called in messages.
  func resolved(
    from known: ModelDescription?, _ images: any ImageDataset, named name: String,
    for model: ModelConfiguration, seed: UInt64
  ) throws -> DataRecipe {
    var data = inheritingChannels(known?.usedRaster)
    if data.normalization == .inherited {
      let isOfRasters = data.rasterSettings != nil
      if isOfRasters, known?.usedRaster == nil {
        data.normalization = .computed
      } else if let known, known.mean.count == model.channels,
        isOfRasters == (known.usedRaster != nil)
      {
        data.normalization = .given(mean: known.mean, std: known.std)
      } else {
        let customary = PixelStandard.default(channels: model.channels).standard
        data.normalization = .given(mean: customary.mean, std: customary.std)
      }
    }
    if data.valueRange == .inherited {
      data.valueRange = known?.valueRange.map { .given($0) } ?? .full
    }
    var checks = Validator()
    checks.pipeline(data, channels: model.channels, readsRasters: true)
    guard checks.found.isEmpty else { throw RecipeErrors(checks.found) }
    return try data.resolvingNormalization(
      from: images, named: name, channels: model.channels, seed: seed)
  }
}
