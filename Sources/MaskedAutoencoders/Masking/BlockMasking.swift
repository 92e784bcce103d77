public import Torch

/// Rectangles of patches hidden at random places, as BEiT does (Bao et al., 2022, Algorithm 1),
/// until exactly as many patches are hidden as the ratio asks (Table 1f, “block-wise sampling”).
///
/// A rectangle's area is uniform between ``minimumBlock`` patches and what is still to be hidden,
/// the logarithm of its height over its width uniform between those of ``minimumAspect`` and its
/// inverse, its place uniform inside the grid. One that would hide nothing new, or more than is
/// still to be hidden, is drawn again, ten times. BEiT stops there, so that its masks differ in
/// size; here the rest is hidden patch by patch, each drawn among the visible ones beside a hidden
/// one, so that blocks grow and every image keeps as many. The same is done where fewer than
/// ``minimumBlock`` patches are left, and so on grids that are smaller than that.
public struct BlockMasking: MaskingStrategy {
  public static let name = "block"
  /// The share of patches that is hidden.
  public var ratio = 0.75
  /// The smallest rectangle, in patches; 4 in BEiT's code.
  public var minimumBlock = 4
  /// The smallest height of a rectangle over its width, and width over its height; 0.3 in BEiT.
  public var minimumAspect = 0.3

  /// Hides 75 % of the patches.
  public init() {}

  /// Hides `ratio` of the patches.
  public init(ratio: Double) { self.ratio = ratio }

  public func withRatio(_ ratio: Double) -> BlockMasking? {
    var other = self
    other.ratio = ratio
    return other
  }

  public func problems(on grid: PatchGrid?) -> [(path: String, message: String)] {
    var found = ratioProblems(on: grid)
    if !(1...65_536).contains(minimumBlock) {
      found.append(
        ("minimumBlock", "is \(minimumBlock); expected a whole number from 1 to 65536"))
    }
    if !(minimumAspect >= 0.01 && minimumAspect <= 1) {
      found.append(("minimumAspect", "is \(minimumAspect); expected a number from 0.01 to 1"))
    }
    return found
  }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    let kept = kept(of: grid)
    var numbers = UniformNumbers(generator)
    var order: [Int] = []
    order.reserveCapacity(batch * grid.count)
    for _ in 0..<batch {
      let isHidden = hidden(grid.count - kept, of: grid, &numbers)
      order += isHidden.indices.filter { !isHidden[$0] }
      order += isHidden.indices.filter { isHidden[$0] }
    }
    return PatchMask(order: Tensor(order, shape: [batch, grid.count]), keeping: kept)
  }

  /// Which patches of one image are hidden, `count` of them.
  private func hidden(
    _ count: Int, of grid: PatchGrid, _ numbers: inout UniformNumbers
  ) -> [Bool] {
    var isHidden = [Bool](repeating: false, count: grid.count)
    var left = count
    while left >= minimumBlock, let block = block(upTo: left, of: grid, isHidden, &numbers) {
      for patch in block {
        isHidden[patch] = true
        left -= 1
      }
    }
    while left > 0 {
      let beside = isHidden.indices.filter { !isHidden[$0] && grid.isBeside($0, isHidden) }
      let candidates = beside.isEmpty ? isHidden.indices.filter { !isHidden[$0] } : beside
      isHidden[candidates[numbers.whole(below: candidates.count)]] = true
      left -= 1
    }
    return isHidden
  }

  /// The patches that a rectangle hides anew, at least one and at most `limit`; nil where ten draws
  /// have given none such.
  private func block(
    upTo limit: Int, of grid: PatchGrid, _ isHidden: [Bool], _ numbers: inout UniformNumbers
  ) -> [Int]? {
    for _ in 0..<10 {
      let area = Double(minimumBlock) + numbers.next() * Double(limit - minimumBlock)
      let aspect = power(minimumAspect, 1 - 2 * numbers.next())
      let height = Int((area * aspect).squareRoot().rounded())
      let width = Int((area / aspect).squareRoot().rounded())
      guard (1...grid.rows).contains(height), (1...grid.columns).contains(width) else { continue }
      let top = numbers.whole(below: grid.rows - height + 1)
      let left = numbers.whole(below: grid.columns - width + 1)
      let fresh = (top..<top + height).flatMap { row in
        (left..<left + width).map { row * grid.columns + $0 }.filter { !isHidden[$0] }
      }
      if (1...limit).contains(fresh.count) { return fresh }
    }
    return nil
  }
}

extension PatchGrid {
  /// Whether a patch above, below, left or right of one is marked.
  fileprivate func isBeside(_ patch: Int, _ marked: [Bool]) -> Bool {
    let (row, column) = patch.quotientAndRemainder(dividingBy: columns)
    return row > 0 && marked[patch - columns] || row + 1 < rows && marked[patch + columns]
      || column > 0 && marked[patch - 1] || column + 1 < columns && marked[patch + 1]
  }
}

/// Numbers of a generator one at a time, for rules that do not know how many they need.
private struct UniformNumbers {
  private let generator: Generator
  private var numbers: [Double] = []
  private var used = 0

  init(_ generator: Generator) { self.generator = generator }

  /// Uniform in [0, 1).
  mutating func next() -> Double {
    if used == numbers.count {
      numbers = Tensor.rand([256], using: generator, dtype: .float64).array()
      used = 0
    }
    used += 1
    return numbers[used - 1]
  }

  /// Uniform among the whole numbers from 0 up to a bound.
  mutating func whole(below bound: Int) -> Int { min(Int(next() * Double(bound)), bound - 1) }
}
