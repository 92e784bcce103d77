import RecipeSyntax
public import TorchOptim

/// The optimizer and its learning rate (Tables 8–11), the same fields for every kind of training.
public struct OptimizerRecipe: Codable, Hashable, Sendable {
  /// Which one.
  public var kind: OptimizerKind
  /// The learning rate for 256 images a step; the rate in use grows in proportion to the batch.
  public var baseLearningRate: Double
  /// The learning rate at the end of the half-cosine; not scaled by the batch.
  public var minimumLearningRate: Double
  /// The factor from a layer's learning rate to that of the layer below; 1 for equal rates.
  public var layerDecay: Double
  /// AdamW's decay of the mean of gradients, β₁.
  public var beta1: Double
  /// AdamW's decay of the mean of squared gradients, β₂.
  public var beta2: Double
  /// Added by AdamW to the root of the squared gradients, ε.
  public var epsilon: Double
  /// The momentum of LARS and SGD.
  public var momentum: Double
  /// Weight decay, of weight matrices only: biases and norms are left out.
  public var weightDecay: Double
  /// The largest norm of all gradients together; null leaves them as they are.
  public var clip: Double?

  /// Creates an optimizer; what is left out has the values that PyTorch has for AdamW, and the
  /// paper's weight decay.
  public init(
    kind: OptimizerKind = .adamw, baseLearningRate: Double, minimumLearningRate: Double = 0,
    layerDecay: Double = 1, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    momentum: Double = 0.9, weightDecay: Double = 0.05, clip: Double? = nil
  ) {
    self.kind = kind
    self.baseLearningRate = baseLearningRate
    self.minimumLearningRate = minimumLearningRate
    self.layerDecay = layerDecay
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.clip = clip
  }

  /// AdamW as the paper pre-trains with it (Table 8).
  public static func pretraining(
    baseLearningRate: Double = 1.5e-4, minimumLearningRate: Double = 0, beta1: Double = 0.9,
    beta2: Double = 0.95, clip: Double? = nil
  ) -> OptimizerRecipe {
    OptimizerRecipe(
      baseLearningRate: baseLearningRate, minimumLearningRate: minimumLearningRate, beta1: beta1,
      beta2: beta2, clip: clip)
  }

  /// AdamW as the paper fine-tunes with it (Table 9).
  public static func finetuning(
    baseLearningRate: Double = 1e-3, minimumLearningRate: Double = 0, layerDecay: Double = 0.75
  ) -> OptimizerRecipe {
    OptimizerRecipe(
      baseLearningRate: baseLearningRate, minimumLearningRate: minimumLearningRate,
      layerDecay: layerDecay)
  }
}

extension OptimizerKind: StatesAllowedNames {
  package static var allowedNames: [String] { (all + added).map(\.name) }
}
