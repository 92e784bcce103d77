public import MaskedAutoencoders
public import Torch

/// Weights for a model whose images have another size, patches or channels.
///
/// Position tables are interpolated to the new grid, see ``resampledPositions(_:from:to:)``; patch
/// kernels are resized, see ``resampledPatchKernels(_:side:)``, and given the new channels, see
/// ``adaptedPatchKernels(_:channels:)``. All other weights stay as they are: they do not depend on
/// the image. Those of a decoder are left out where patches or channels change, since the patches
/// it predicts are no longer the model's.
///
/// - Parameters:
///   - tensors: Weights by this library's names; a head or a decoder may be among them.
///   - configuration: The model they are of.
///   - target: The model they are for; its encoder's shape must be the same.
/// - Throws: ``AdaptingError`` where the encoders differ or a weight is not of the model's shape.
public func adapted(
  _ tensors: [String: Tensor], from configuration: ModelConfiguration,
  to target: ModelConfiguration
) throws(AdaptingError) -> [String: Tensor] {
  try checkEncoders(configuration, target)
  let keepsPatches =
    (configuration.patch, configuration.channels) == (target.patch, target.channels)
  let expected = Dictionary(
    uniqueKeysWithValues: configuration.weightShapes().map { ($0.name, $0.shape) })
  var result: [String: Tensor] = [:]
  for (name, tensor) in tensors where keepsPatches || !PublishedFormat.isDecoder(name) {
    guard ["pos_embed", "decoder_pos_embed", "patch_embed.proj.weight"].contains(name) else {
      result[name] = tensor
      continue
    }
    guard let shape = expected[name], tensor.shape == shape else {
      throw AdaptingError(
        "\(name) is \(tensor.shape), expected \(expected[name] ?? []) of a model for images of "
          + "\(configuration.imageWords)")
    }
    result[name] =
      name == "patch_embed.proj.weight"
      ? resampledPatchKernels(
        adaptedPatchKernels(tensor, channels: target.channels), side: target.patch)
      : resampledPositions(tensor, from: configuration.grid, to: target.grid)
  }
  return result
}

/// Weights that cannot be made to fit another model.
public struct AdaptingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What does not fit.
  public let message: String
  public var description: String { message }

  init(_ message: String) { self.message = message }
}

/// Throws what no resizing bridges.
private func checkEncoders(
  _ found: ModelConfiguration, _ wanted: ModelConfiguration
) throws(AdaptingError) {
  if let problem = wanted.problems.first(where: { !$0.path.hasPrefix("decoder") }) {
    throw AdaptingError("\(problem.path) \(problem.message)")
  }
  guard wanted.grid.count <= 1 << 20 else {
    throw AdaptingError(
      "images of \(wanted.imageWords) have \(wanted.grid.count) patches; at most 1048576 can be "
        + "given positions")
  }
  let parts = [
    ("the encoder", found.encoder.words, wanted.encoder.words),
    ("the encoder's hidden width", "\(found.encoder.hidden)", "\(wanted.encoder.hidden)"),
    ("the qkv bias", "\(found.qkvBias)", "\(wanted.qkvBias)"),
  ]
  for (part, found, wanted) in parts where found != wanted {
    throw AdaptingError(
      "\(part) is \(found) in the weights and \(wanted) in the model; image size, patch size and "
        + "channels can be adapted, the blocks cannot")
  }
}

extension ModelConfiguration {
  /// `224 × 224 × 3 in patches of 16`.
  package var imageWords: String { "\(height) × \(width) × \(channels) in patches of \(patch)" }
}
