public import Torch
public import TorchNN

/// A convolution without a bias that keeps the picture's size, batch normalisation and ReLU:
/// `[B, C, H, W]` → `[B, D, H, W]`. Weights start normal, for a ReLU that follows (He et al., 2015, by
/// the fan out).
public struct ConvolutionBlock: Module {
  public let scope: Scope
  let convolution: Conv2d
  let norm: BatchNorm2d

  /// Declares `conv` and `bn` (MMSegmentation's names).
  public init(_ channelsIn: Int, _ channelsOut: Int, kernel: Int, in scope: Scope) {
    self.scope = scope
    convolution = Conv2d(
      channelsIn, channelsOut, kernel: kernel, padding: kernel / 2, bias: false,
      initializing: .kaimingNormal(fanOut: channelsOut * kernel * kernel), in: scope["conv"])
    norm = BatchNorm2d(channelsOut, in: scope["bn"])
  }

  /// Applies the three; statistics are the batch's in training.
  public func callAsFunction(_ x: Tensor, training: DenseTraining?) -> Tensor {
    norm(convolution(x), isTraining: training != nil).relu()
  }
}

extension Tensor {
  /// The map at another's size, bilinearly: `[B, C, H, W]` → `[B, C, H′, W′]`.
  func resized(like other: Tensor) -> Tensor {
    let (size, wanted) = (shape, other.shape)
    if size[2] == wanted[2], size[3] == wanted[3] { return self }
    return interpolated(rows: wanted[2], columns: wanted[3], mode: .bilinear)
  }
}

/// The last layer of a head: a score for each class and pixel. `[B, C, H, W]` → `[B, K, H, W]`
struct PixelClassifier: Module {
  let scope: Scope
  let dropout: Double
  let convolution: Conv2d

  /// Declares `conv_seg`, normal with a deviation of 0.01.
  init(_ channels: Int, classes: Int, dropout: Double, in scope: Scope) {
    self.scope = scope
    self.dropout = dropout
    let own = scope["conv_seg"]
    convolution = Conv2d(
      channels, classes, kernel: 1, initializing: .normal(std: 0.01),
      initializingBias: .constant(0), in: own)
  }

  func callAsFunction(_ x: Tensor, training: DenseTraining?) -> Tensor {
    convolution(training?.dropout.map { $0(x, rate: dropout) } ?? x)
  }
}
