// B batch, H heads, N queries, M keys, d width of a head.

extension Tensor {
  private enum Ops {
    static let attention = Op("scaled_dot_product_attention")
  }

  /// `softmax(q·kᵀ / √d) · v`: queries `[B, H, N, d]`, keys and values `[B, H, M, d]` → `[B, H, N,
  /// d]`.
  ///
  /// - Parameter kernel: How it is computed; nil for what ``KernelChoice`` says of this many
  ///   tokens.
  public static func attention(
    queries: Tensor, keys: Tensor, values: Tensor, kernel: AttentionKernel? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    switch kernel ?? KernelChoice.current.attention(of: keys) {
    case .plain:
      attentionWeights(queries: queries, keys: keys, file: file, line: line)
        .matmul(values, file: file, line: line)
    case .fused: Ops.attention(queries, keys, values, file: file, line: line)
    }
  }

  /// `softmax(scale · q·kᵀ + bias) · v`, see
  /// ``attention(queries:keys:values:kernel:file:line:)``.
  ///
  /// With a bias that gradients flow to, all weights of attention are held at once in either way:
  /// libtorch's fused attention takes constants only.
  ///
  /// - Parameters:
  ///   - bias: Added to the logits, `[H, N, M]` or `[B, H, N, M]`; nil for none.
  ///   - scale: What products are multiplied by; nil for 1/√d.
  public static func attention(
    queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor?, scale: Double? = nil,
    kernel: AttentionKernel? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let scale = scale ?? 1 / Double(queries.shape.last ?? 1).squareRoot()
    let isLearned = bias?.requiresGradient ?? false
    switch isLearned ? .plain : kernel ?? KernelChoice.current.attention(of: keys) {
    case .plain:
      let logits = (queries * scale).matmul(keys.transposed(-2, -1), file: file, line: line)
      return (bias.map { logits + $0 } ?? logits).softmax().matmul(values, file: file, line: line)
    case .fused:
      let mask = bias.map { bias in
        bias.rank == 3 ? bias.unsqueezed(0).to(queries.dtype) : bias.to(queries.dtype)
      }
      return Ops.attention(
        queries, keys, values, mask, 0.0, false, Named("scale", scale), file: file, line: line)
    }
  }

  /// `softmax(q·kᵀ / √d)`: queries `[B, H, N, d]`, keys `[B, H, M, d]` → `[B, H, N, M]`, whose rows
  /// add up to 1.
  public static func attentionWeights(
    queries: Tensor, keys: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let width = Double(queries.shape.last ?? 1)
    return (queries * (1 / width.squareRoot()))
      .matmul(keys.transposed(-2, -1), file: file, line: line).softmax()
  }
}
