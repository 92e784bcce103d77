import Foundation
public import MaskedAutoencoders
public import Torch
public import TorchNN

// B batch, C channels, H × W pixels, D width of the heads' output.

/// MoCo v3 (Chen, Xie and He, 2021, arXiv:2104.02057): a Vision Transformer learns to tell two views
/// of an image from those of all other images of the batch. Its counterpart in the comparisons of
/// He et al. (2022).
///
/// A query is what the encoder, a projection and a prediction head make of one view; a key is what
/// the momentum encoder and its projection head make of the other. The momentum encoder is a moving
/// average of the encoder and follows no gradient. Read is the class token after the last norm,
/// positions are a fixed sine-cosine table, and the random patch projection is not trained (§4.2,
/// “stop-gradient”).
///
/// Names: the encoder's are timm's, without a prefix, so that what is kept after training is found as
/// in any other model; beside it are `projector`, `predictor`, and all but the last of them again
/// under `momentum`. Running statistics of the momentum encoder's normalisations are its own, and no
/// average.
///
/// The paper decays all weights; whoever trains decides, and this library's recipes leave out biases
/// and norms, as everywhere.
public struct MomentumContrast: Module {
  public let scope: Scope
  /// The encoders' shape.
  public let configuration: ModelConfiguration
  /// The encoder that is trained; what is kept.
  public let encoder: PatchEncoder
  /// The projection head of the encoder.
  public let projector: ContrastiveHead
  /// The prediction head of the encoder; keys have none.
  public let predictor: ContrastiveHead
  /// The moving average of the encoder.
  public let momentumEncoder: PatchEncoder
  /// The moving average of the projection head.
  public let momentumProjector: ContrastiveHead
  /// Each weight of the momentum encoder with the one that it follows.
  private let pairs: [(momentum: Tensor, weight: Tensor)]

  /// Parts of the names of weights beside the encoder's.
  private static let parts = ["projector.", "predictor.", "momentum."]

  /// Whether a weight of that name is beside the encoder.
  public static func isBesideEncoder(_ name: String) -> Bool {
    parts.contains { name.hasPrefix($0) }
  }

  /// Declares all weights; the momentum encoder starts as the encoder.
  ///
  /// - Parameter trainsPatchProjection: Whether patches are projected by weights that are trained,
  ///   rather than by those that were drawn.
  /// - Precondition: The scope is the root of an empty store.
  public init(
    _ configuration: ModelConfiguration, heads: ContrastiveHeads = ContrastiveHeads(),
    trainsPatchProjection: Bool = false, in scope: Scope
  ) {
    precondition(
      scope.path.isEmpty && scope.store.entries.isEmpty,
      "a contrastive model is declared in a store of its own")
    self.scope = scope
    self.configuration = configuration
    func project(in scope: Scope) -> ContrastiveHead {
      ContrastiveHead(
        configuration.encoder.width, hidden: heads.hidden, output: heads.output,
        layers: heads.projectionLayers, in: scope["projector"])
    }
    encoder = PatchEncoder(configuration, in: scope)
    projector = project(in: scope)
    predictor = ContrastiveHead(
      heads.output, hidden: heads.hidden, output: heads.output, layers: heads.predictionLayers,
      in: scope["predictor"])
    momentumEncoder = PatchEncoder(configuration, in: scope["momentum"])
    momentumProjector = project(in: scope["momentum"])
    let store = scope.store
    pairs = store.entries.compactMap { entry in
      guard !entry.isBuffer else { return nil }
      return store["momentum." + entry.name].map { (momentum: $0, weight: entry.tensor) }
    }
    store.freeze { name in
      name.hasPrefix("momentum.") || (!trainsPatchProjection && name.hasPrefix("patch_embed."))
    }
    withoutGradients {
      for (momentum, weight) in pairs { momentum.copy(weight) }
    }
  }

  /// What the encoder and both heads make of a view: `[B, C, H, W]`, normalised → `[B, D]`.
  ///
  /// - Parameter isTraining: Whether batch normalisations use the batch's own statistics, and note
  ///   them.
  public func queries(of images: Tensor, isTraining: Bool = true) -> Tensor {
    let token = encoder.classToken(of: patches(of: images, side: configuration.patch))
    return predictor(projector(token, isTraining: isTraining), isTraining: isTraining)
  }

  /// What the momentum encoder and its head make of a view: `[B, C, H, W]`, normalised → `[B, D]`;
  /// no gradient is followed.
  public func keys(of images: Tensor, isTraining: Bool = true) -> Tensor {
    withoutGradients {
      let token = momentumEncoder.classToken(of: patches(of: images, side: configuration.patch))
      return momentumProjector(token, isTraining: isTraining)
    }
  }

  /// The loss of two views of the same images, each view's queries against the other's keys
  /// (Algorithm 1): a scalar.
  public func loss(
    _ first: Tensor, _ second: Tensor, temperature: Double = 0.2, isTraining: Bool = true
  ) -> Tensor {
    let queries = (
      self.queries(of: first, isTraining: isTraining),
      self.queries(of: second, isTraining: isTraining)
    )
    let keys = (
      self.keys(of: first, isTraining: isTraining), self.keys(of: second, isTraining: isTraining)
    )
    return contrastiveLoss(queries.0, keys.1, temperature: temperature)
      + contrastiveLoss(queries.1, keys.0, temperature: temperature)
  }

  /// Moves the momentum encoder after a step: `average ← m · average + (1 − m) · weight`.
  public func updateMomentumEncoder(momentum: Double) {
    withoutGradients {
      for (average, weight) in pairs { average.interpolate(to: weight, weight: 1 - momentum) }
    }
  }

  /// The momentum of a step, from `start` at step 0 to 1 after the last by half a cosine (§4.1; 0.99
  /// there).
  public static func momentum(at step: Int, of total: Int, from start: Double) -> Double {
    let done = min(1, Double(step) / Double(max(1, total)))
    return 1 - (1 - start) * (1 + cos(.pi * done)) / 2
  }
}
