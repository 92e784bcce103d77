import Torch
import TorchNN

// B batch, C channels, D channels out, H × W pixels.

/// Gives a tensor of a name and a shape: declares it in a model, looks it up, or writes it down.
typealias Declaring = (_ name: String, _ shape: [Int], _ initial: Initializer) -> Tensor

/// A convolution with the published names `w` and `b` that leaves the size of a picture: `[B, C, H,
/// W]` → `[B, D, H, W]`. Weights start normal with a variance of 1 / (fan in), biases at zero.
struct TokenizerConvolution {
  let weight: Tensor  // [D, C, k, k]
  let bias: Tensor
  private let padding: Int

  init(
    _ inputs: Int, _ outputs: Int, kernel: Int, named name: String, _ declare: Declaring
  ) {
    weight = declare(
      name + ".w", [outputs, inputs, kernel, kernel],
      .normal(std: 1 / Double(inputs * kernel * kernel).squareRoot()))
    bias = declare(name + ".b", [outputs], .constant(0))
    padding = kernel / 2
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x.conv2d(weight, bias, padding: padding) }
}

/// A bottleneck block (Ramesh et al., 2021, A.1): the input, through a 1 × 1 convolution where
/// channels differ, and a share of four convolutions, each after a ReLU: `[B, C, H, W]` → `[B, D,
/// H, W]`.
struct TokenizerBlock {
  private let identity: TokenizerConvolution?
  private let residual: [TokenizerConvolution]
  private let gain: Double

  /// - Parameters:
  ///   - kernels: Of the four convolutions; a quarter of the channels is between them.
  ///   - depth: Blocks of the whole encoder or decoder; the share is 1 / depth².
  init(
    _ inputs: Int, _ outputs: Int, kernels: [Int], depth: Int, named name: String,
    _ declare: Declaring
  ) {
    let inner = outputs / 4
    let widths = [inputs, inner, inner, inner, outputs]
    identity =
      inputs == outputs
      ? nil
      : TokenizerConvolution(inputs, outputs, kernel: 1, named: name + ".id_path", declare)
    residual = kernels.enumerated().map { index, kernel in
      TokenizerConvolution(
        widths[index], widths[index + 1], kernel: kernel,
        named: "\(name).res_path.conv_\(index + 1)", declare)
    }
    gain = 1 / Double(depth * depth)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let change = residual.reduce(x) { y, convolution in convolution(y.relu()) }
    return (identity?(x) ?? x) + change * gain
  }
}

/// Groups of blocks between a first and a last convolution.
struct TokenizerStack {
  let input: TokenizerConvolution
  private let groups: [[TokenizerBlock]]
  private let output: TokenizerConvolution

  /// - Parameters:
  ///   - first: Channels in, channels out and kernel of the first convolution.
  ///   - widths: Channels of each group.
  ///   - outputs: Channels of the last convolution.
  init(
    first: (inputs: Int, outputs: Int, kernel: Int), widths: [Int], blocks: Int, kernels: [Int],
    outputs: Int, _ declare: Declaring
  ) {
    input = TokenizerConvolution(
      first.inputs, first.outputs, kernel: first.kernel, named: "blocks.input", declare)
    var width = first.outputs
    var groups: [[TokenizerBlock]] = []
    for (group, outputs) in widths.enumerated() {
      groups.append(
        (0..<blocks).map { block in
          TokenizerBlock(
            block == 0 ? width : outputs, outputs, kernels: kernels, depth: widths.count * blocks,
            named: "blocks.group_\(group + 1).block_\(block + 1)", declare)
        })
      width = outputs
    }
    self.groups = groups
    output = TokenizerConvolution(
      width, outputs, kernel: 1, named: "blocks.output.conv", declare)
  }

  /// What comes after the first convolution.
  ///
  /// - Parameter between: What is done to the picture between two groups.
  func callAsFunction(_ x: Tensor, between: (Tensor) -> Tensor) -> Tensor {
    var x = x
    for (index, group) in groups.enumerated() {
      if index > 0 { x = between(x) }
      for block in group { x = block(x) }
    }
    return output(x.relu())
  }
}
