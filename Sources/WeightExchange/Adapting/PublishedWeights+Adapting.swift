import MaskedAutoencoders
internal import Torch

extension PublishedWeights {
  /// The weights for images of another size, other patches or other channels, see
  /// ``adapted(_:from:to:)``; what is nil stays as it is.
  ///
  /// A decoder is left out where patches or channels change. Means and deviations of pixels go with
  /// their channels: one channel has their mean, more have them in turn.
  ///
  /// - Parameters:
  ///   - height: Rows of pixels; a multiple of the patch side.
  ///   - width: Columns of pixels; a multiple of the patch side.
  /// - Throws: ``AdaptingError`` where no such model can be.
  public func adapting(
    height: Int? = nil, width: Int? = nil, patch: Int? = nil, channels: Int? = nil
  ) throws(AdaptingError) -> PublishedWeights {
    var result = self
    result.configuration.height = height ?? configuration.height
    result.configuration.width = width ?? configuration.width
    result.configuration.patch = patch ?? configuration.patch
    result.configuration.channels = channels ?? configuration.channels
    result.tensors = try adapted(tensors, from: configuration, to: result.configuration)
    if !result.hasDecoder { result.configuration.decoder = nil }
    if let pixels, result.configuration.channels != configuration.channels {
      result.pixels = pixels.adapted(channels: result.configuration.channels)
    }
    result.preprocessing = preprocessing?.adapted(
      from: (configuration.height, configuration.width),
      to: (result.configuration.height, result.configuration.width))
    return result
  }
}

extension PixelStandard {
  fileprivate func adapted(channels: Int) -> PixelStandard {
    func adapted(_ values: [Double]) -> [Double] {
      guard channels > 1, !values.isEmpty else {
        return [values.reduce(0, +) / Double(max(1, values.count))]
      }
      return (0..<channels).map { values[$0 % values.count] }
    }
    return PixelStandard(mean: adapted(mean), std: adapted(std))
  }
}
