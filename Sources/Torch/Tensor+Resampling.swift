extension Tensor {
  private enum Ops {
    static let nearest = Op("upsample_nearest2d")
    static let bilinear = Op("upsample_bilinear2d")
    static let bicubic = Op("_upsample_bicubic2d_aa")
    static let plainBicubic = Op("upsample_bicubic2d")
    static let linear1d = Op("upsample_linear1d")
  }

  /// How values between pixels are made up.
  public enum InterpolationMode: Hashable, Sendable {
    /// The nearest pixel's.
    case nearest
    /// On a line between the two nearest of each direction; where a picture shrinks, pixels between
    /// are passed over.
    case bilinear
    /// By cubic interpolation (a = −½) that averages where it shrinks: PyTorch's `bicubic` with
    /// `antialias=True`.
    case bicubic
    /// By cubic interpolation (a = −¾) of the sixteen nearest pixels, whatever the sizes: PyTorch's
    /// `bicubic` as it is. It differs from ``bicubic`` where a picture grows, too.
    case plainBicubic
  }

  /// Pictures of another size: `[B, C, H, W]` → `[B, C, rows, columns]`. Corners are not aligned:
  /// pixels are areas (PyTorch's `align_corners=False`).
  public func interpolated(
    rows: Int, columns: Int, mode: InterpolationMode,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    switch mode {
    case .nearest: Ops.nearest(self, [rows, columns], file: file, line: line)
    case .bilinear: Ops.bilinear(self, [rows, columns], false, file: file, line: line)
    case .bicubic: Ops.bicubic(self, [rows, columns], false, file: file, line: line)
    case .plainBicubic: Ops.plainBicubic(self, [rows, columns], false, file: file, line: line)
    }
  }

  /// Rows of another length, on a line between the two nearest elements: `[B, C, L]` → `[B, C,
  /// length]`. Corners are not aligned.
  public func interpolated(
    length: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.linear1d(self, [length], false, file: file, line: line)
  }
}
