public import Torch

// B batch, C channels.

/// Whole channels of some images left out in training, the others scaled so that the mean stays the
/// same (Tompson et al., 2015; PyTorch's `Dropout2d`).
public struct ChannelDropout {
  private let generator: Generator
  private let batch: Int?
  private let rows: [Int]

  /// Draws from a generator, on the CPU, in the order in which layers are computed.
  ///
  /// - Parameters:
  ///   - batch: Images of the whole batch, for which is drawn; nil for those that are computed here.
  ///   - rows: Those of them that are computed here.
  public init(batch: Int? = nil, rows: [Int] = [], using generator: Generator) {
    self.generator = generator
    self.batch = batch == rows.count ? nil : batch
    self.rows = rows
  }

  /// Leaves out channels: `[B, C, …]` → `[B, C, …]`.
  ///
  /// - Parameter rate: The probability that a channel of an image is left out.
  public func callAsFunction(_ x: Tensor, rate: Double) -> Tensor {
    guard rate > 0 else { return x }
    let shape =
      [batch ?? x.shape[0], x.shape[1]] + [Int](repeating: 1, count: x.rank - 2)
    var draws = Tensor.rand(shape, using: generator)
    if batch != nil { draws = draws.selected(Tensor(rows), along: 0) }
    let kept = draws .< (1 - rate)
    return x * (kept.to(.float32) * (1 / (1 - rate))).to(x.dtype).sent(to: x.device)
  }
}
