public import Torch

// B batch, N tokens, D width.

/// Stochastic depth (Huang et al., 2016): while a classifier is trained, each residual branch is
/// left out for some images, more often the deeper it lies.
public struct DropPath {
  /// The probability at the last block; the first block's is 0, and those between lie on a line.
  public let rate: Double
  /// The first block that leaves anything out; those before are frozen.
  public let firstBlock: Int
  private let generator: Generator
  private let batch: Int?
  private let rows: [Int]

  /// Draws from a generator, in the order in which branches are computed.
  ///
  /// - Parameters:
  ///   - batch: Images of the whole batch, for which is drawn; nil for those that are computed here.
  ///   - rows: Those of them that are computed here.
  public init(
    rate: Double, from firstBlock: Int = 0, batch: Int? = nil, rows: [Int] = [],
    using generator: Generator
  ) {
    self.rate = rate
    self.firstBlock = firstBlock
    self.batch = batch == rows.count ? nil : batch
    self.rows = rows
    self.generator = generator
  }

  /// The probability at one of `depth` blocks, counted from 0.
  public func rate(of block: Int, depth: Int) -> Double {
    block < firstBlock ? 0 : Self.rates(upTo: rate, depth: depth)[block]
  }

  /// The probabilities of all blocks: `rate · block / (depth − 1)`.
  public static func rates(upTo rate: Double, depth: Int) -> [Double] {
    (0..<depth).map { depth > 1 ? rate * Double($0) / Double(depth - 1) : 0 }
  }

  /// What a branch of each image that is computed here is multiplied by, `[count]`: 0 where it is left
  /// out; nil where none is.
  package func factors(for count: Int, rate: Double) -> Tensor? {
    guard rate > 0 else { return nil }
    var draws = Tensor.rand([batch ?? count], using: generator)
    if batch != nil { draws = draws.selected(Tensor(rows), along: 0) }
    let kept = draws .< (1 - rate)
    return kept.to(.float32) * (1 / (1 - rate))
  }
}

extension Tensor {
  /// A branch `[B, N, D]` times what ``DropPath/factors(for:rate:)`` gives of each image.
  func scaled(by factors: Tensor?) -> Tensor {
    guard let factors else { return self }
    let shape = [shape[0]] + [Int](repeating: 1, count: rank - 1)
    return self * factors.reshaped(shape).to(dtype).sent(to: device)
  }
}
