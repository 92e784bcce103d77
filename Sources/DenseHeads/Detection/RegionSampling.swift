public import Torch

/// Some of the boxes of an image, drawn evenly without replacement, of which a share at most are
/// foreground (Ren et al., 2015, §3.1.3).
public struct RegionSampling: Codable, Hashable, Sendable {
  /// Boxes of an image that count; fewer where there are fewer.
  public var count: Int
  /// The largest share of foreground among `count`. What is missing of it is background.
  public var foreground: Double

  /// Draws so many.
  public init(count: Int, foreground: Double) {
    self.count = count
    self.foreground = foreground
  }

  /// The numbers of the boxes that are drawn, in ascending order.
  public func sample(
    _ matches: [Int32], using generator: Generator
  ) -> (foreground: [Int], background: [Int]) {
    let found = matches.indices.filter { matches[$0] >= 0 }
    let rest = matches.indices.filter { matches[$0] == Matching.background }
    let positives = drawn(min(Int(Double(count) * foreground), found.count), of: found, generator)
    return (positives, drawn(min(count - positives.count, rest.count), of: rest, generator))
  }

  private func drawn(_ count: Int, of all: [Int], _ generator: Generator) -> [Int] {
    // Drawn also where all are taken, so that what comes after does not depend on it.
    let order = Tensor.randomPermutation(all.count, using: generator).array(of: Int.self)
    return order.prefix(count).map { all[$0] }.sorted()
  }
}

/// A generator for each image of a batch. An image's draws depend on its place in the whole batch
/// alone, not on the other images and not on how many processes share them.
public struct ImageDraws {
  /// The generators of the images that are computed here.
  public let generators: [Generator]

  /// Seeds generators from one.
  ///
  /// - Parameters:
  ///   - batch: Images of the whole batch.
  ///   - rows: Those of them that are computed here.
  public init(batch: Int, rows: [Int], using generator: Generator) {
    let seeds = Tensor.rand([batch], using: generator, dtype: .float64).array(of: Double.self)
    generators = rows.map { Generator(seed: UInt64(seeds[$0] * 0x1p53)) }
  }
}
