extension Tensor {
  private enum Ops {
    static let matmul = Op("matmul")
    static let linear = Op("linear")
    static let gelu = Op("gelu")
    static let einsum = Op("einsum")
    static let pseudoInverse = Op("linalg_pinv")
    static let eigh = Op("linalg_eigh")
  }

  /// The product of matrices, over the last two dimensions.
  public func matmul(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.matmul(self, other, file: file, line: line)
  }

  /// Products summed over the letters that the result leaves out, in Einstein's notation:
  /// `Tensor.einsum("bnd,kd->bnk", x, weight)`.
  public static func einsum(
    _ equation: String, _ operands: Tensor..., file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.einsum(equation, operands, file: file, line: line)
  }

  /// `x·Wᵀ + b`: `[…, K]` → `[…, D]`.
  ///
  /// - Parameters:
  ///   - weight: `[D, K]`.
  ///   - bias: `[D]`.
  public func linear(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    func product(_ x: Tensor) -> Tensor { Ops.linear(x, weight, bias, file: file, line: line) }
    return OneDNN.linear(self, weight, bias, file: file, line: line, orElse: product)
      ?? product(self)
  }

  /// `gelu(x·Wᵀ + b)`, see ``linear(_:_:file:line:)`` and ``gelu()``: `[…, K]` → `[…, D]`.
  public func linearWithGELU(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    func product(_ x: Tensor) -> Tensor {
      Ops.gelu(Ops.linear(x, weight, bias, file: file, line: line))
    }
    return OneDNN.linear(
      self, weight, bias, then: "gelu", file: file, line: line, orElse: product) ?? product(self)
  }

  /// Eigenvalues of a symmetric matrix, ascending, and the eigenvectors as columns, whose signs are
  /// any: `[N, N]` → `[N]`, `[N, N]`.
  public func eigh(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, vectors: Tensor) {
    let found = pair(Ops.eigh.all(self, file: file, line: line))
    return (found.values, found.indices)
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
