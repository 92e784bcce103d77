public import Torch
public import TorchNN

// B batch, N tokens, Q queries, D width, H heads, d = D/H.

/// Multi-head self-attention: `[B, N, D]` → `[B, Q, D]` (Vaswani et al., 2017, §3.2).
public struct Attention: Layer {
  public let scope: Scope
  /// Heads, `H`.
  public let heads: Int
  let width: Int
  let qkv: Linear
  let projection: Linear

  /// Declares `qkv` and `proj`.
  public init(width: Int, heads: Int, qkvBias: Bool = true, in scope: Scope) {
    self.scope = scope
    self.heads = heads
    self.width = width
    qkv = Linear(width, 3 * width, bias: qkvBias, in: scope["qkv"])
    projection = Linear(width, width, in: scope["proj"])
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let parts = split(x)
    return mixed(queries: parts[0], keys: parts[1], values: parts[2])
  }

  /// How much of each token (last dimension) goes into each (the one before), in each head:
  /// `[B, N, D]` → `[B, H, N, N]`, whose rows add up to 1. For looking at: computed plainly.
  public func weights(_ x: Tensor) -> Tensor {
    let parts = split(x)
    return Tensor.attentionWeights(queries: parts[0], keys: parts[1])
  }

  /// Queries, keys and values: `[B, N, D]` → 3 × `[B, H, N, d]`.
  package func split(_ x: Tensor) -> [Tensor] {
    qkv(x).reshaped([x.shape[0], x.shape[1], 3, heads, width / heads])
      .permuted([2, 0, 3, 1, 4]).unbound(along: 0)
  }

  /// The attention of some tokens to all of them: `[B, N, D]` → `[B, Q, D]`.
  public func callAsFunction(_ x: Tensor, queries: Range<Int>) -> Tensor {
    let (batch, tokens) = (x.shape[0], x.shape[1])
    let weight = qkv.weight.split(sizes: [width, 2 * width], along: 0)
    let bias = qkv.bias?.split(sizes: [width, 2 * width], along: 0)
    let q = x[.all, queries].linear(weight[0], bias?[0])
      .reshaped([batch, queries.count, heads, width / heads]).transposed(1, 2)
    let parts = x.linear(weight[1], bias?[1])
      .reshaped([batch, tokens, 2, heads, width / heads])
      .permuted([2, 0, 3, 1, 4]).unbound(along: 0)  // [B, N, 2D] → 2 × [B, H, N, d]
    return mixed(queries: q, keys: parts[0], values: parts[1])
  }

  private func mixed(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor {
    joined(Tensor.attention(queries: queries, keys: keys, values: values))
  }

  /// The heads' mixed values through the last projection: `[B, H, Q, d]` → `[B, Q, D]`.
  package func joined(_ mixed: Tensor) -> Tensor {
    projection(mixed.transposed(1, 2).flattened(from: 2))
  }
}

/// The two-layer perceptron of a transformer block. `[B, N, D]` → `[B, N, D]`
public struct FeedForward: Layer {
  public let scope: Scope
  let expand: Linear
  let project: Linear

  /// Declares `fc1` and `fc2`.
  public init(width: Int, hidden: Int, in scope: Scope) {
    self.scope = scope
    expand = Linear(width, hidden, in: scope["fc1"])
    project = Linear(hidden, width, in: scope["fc2"])
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    project(x.linearWithGELU(expand.weight, expand.bias))
  }
}

/// A pre-norm transformer block: `x + attention(norm(x))`, then `x + perceptron(norm(x))`
/// (Dosovitskiy et al., 2021, eq. 2–3). `[B, N, D]` → `[B, N, D]`
public struct TransformerBlock: Layer {
  public let scope: Scope
  let attentionNorm: LayerNorm
  let attention: Attention
  let feedForwardNorm: LayerNorm
  let feedForward: FeedForward
  let weights: TransformerBlockWeights

