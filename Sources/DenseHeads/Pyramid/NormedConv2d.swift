public import Torch
public import TorchNN

// B batch, C channels in, D channels out, H × W pixels.

/// A convolution that keeps the picture's size and a norm, without an activation: `[B, C, H, W]` →
/// `[B, D, H, W]`. It has no bias, as the norm has one.
public struct NormedConv2d: Module {
  /// What follows the convolution.
  public enum Norm: String, Codable, Hashable, Sendable, CaseIterable {
    /// Batch normalisation, over all processes where there are several.
    case batch
    /// A norm over the channels of each pixel, with ε = 10⁻⁶.
    case channel
  }

  public let scope: Scope
  let convolution: Conv2d
  private let batch: BatchNorm2d?
  private let channel: ChannelNorm?

  /// Declares `weight` and, under `norm`, the norm's tensors (detectron2's names).
  public init(
    _ channelsIn: Int, _ channelsOut: Int, kernel: Int, norm: Norm,
    initializing initial: Initializer? = nil, in scope: Scope
  ) {
    self.scope = scope
    convolution = Conv2d(
      channelsIn, channelsOut, kernel: kernel, padding: kernel / 2, bias: false,
      initializing: initial, in: scope)
    batch = norm == .batch ? BatchNorm2d(channelsOut, in: scope["norm"]) : nil
    channel = norm == .channel ? ChannelNorm(channelsOut, in: scope["norm"]) : nil
  }

  /// Applies the two; the statistics of batch normalisation are the batch's in training.
  public func callAsFunction(_ x: Tensor, training: DenseTraining?) -> Tensor {
    let y = convolution(x)
    return batch?(y, isTraining: training != nil) ?? channel?(y) ?? y
  }
}
