internal import CTorch

// B images, N tokens, Q queries, D width, F hidden, H heads.

/// The weights of a pre-norm transformer block, as one operator takes them.
public struct TransformerBlockWeights {
  let list: [Tensor]
  let qkvBias: Tensor?
  let heads: Int
  let epsilon: Double
  private let isOfKernels: Bool

  /// Names the weights of a block.
  ///
  /// - Parameters:
  ///   - attentionNorm: Weight and bias, `[D]` each.
  ///   - qkv: `[3·D, D]`, and a bias `[3·D]` or none.
  ///   - projection: `[D, D]` and `[D]`.
  ///   - feedForwardNorm: `[D]` each.
  ///   - expand: `[F, D]` and `[F]`.
  ///   - project: `[D, F]` and `[D]`.
  ///   - heads: They divide `D`.
  ///   - epsilon: Added to the variances of both norms.
  public init(
    attentionNorm: (weight: Tensor, bias: Tensor), qkv: (weight: Tensor, bias: Tensor?),
    projection: (weight: Tensor, bias: Tensor?), feedForwardNorm: (weight: Tensor, bias: Tensor),
    expand: (weight: Tensor, bias: Tensor?), project: (weight: Tensor, bias: Tensor?),
    heads: Int, epsilon: Double
  ) {
    let biases = [projection.bias, expand.bias, project.bias].compactMap(\.self)
    list =
      biases.count < 3
      ? []
      : [
        attentionNorm.weight, attentionNorm.bias, qkv.weight, projection.weight, biases[0],
        feedForwardNorm.weight, feedForwardNorm.bias, expand.weight, biases[1], project.weight,
        biases[2],
      ]
    qkvBias = qkv.bias
    self.heads = heads
    self.epsilon = epsilon
    let width = attentionNorm.weight.count
    let vector = FusedBlock.vectorWidth(
      width: width, hidden: expand.weight.shape[0], head: width / heads)
    isOfKernels = !list.isEmpty && vector >= FusedBlock.leastVectorWidth
  }

  /// Whether the operator computes such a block faster than libtorch's do, of tokens `[B, N, D]`.
  fileprivate func fits(_ x: Tensor, queries: Int) -> Bool {
    let shape = x.shape
    guard isOfKernels, shape.count == 3, x.count > 0, shape[1] <= FusedBlock.mostTokens,
      2 * queries >= shape[1], KernelChoice.current.blocks == .fused,
      ct_grad_mode()
        ? shape[0] >= Engine.threads : shape[0] * shape[1] >= FusedBlock.fewestRows,
      !ct_autocast_enabled(Device.Kind.cpu.rawValue)
    else { return false }
    return x.isPlain && list.allSatisfy(\.isPlain) && qkvBias?.isPlain ?? true
  }
}

/// `swift_mae::block`.
private enum FusedBlock {
  static let block = Op("block", namespace: "swift_mae")
  static let width = Op("vector_width", namespace: "swift_mae")

  /// More of them are for libtorch's attention, which never holds all weights of a head.
  static let mostTokens = 640

  /// Of fewer tokens in all a forward pass alone takes longer: packing the weights of ViT-B's block
  /// takes as long as computing 75 of them.
  static let fewestRows = 400

  /// On x86 AVX2's; with fewer libtorch's products are faster than ours.
  #if arch(x86_64)
    static let leastVectorWidth = 8
  #else
    static let leastVectorWidth = 4
  #endif

  /// Floats in a vector of the kernels that take such a block on this machine; 0 for none.
  static func vectorWidth(width: Int, hidden: Int, head: Int) -> Int {
    Int(Self.width(width, hidden, head).item())
  }
}

extension Tensor {
  /// A pre-norm transformer block (Dosovitskiy et al., 2021, eq. 2–3) in one operator, forward and
  /// backward: `[B, N, D]` → `[B, Q, D]`; nil where the operators that it is composed of are to
  /// compute it: for other types than float32, other devices than the CPU, under autocast, for widths
  /// that no kernel has, for few queries of many tokens, for more than 640 tokens of an image, for
  /// fewer images than threads where gradients are recorded and fewer than 400 tokens in all where
  /// they are not, and where ``KernelChoice/blocks`` says so.
  ///
  /// The result is that of the composition but for rounding, and the same bytes in every run with as
  /// many threads. Second derivatives are those of the composition, which is computed again for them.
  ///
  /// - Parameters:
  ///   - queries: The tokens that are computed; nil for all. They attend to all.
  ///   - attentionFactors: What the attention of each image is multiplied by, `[B]`; nil for 1.
  ///   - feedForwardFactors: The same for the perceptron.
  public func transformerBlock(
    _ weights: TransformerBlockWeights, queries: Range<Int>? = nil,
    attentionFactors: Tensor? = nil, feedForwardFactors: Tensor? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor? {
    guard weights.fits(self, queries: queries?.count ?? shape[1]) else { return nil }
    return FusedBlock.block(
      self, weights.list, weights.qkvBias, attentionFactors, feedForwardFactors, weights.heads,
      queries?.lowerBound ?? 0, queries?.count ?? -1, weights.epsilon, file: file, line: line)
  }

  /// Whether the elements are float32 in main memory.
  var isPlain: Bool { dtype == .float32 && device.kind == .cpu }
}
