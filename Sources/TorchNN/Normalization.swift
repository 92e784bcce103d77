public import Torch

// B batch, C or D channels.

/// `(x − mean) / √(variance + ε) · w + b` over the last dimension: `[…, D]` → `[…, D]`.
public struct LayerNorm: Layer {
  public let scope: Scope
  /// `[D]`.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor
  /// Added to the variance.
  public let epsilon: Double

  /// Declares `weight` (ones) and `bias` (zeros).
  public init(_ width: Int, epsilon: Double, in scope: Scope) {
    self.scope = scope
    self.epsilon = epsilon
    weight = scope.parameter("weight", [width], .constant(1))
    bias = scope.parameter("bias", [width], .constant(0))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.layerNorm(weight, bias, epsilon: epsilon) }
}

/// `(x − mean) / √(variance + ε) · w + b` over groups of an image's channels: `[B, C, …]` → `[B, C,
/// …]` (Wu and He, 2018).
public struct GroupNorm: Layer {
  public let scope: Scope
  /// `[C]`.
  public let weight: Tensor
  /// `[C]`.
  public let bias: Tensor
  /// Groups that the channels are divided into.
  public let groups: Int
  /// Added to the variance.
  public let epsilon: Double

  /// Declares `weight` (ones) and `bias` (zeros).
  public init(groups: Int, _ channels: Int, epsilon: Double = 1e-5, in scope: Scope) {
    self.scope = scope
    self.groups = groups
    self.epsilon = epsilon
    weight = scope.parameter("weight", [channels], .constant(1))
    bias = scope.parameter("bias", [channels], .constant(0))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.groupNorm(groups: groups, weight, bias, epsilon: epsilon)
  }
}

/// `(x − mean) / √(variance + ε)` over the batch, without weights: `[B, D]` → `[B, D]` (Ioffe and
/// Szegedy, 2015).
///
/// In training mean and variance are the batch's, and are noted in a running mean; afterwards those
/// noted are used. Where several processes share a batch they are those of the whole batch, see
/// ``SharedBatch``.
public struct BatchNorm: Module {
  public let scope: Scope
  /// `[D]`.
  public let runningMean: Tensor
  /// `[D]`.
  public let runningVariance: Tensor
  /// Added to the variance.
  public let epsilon: Double
  /// The share of a batch in the running statistics.
  public let momentum: Double

  /// Declares `running_mean` (zeros) and `running_var` (ones), which are not trained.
  public init(_ width: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, in scope: Scope) {
    self.scope = scope
    self.epsilon = epsilon
    self.momentum = momentum
    runningMean = scope.buffer("running_mean", [width], .constant(0))
    runningVariance = scope.buffer("running_var", [width], .constant(1))
  }

  /// Normalises; in training also notes the batch's statistics.
  public func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    if isTraining, SharedBatch.group != nil { return synchronizedNormalized(x) }
    return x.batchNorm(
      mean: runningMean, variance: runningVariance, isTraining: isTraining, momentum: momentum,
      epsilon: epsilon)
  }

  /// Normalises by the statistics of all ranks' rows together, and notes them: `[B, C, …]` →
  /// `[B, C, …]`. The mean first and the deviations from it then, as a sum of squares alone loses
  /// digits.
  func synchronizedNormalized(_ x: Tensor) -> Tensor {
    guard let group = SharedBatch.group else { return x }
    let values = x.to(.float32)
    let others = [0] + Array(2..<max(2, x.rank))
    let shape = [1, x.shape[1]] + [Int](repeating: 1, count: x.rank - 2)
    let own = Tensor.full([1], Double(x.count / x.shape[1])).sent(to: x.device)
    let sums = concatenated([values.sum(others), own]).summed(over: group)
    let count = sums[x.shape[1]...].detached()
    let mean = sums[..<x.shape[1]] / count
    let centred = values - mean.reshaped(shape)
    let variance = centred.squared().sum(others).summed(over: group) / count
    withoutGradients {
      runningMean.interpolate(to: mean.detached(), weight: momentum)
      runningVariance.interpolate(
        to: variance.detached() * (count / (count - 1)), weight: momentum)
    }
    return (centred / (variance + epsilon).squareRoot().reshaped(shape)).to(x.dtype)
  }
}

/// `(x − mean) / √(variance + ε) · w + b` over the batch and all pixels of a channel:
/// `[B, C, H, W]` → `[B, C, H, W]` (Ioffe and Szegedy, 2015).
///
/// PyTorch's `num_batches_tracked`, a count that nothing reads here, is not among the weights.
public struct BatchNorm2d: Module {
  public let scope: Scope
  /// `[C]`.
  public let weight: Tensor
  /// `[C]`.
  public let bias: Tensor
  /// The statistics; its own names are this layer's.
  public let statistics: BatchNorm

  /// Declares `weight` (ones), `bias` (zeros), `running_mean` (zeros) and `running_var` (ones), of
  /// which the last two are not trained.
  public init(_ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, in scope: Scope) {
    self.scope = scope
    weight = scope.parameter("weight", [channels], .constant(1))
    bias = scope.parameter("bias", [channels], .constant(0))
    statistics = BatchNorm(channels, epsilon: epsilon, momentum: momentum, in: scope)
  }

  /// Normalises; in training also notes the batch's statistics.
  public func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    if isTraining, SharedBatch.group != nil {
      let shape = [1, weight.count, 1, 1]
      return statistics.synchronizedNormalized(x) * weight.reshaped(shape) + bias.reshaped(shape)
    }
    return x.batchNorm(
      weight, bias, mean: statistics.runningMean, variance: statistics.runningVariance,
      isTraining: isTraining, momentum: statistics.momentum, epsilon: statistics.epsilon)
  }
}

/// `(x − mean) / √(variance + ε) · w + b` over the channels of each pixel: `[B, C, H, W]` →
/// `[B, C, H, W]`. ``LayerNorm`` for pictures whose channels come first.
public struct ChannelNorm: Layer {
  public let scope: Scope
  /// `[C]`.
  public let weight: Tensor
  /// `[C]`.
  public let bias: Tensor
  /// Added to the variance, which is the biased one.
  public let epsilon: Double

  /// Declares `weight` (ones) and `bias` (zeros).
  public init(_ channels: Int, epsilon: Double = 1e-6, in scope: Scope) {
    self.scope = scope
    self.epsilon = epsilon
    weight = scope.parameter("weight", [channels], .constant(1))
    bias = scope.parameter("bias", [channels], .constant(0))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.permuted([0, 2, 3, 1]).layerNorm(weight, bias, epsilon: epsilon).permuted([0, 3, 1, 2])
  }
}
