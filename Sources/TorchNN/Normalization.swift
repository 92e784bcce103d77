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
/// noted are used.
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
    x.batchNorm(
      mean: runningMean, variance: runningVariance, isTraining: isTraining, momentum: momentum,
      epsilon: epsilon)
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
  ///
  /// - Parameter sum: Adds up a tensor `[K]` over the processes that share a batch, without
  ///   recording: statistics, and in the backward pass their gradients, are then of all of it
  ///   (PyTorch's `SyncBatchNorm`). All processes must call it as often. nil for one process.
  public func callAsFunction(
    _ x: Tensor, isTraining: Bool, summing sum: ((Tensor) -> Tensor)? = nil
  ) -> Tensor {
    if isTraining, let sum { return normalized(x, summing: sum) }
    return x.batchNorm(
      weight, bias, mean: statistics.runningMean, variance: statistics.runningVariance,
      isTraining: isTraining, momentum: statistics.momentum, epsilon: statistics.epsilon)
  }

  /// Normalises by the statistics of several processes: first the sums, then, for their precision,
  /// the squares of what lies off the mean.
  private func normalized(_ x: Tensor, summing sum: @escaping (Tensor) -> Tensor) -> Tensor {
    func total(_ own: Tensor) -> Tensor {
      Tensor.function(withoutGradients { sum(own.detached()) }, of: [own]) { [sum($0)] }
    }
    let channels = x.shape[1]
    let others = [0] + Array(2..<x.rank)
    let shape = [1, channels] + [Int](repeating: 1, count: x.rank - 2)
    let exact = x.to(.float32)
    let count = Tensor([Float(x.count / channels)]).to(x.device)
    let sums = total(concatenated([exact.sum(others), count]))
    let number = sums[channels].detached()
    let mean = sums[0..<channels] / number
    let centred = exact - mean.reshaped(shape)
    let variance = total(centred.squared().sum(others)) / number
    withoutGradients {
      let unbiased = variance.detached() * (number / (number - 1).clamped(atLeast: 1))
      statistics.runningMean.interpolate(to: mean.detached(), weight: statistics.momentum)
      statistics.runningVariance.interpolate(to: unbiased, weight: statistics.momentum)
    }
    let scale = (variance + statistics.epsilon).reciprocalSquareRoot() * weight
    return (centred * scale.reshaped(shape) + bias.reshaped(shape)).to(x.dtype)
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
