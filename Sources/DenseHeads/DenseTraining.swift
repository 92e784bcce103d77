public import MaskedAutoencoders
public import Torch

/// What a network for dense tasks does in training and not afterwards.
public struct DenseTraining {
  /// What blocks leave out; nil for nothing.
  public var paths: DropPath?
  /// Draws the channels that heads leave out; nil for none.
  public var dropout: Generator?
  /// Adds up the statistics of batches over the processes that share a step; nil for one process.
  /// See ``BatchNorm2d/callAsFunction(_:isTraining:summing:)``.
  public var sum: ((Tensor) -> Tensor)?
  /// Whether blocks are computed a second time in the backward pass, instead of keeping what they
  /// computed: less memory, about a third more time.
  public var recomputes: Bool

  /// Training as it is set.
  public init(
    paths: DropPath? = nil, dropout: Generator? = nil, sum: ((Tensor) -> Tensor)? = nil,
    recomputes: Bool = false
  ) {
    self.paths = paths
    self.dropout = dropout
    self.sum = sum
    self.recomputes = recomputes
  }
}
