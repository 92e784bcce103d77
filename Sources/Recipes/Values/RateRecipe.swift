public import TorchOptim

/// How the learning rate rises and falls over the steps of a run, for kinds of training that count in
/// steps; the peak is `optimizer.baseLearningRate`'s.
public struct RateRecipe: Codable, Hashable, Sendable {
  /// What the fall is like.
  public var decay: Decay
  /// Steps of the linear rise.
  public var warmupSteps: Int
  /// The share of the peak that the rise begins at.
  public var warmupFactor: Double

  /// A fall.
  public enum Decay: String, Codable, Hashable, Sendable, CaseIterable {
    /// A line from the peak, where the rise ends, to `optimizer.minimumLearningRate`: MMSegmentation.
    case linear
    /// Half a cosine from the peak, where the rise ends, to `optimizer.minimumLearningRate`, as in the
    /// paper's own fine-tuning.
    case cosine
    /// Half a cosine over the whole run, whose beginning the rise cuts off: Table 4 (detectron2).
    case wholeCosine
    /// To a tenth after 8⁄9 of the steps and to a hundredth after 26⁄27: ViTDet (detectron2).
    case steps
  }

  /// Creates a course.
  public init(decay: Decay, warmupSteps: Int, warmupFactor: Double) {
    self.decay = decay
    self.warmupSteps = warmupSteps
    self.warmupFactor = warmupFactor
  }

  /// The learning rate of every step.
  public func schedule(
    peak: Double, minimum: Double, total: Int
  ) -> any LearningRateSchedule {
    switch decay {
    case .linear:
      WarmupPolynomial(
        peak: peak, minimum: minimum, warmup: warmupSteps, warmupFactor: warmupFactor,
        total: total)
    case .cosine:
      WarmupCosine(
        peak: peak, minimum: minimum, warmup: Double(warmupSteps), warmupFactor: warmupFactor,
        total: total)
    case .wholeCosine:
      WarmupToDecay(
        peak: peak, minimum: minimum, warmup: warmupSteps, warmupFactor: warmupFactor,
        total: total)
    case .steps:
      WarmupToDecay(
        peak: peak, minimum: minimum, warmup: warmupSteps, warmupFactor: warmupFactor,
        drops: [(total * 163_889) / 184_375, (total * 177_546) / 184_375], total: total)
    }
  }
}

/// Which weights decay, each as published code has it.
public enum DecayedWeights: String, Codable, Hashable, Sendable, CaseIterable {
  /// Matrices, and the positions and tables among them: MMSegmentation.
  case mmSegmentation
  /// All but the encoder's norms and positions; biases too: ViTDet.
  case vitDet
  /// All but norms, positions and tables of relative positions; biases too: Table 4 (MIMDet).
  case table4
  /// All, as ViTDet's ViT-H.
  case all
  /// Matrices but positions, as in the paper's fine-tuning.
  case matrices
}
