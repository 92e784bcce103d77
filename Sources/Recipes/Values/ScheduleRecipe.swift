public import Torch

/// Images of a step.
public struct BatchRecipe: Codable, Hashable, Sendable {
  /// Images of one pass through the network, of all processes together.
  public var size: Int
  /// Passes whose gradients are averaged before a step.
  public var accumulation: Int
  /// The type in which gradients travel between processes: bfloat16 takes half the bytes of float32
  /// and gives slightly other results.
  public var reduction: GradientReducer.Wire

  /// Creates a batch.
  public init(size: Int = 4096, accumulation: Int = 1, reduction: GradientReducer.Wire = .float32) {
    self.size = size
    self.accumulation = accumulation
    self.reduction = reduction
  }
}

/// The length of a run.
public struct ScheduleRecipe: Codable, Hashable, Sendable {
  /// Passes over the data.
  public var epochs: Int
  /// Optimizer steps; overrides `epochs` where given.
  public var steps: Int?
  /// Epochs of linear warm-up; a fraction is allowed.
  public var warmupEpochs: Double

  /// Creates a length.
  public init(epochs: Int = 800, steps: Int? = nil, warmupEpochs: Double = 40) {
    self.epochs = epochs
    self.steps = steps
    self.warmupEpochs = warmupEpochs
  }
}

/// The arithmetic of the network's matrix products; weights are float32 always.
public enum Precision: String, Codable, Hashable, Sendable, CaseIterable {
  /// 32-bit floating point.
  case float32
  /// 16-bit with 8 bits of exponent, through autocast; faster only where the machine has it.
  case bfloat16
  /// The faster of the two for this model on this machine, by timing it; in the recipe of a run its
  /// place is taken by what was chosen.
  case auto
}

/// Saved states of a run; the last one is saved in any case.
public struct CheckpointRecipe: Codable, Hashable, Sendable {
  /// Epochs between two; null for none.
  public var everyEpochs: Int?
  /// Optimizer steps between two; null for none.
  public var everySteps: Int?
  /// How many to keep, the latest.
  public var keep: Int

  /// Creates a rhythm of saving.
  public init(everyEpochs: Int? = 20, everySteps: Int? = nil, keep: Int = 2) {
    self.everyEpochs = everyEpochs
    self.everySteps = everySteps
    self.keep = keep
  }
}
