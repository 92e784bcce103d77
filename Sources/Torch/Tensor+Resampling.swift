extension Tensor {
  private enum Ops {
    static let bicubic = Op("_upsample_bicubic2d_aa")
    static let pseudoInverse = Op("linalg_pinv")
  }

  /// Pictures of another size, by cubic interpolation (a = −½) that averages where it shrinks:
  /// `[B, C, H, W]` → `[B, C, rows, columns]`.
  public func resampledBicubically(
    rows: Int, columns: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.bicubic(self, [rows, columns], false, file: file, line: line)
  }

  /// The Moore–Penrose inverse of a matrix: `[M, N]` → `[N, M]`.
  ///
  /// - Parameter tolerance: Singular values up to this share of the largest count as zero.
  public func pseudoInverse(
    tolerance: Double, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.pseudoInverse(self, tolerance, file: file, line: line)
  }
}
