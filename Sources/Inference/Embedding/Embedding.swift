import MaskedAutoencoders
import Runs
import Torch

/// Which of an encoder's outputs is the embedding of an image.
public enum Embedding: String, CaseIterable, Codable, Sendable {
  /// The class token after the last norm, `[D]`: what the paper's linear probe sees.
  case classToken = "class-token"
  /// The mean of the patches' tokens after the last norm, `[D]`.
  case mean
  /// The patches' tokens after the last norm, row by row of the image, `[N, D]`.
  case patches
  /// What a classifier's head sees, `[D]`.
  case features

  // A classifier that pools before its norm has none after the last block; its tokens are then
  // those of the last block.

  /// The embedding that is used unless another is asked for: the head's input of a classifier,
  /// otherwise the class token.
  public static func standard(for model: LoadedModel) -> Embedding {
    model.classifier == nil ? .classToken : .features
  }

  /// The shape of one image's embedding.
  public func shape(for model: LoadedModel) -> [Int] {
    let configuration = model.description.model
    let width = configuration.encoder.width
    return self == .patches ? [configuration.grid.count, width] : [width]
  }

  /// Refuses a model that does not compute it.
  func check(_ model: LoadedModel) throws(RunFailure) {
    guard self == .features, model.classifier == nil else { return }
    throw RunFailure(
      .badData,
      "\(model.source): the model has no head, whose input \(rawValue) would be; use class-token, "
        + "mean or patches")
  }

  /// Images `[B, C, H, W]`, normalised, to embeddings `[B, D]` or `[B, N, D]`.
  ///
  /// - Precondition: ``features`` is asked of a classifier.
  func callAsFunction(_ images: Tensor, by model: LoadedModel) -> Tensor {
    if self == .features {
      guard let classifier = model.classifier else {
        preconditionFailure("features of a model without a head")
      }
      return classifier.features(of: images)
    }
    let patches = MaskedAutoencoders.patches(of: images, side: model.description.model.patch)
    switch self {
    case .classToken, .features: return model.encoder.classToken(of: patches)
    case .mean: return model.encoder.patchTokens(of: patches).mean([1])
    case .patches: return model.encoder.patchTokens(of: patches)
    }
  }
}

extension PatchEncoder {
  /// The patches' tokens without the class token: `[B, N, V]` → `[B, N, D]`.
  fileprivate func patchTokens(of patches: Tensor) -> Tensor {
    let tokens = self(patches)
    return tokens.narrowed(1, to: 1..<tokens.shape[1])
  }
}
