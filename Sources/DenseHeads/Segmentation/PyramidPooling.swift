public import Torch
public import TorchNN

// B batch, D width, C channels, R × S places.

/// Means of a map over the whole of it, its quarters, ninths and thirty-sixths, beside the map itself
/// (Zhao et al., 2017, “PSPNet”): `[B, D, R, S]` → `[B, C, R, S]`.
public struct PyramidPooling: Module {
  public let scope: Scope
  private let parts: [ConvolutionBlock]
  private let bottleneck: ConvolutionBlock
  /// Sides of the grids that means are taken over.
  public static let sides = [1, 2, 3, 6]

  /// Declares `psp_modules.0.1` to `.3.1` and `bottleneck`.
  public init(width: Int, channels: Int, in scope: Scope) {
    self.scope = scope
    parts = Self.sides.indices.map {
      ConvolutionBlock(width, channels, kernel: 1, in: scope["psp_modules", $0]["1"])
    }
    bottleneck = ConvolutionBlock(
      width + Self.sides.count * channels, channels, kernel: 3, in: scope["bottleneck"])
  }

  /// Pools and joins.
  public func callAsFunction(_ x: Tensor, training: DenseTraining?) -> Tensor {
    let means = zip(Self.sides, parts).map { side, part in
      part(x.adaptiveAvgPool2d(rows: side, columns: side), training: training).resized(like: x)
    }
    return bottleneck(concatenated([x] + means, along: 1), training: training)
  }
}
