public import MaskedAutoencoders
public import TorchNN

/// What a network for dense tasks does in training and not afterwards.
public struct DenseTraining {
  /// What blocks leave out; nil for nothing.
  public var paths: DropPath?
  /// What heads leave out of their channels; nil for nothing.
  public var dropout: ChannelDropout?
  /// Whether blocks are computed a second time in the backward pass, instead of keeping what they
  /// computed: less memory, about a third more time.
  public var recomputes: Bool

  /// Training as it is set.
  public init(
    paths: DropPath? = nil, dropout: ChannelDropout? = nil, recomputes: Bool = false
  ) {
    self.paths = paths
    self.dropout = dropout
    self.recomputes = recomputes
  }
}
