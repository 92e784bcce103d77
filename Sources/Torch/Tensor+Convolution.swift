// B batch, C channels, H × W pixels; a pair of numbers is rows (height), then columns (width).

extension Tensor {
  private enum Ops {
    static let conv2d = Op("conv2d")
    static let convTranspose2d = Op("conv_transpose2d", "input")
    static let maxPool2d = Op("max_pool2d")
    static let avgPool2d = Op("avg_pool2d")
    static let adaptiveAvgPool2d = Op("adaptive_avg_pool2d")
    static let pad = Op("pad")
  }

  /// A convolution: `[B, C, H, W]` → `[B, D, H′, W′]`, `H′ = (H + 2·padding − dilation·(k − 1) − 1)
  /// / stride + 1`.
  ///
  /// - Parameters:
  ///   - weight: `[D, C / groups, k, k′]`.
  ///   - bias: `[D]`.
  public func conv2d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.conv2d(
      self, weight, bias, [stride, stride], [padding, padding], [dilation, dilation], groups,
      file: file, line: line)
  }

  /// A transposed convolution: `[B, C, H, W]` → `[B, D, H′, W′]`, `H′ = (H − 1)·stride − 2·padding
  /// + k + outputPadding`.
  ///
  /// - Parameters:
  ///   - weight: `[C, D / groups, k, k′]`.
  ///   - bias: `[D]`.
  ///   - outputPadding: Rows and columns added at one side of the result.
  public func convTranspose2d(
    _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.convTranspose2d(
      self, weight, bias, [stride, stride], [padding, padding], [outputPadding, outputPadding],
      groups, file: file, line: line)
  }

  /// The largest element of each window of `size` × `size`: `[B, C, H, W]` → `[B, C, H′, W′]`.
  ///
  /// - Parameter stride: From window to window; nil for `size`.
  public func maxPool2d(
    _ size: Int, stride: Int? = nil, padding: Int = 0,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let stride = stride ?? size
    return Ops.maxPool2d(
      self, [size, size], [stride, stride], [padding, padding], file: file, line: line)
  }

  /// The mean of each window of `size` × `size`: `[B, C, H, W]` → `[B, C, H′, W′]`.
  ///
  /// - Parameter stride: From window to window; nil for `size`.
  public func avgPool2d(
    _ size: Int, stride: Int? = nil, padding: Int = 0,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let stride = stride ?? size
    return Ops.avgPool2d(
      self, [size, size], [stride, stride], [padding, padding], file: file, line: line)
  }

  /// Means over windows that divide the picture as evenly as they can:
  /// `[B, C, H, W]` → `[B, C, rows, columns]`.
  public func adaptiveAvgPool2d(
    rows: Int, columns: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.adaptiveAvgPool2d(self, [rows, columns], file: file, line: line)
  }

  /// What stands in the places that padding adds.
  public enum PaddingMode: Hashable, Sendable {
    /// A value.
    case constant(Double)
    /// The elements inside, mirrored at the border, which is not repeated.
    case reflect
    /// The element at the border.
    case replicate

    fileprivate var arguments: (mode: String, value: Double?) {
      switch self {
      case .constant(let value): ("constant", value)
      case .reflect: ("reflect", nil)
      case .replicate: ("replicate", nil)
      }
    }
  }

  /// The tensor with places added around it.
  ///
  /// - Parameters:
  ///   - widths: How many before and after the last dimension, then before and after the one
  ///     before, and so on: left, right, top, bottom for pictures `[B, C, H, W]`, all four of which
  ///     `reflect` and `replicate` want. Negative numbers take away.
  ///   - mode: What stands there.
  public func padded(
    _ widths: [Int], mode: PaddingMode = .constant(0),
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let arguments = mode.arguments
    return Ops.pad(self, widths, arguments.mode, arguments.value, file: file, line: line)
  }
}
