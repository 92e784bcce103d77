public import Torch
public import TorchNN

/// The exponential moving average of a model's weights (Polyak and Juditsky, 1992), often better
/// than the weights themselves: `average ← average + (1 − decay)·(weight − average)` after each
/// step.
///
/// Buffers, such as running statistics, are copied as they are. Frozen parameters, which never
/// change, are not copied at all: their average is the parameter itself.
public final class ModelEMA {
  /// The share of the average that a step keeps; 0.9999 in the paper's training from scratch (A.2).
  public let decay: Double
  private let store: ParameterStore
  /// The average of each entry; nil where it is the entry's own tensor.
  private let averages: [Tensor?]

  /// Starts from the weights as they are. What is frozen now must stay frozen.
  public init(of store: ParameterStore, decay: Double) {
    self.decay = decay
    self.store = store
    averages = store.entries.map { $0.isFrozen ? nil : $0.tensor.detached().cloned() }
  }

  /// Moves the average towards the weights.
  public func update() {
    withoutGradients {
      for (entry, average) in zip(store.entries, averages) {
        guard let average else { continue }
        if entry.isTrainable {
          average.interpolate(to: entry.tensor, weight: 1 - decay)
        } else {
          average.copy(entry.tensor)
        }
      }
    }
  }

  /// The averages under the weights' names.
  public var weights: [(name: String, tensor: Tensor)] {
    zip(store.entries, averages).map { ($0.name, $1 ?? $0.tensor.detached()) }
  }

  /// Takes up averages that ``weights`` gave.
  public func restore(_ weights: [String: Tensor]) throws(WeightMismatch) {
    try copy(weights, into: self.weights)
  }

  /// Calls `body` with the averages in the weights' place, which are put back afterwards.
  public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    let own = zip(store.entries, averages).map { entry, average in
      average.map { _ in entry.tensor.detached().cloned() }
    }
    place(averages)
    defer { place(own) }
    return try body()
  }

  private func place(_ values: [Tensor?]) {
    withoutGradients {
      for (entry, value) in zip(store.entries, values) {
        if let value { entry.tensor.copy(value) }
      }
    }
  }
}
