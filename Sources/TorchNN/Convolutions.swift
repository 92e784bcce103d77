public import Torch

// B batch, C channels in, D channels out, H × W pixels.

/// A convolution over pictures: `[B, C, H, W]` → `[B, D, H′, W′]`, see
/// ``/Torch/Tensor/conv2d(_:_:stride:padding:dilation:groups:file:line:)``. Weights and biases
/// start uniform in ±1/√(fan in), as PyTorch's.
public struct Conv2d: Layer {
  public let scope: Scope
  /// `[D, C / groups, k, k]`.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor?
  /// From window to window.
  public let stride: Int
  /// Zeros around the picture.
  public let padding: Int
  /// From pixel to pixel of a window.
  public let dilation: Int
  /// Parts that channels are divided into, each with weights of its own.
  public let groups: Int

  /// Declares `weight` and, unless told otherwise, `bias`.
  public init(
    _ channelsIn: Int, _ channelsOut: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true,
    initializing initial: Initializer? = nil, initializingBias: Initializer? = nil, in scope: Scope
  ) {
    self.scope = scope
    (self.stride, self.padding) = (stride, padding)
    (self.dilation, self.groups) = (dilation, groups)
    let fanIn = channelsIn / groups * kernel * kernel
    weight = scope.parameter(
      "weight", [channelsOut, channelsIn / groups, kernel, kernel],
      initial ?? .uniform(fanIn: fanIn))
    self.bias =
      bias
      ? scope.parameter("bias", [channelsOut], initializingBias ?? .uniform(fanIn: fanIn)) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.conv2d(weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// A transposed convolution over pictures, which makes them larger: `[B, C, H, W]` → `[B, D, H′,
/// W′]`. Weights and biases start uniform in ±1/√(fan in), as PyTorch's.
public struct ConvTranspose2d: Layer {
  public let scope: Scope
  /// `[C, D, k, k]`.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor?
  /// From pixel to pixel of the input, in pixels of the output.
  public let stride: Int
  /// Rows and columns that are cut off at each side.
  public let padding: Int
  /// Rows and columns that are added at one side.
  public let outputPadding: Int

  /// Declares `weight` and, unless told otherwise, `bias`.
  public init(
    _ channelsIn: Int, _ channelsOut: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, bias: Bool = true, initializing initial: Initializer? = nil,
    initializingBias: Initializer? = nil, in scope: Scope
  ) {
    self.scope = scope
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    // PyTorch counts the fan in by the weight's second dimension, here the channels out.
    let fanIn = channelsOut * kernel * kernel
    weight = scope.parameter(
      "weight", [channelsIn, channelsOut, kernel, kernel], initial ?? .uniform(fanIn: fanIn))
    self.bias =
      bias
      ? scope.parameter("bias", [channelsOut], initializingBias ?? .uniform(fanIn: fanIn)) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.convTranspose2d(
      weight, bias, stride: stride, padding: padding, outputPadding: outputPadding)
  }
}