  /// Declares `norm1`, `attn`, `norm2` and `mlp`.
  public init(_ shape: TransformerShape, normEpsilon: Double, qkvBias: Bool, in scope: Scope) {
    self.scope = scope
    attentionNorm = LayerNorm(shape.width, epsilon: normEpsilon, in: scope["norm1"])
    attention = Attention(
      width: shape.width, heads: shape.heads, qkvBias: qkvBias, in: scope["attn"])
    feedForwardNorm = LayerNorm(shape.width, epsilon: normEpsilon, in: scope["norm2"])
    feedForward = FeedForward(width: shape.width, hidden: shape.hidden, in: scope["mlp"])
    weights = TransformerBlockWeights(
      attentionNorm: (attentionNorm.weight, attentionNorm.bias),
      qkv: (attention.qkv.weight, attention.qkv.bias),
      projection: (attention.projection.weight, attention.projection.bias),
      feedForwardNorm: (feedForwardNorm.weight, feedForwardNorm.bias),
      expand: (feedForward.expand.weight, feedForward.expand.bias),
      project: (feedForward.project.weight, feedForward.project.bias), heads: shape.heads,
      epsilon: normEpsilon)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { callAsFunction(x, dropping: 0, using: nil) }

  /// Leaves out each of the two branches for some images of the batch, see ``DropPath``.
  ///
  /// - Parameters:
  ///   - rate: The probability that a branch is left out; 0 for none.
  ///   - recomputes: Whether the backward pass computes the block a second time instead of keeping
  ///     what it computed.
  public func callAsFunction(
    _ x: Tensor, dropping rate: Double, using paths: DropPath?, recomputing recomputes: Bool = false
  ) -> Tensor {
    // Drawn in the order of the branches, whichever way computes them, and once.
    let factors = Branch.allCases.map { _ in paths?.factors(for: x.shape[0], rate: rate) }
    return recomputes
      ? Tensor.recomputed(x) { computed($0, factors) } : computed(x, factors)
  }

  /// - Parameter factors: What the branches of each image are multiplied by, in their order.
  private func computed(_ x: Tensor, _ factors: [Tensor?]) -> Tensor {
    if let y = x.transformerBlock(
      weights, attentionFactors: factors[0], feedForwardFactors: factors[1])
    {
      return y
    }
    return callAsFunction(x) { change, branch in
      change.scaled(by: branch == .attention ? factors[0] : factors[1])
    }
  }

  /// One of the two parts that a block adds to its tokens.
  public enum Branch: Hashable, Sendable, CaseIterable {
    /// What tokens take from each other.
    case attention
    /// What is made of each token alone.
    case feedForward
  }

  /// Computes attention in another way, or changes the two branches: how encoders for dense tasks
  /// get windows, relative positions and scales of branches into the same block.
  ///
  /// - Parameters:
  ///   - attend: The block's attention and normalised tokens `[B, N, D]` → `[B, N, D]`; the
  ///     attention itself unless given.
  ///   - change: What is added of a branch `[B, N, D]`, of the same shape.
  public func callAsFunction(
    _ x: Tensor, attending attend: (Attention, Tensor) -> Tensor = { $0($1) },
    changing change: (Tensor, Branch) -> Tensor
  ) -> Tensor {
    let y = x + change(attend(attention, attentionNorm(x)), .attention)
    return y + change(feedForward(feedForwardNorm(y)), .feedForward)
  }

  /// The weights of the block's attention, see ``Attention/weights(_:)``: `[B, N, D]` → `[B, H, N,
  /// N]`.
  public func attentionWeights(_ x: Tensor) -> Tensor { attention.weights(attentionNorm(x)) }

  /// Computes only some tokens, which still attend to all: `[B, N, D]` → `[B, Q, D]`.
  public func callAsFunction(
    _ x: Tensor, queries: Range<Int>, recomputing recomputes: Bool = false
  ) -> Tensor {
    recomputes ? Tensor.recomputed(x) { computed($0, queries) } : computed(x, queries)
  }

  private func computed(_ x: Tensor, _ queries: Range<Int>) -> Tensor {
    if let y = x.transformerBlock(weights, queries: queries) { return y }
    let y = x[.all, queries] + attention(attentionNorm(x), queries: queries)
    return y + feedForward(feedForwardNorm(y))
  }
}
