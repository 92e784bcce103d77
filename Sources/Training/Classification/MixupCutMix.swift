public import Imaging
import MaskedAutoencoders
public import Recipes
public import Torch
import TorchOptim

// B batch, K classes, C channels, H × W pixels.

/// Mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019): images are blended with others of the
/// batch, and so are their classes.
///
/// Image `i` meets image `B − 1 − i`, as in timm. With both strengths above 0 one of the two is drawn
/// each time.
public struct MixupCutMix: Hashable, Sendable {
  /// α of mixup: λ is drawn from Beta(α, α); 0 for none.
  public var mixup: Double
  /// α of CutMix; 0 for none.
  public var cutmix: Double
  /// The probability that a batch, pair or image is mixed at all.
  public var probability: Double
  /// The probability of CutMix where both are on.
  public var switchProbability: Double
  /// What shares a draw.
  public var mode: MixMode

  /// Creates a mixing; what is left out is the paper's (Table 9) with timm's probabilities.
  public init(
    mixup: Double = 0.8, cutmix: Double = 1, probability: Double = 1,
    switchProbability: Double = 0.5, mode: MixMode = .batch
  ) {
    self.mixup = mixup
    self.cutmix = cutmix
    self.probability = probability
    self.switchProbability = switchProbability
    self.mode = mode
  }

  /// How one image is mixed with the other.
  public enum Mix: Hashable, Sendable {
    /// Not at all.
    case none
    /// `share · image + (1 − share) · other`.
    case whole(share: Double)
    /// Rows and columns of the other in the image's place.
    case box(rows: Range<Int>, columns: Range<Int>)

    /// The share of the image itself, which its class has in the target.
    public func share(height: Int, width: Int) -> Double {
      switch self {
      case .none: 1
      case .whole(let share): share
      case .box(let rows, let columns):
        1 - Double(rows.count * columns.count) / Double(height * width)
      }
    }
  }

  /// Draws how each image of a batch is mixed.
  public func draw(
    batch: Int, height: Int, width: Int, using random: inout SampleRandom
  ) -> [Mix] {
    switch mode {
    case .batch:
      return [Mix](repeating: one(height, width, &random), count: batch)
    case .image:
      return (0..<batch).map { _ in one(height, width, &random) }
    case .pair:
      let half = (0..<(batch + 1) / 2).map { _ in one(height, width, &random) }
      return half + half.prefix(batch / 2).reversed()
    }
  }

  private func one(_ height: Int, _ width: Int, _ random: inout SampleRandom) -> Mix {
    guard mixup > 0 || cutmix > 0, random.uniform() < probability else { return .none }
    let cuts = cutmix > 0 && (mixup <= 0 || random.uniform() < switchProbability)
    let share = random.beta(cuts ? cutmix : mixup)
    guard cuts else { return .whole(share: share) }
    let side = (1 - share).squareRoot()
    return .box(
      rows: Self.span(of: Int(Double(height) * side), in: height, &random),
      columns: Self.span(of: Int(Double(width) * side), in: width, &random))
  }

  /// A length around a uniform centre, cut off at the edges.
  private static func span(
    of length: Int, in side: Int, _ random: inout SampleRandom
  ) -> Range<Int> {
    let centre = random.integer(below: side)
    let start = min(max(centre - length / 2, 0), side)
    return start..<max(start, min(centre + length / 2, side))
  }

  /// Images mixed as drawn: `[B, C, H, W]` → `[B, C, H, W]`.
  public static func mix(_ images: Tensor, by mixes: [Mix]) -> Tensor {
    let others = images.flipped([0])
    if let first = mixes.first, mixes.allSatisfy({ $0 == first }) {
      return mix(images, others, by: first)
    }
    return concatenated(
      mixes.enumerated().map { index, blend in
        mix(
          images.narrowed(0, to: index..<index + 1), others.narrowed(0, to: index..<index + 1),
          by: blend)
      })
  }

  private static func mix(_ images: Tensor, _ others: Tensor, by blend: Mix) -> Tensor {
    switch blend {
    case .none: return images
    case .whole(let share): return images * share + others * (1 - share)
    case .box(let rows, let columns):
      if rows.isEmpty || columns.isEmpty { return images }
      let mixed = images.cloned()
      mixed.narrowed(2, to: rows).narrowed(3, to: columns)
        .copy(others.narrowed(2, to: rows).narrowed(3, to: columns))
      return mixed
    }
  }

  /// Shares of classes for mixed images, `[B, K]`, which add up to 1.
  ///
  /// - Parameters:
  ///   - shares: Each image's own share, see ``Mix/share(height:width:)``.
  ///   - smoothing: The share that is spread over all classes (Szegedy et al., 2016).
  public static func targets(
    _ labels: [Int], classes: Int, shares: [Double], smoothing: Double
  ) -> Tensor {
    let off = smoothing / Double(classes)
    let on = 1 - smoothing
    var values = [Float](repeating: Float(off), count: labels.count * classes)
    for (row, share) in shares.enumerated() {
      let other = labels[labels.count - 1 - row]
      values[row * classes + labels[row]] += Float(on * share)
      values[row * classes + other] += Float(on * (1 - share))
    }
    return Tensor(values, shape: [labels.count, classes])
  }
}
