package import MaskedAutoencoders
package import Testing
import Torch

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What every masking strategy must hold; a new one is checked by one test that runs ``check()``.
package struct MaskingStrategyChecker<Strategy: MaskingStrategy> {
  /// The strategy.
  package var strategy: Strategy
  /// How many patches it must keep of a grid.
  package var kept: (PatchGrid) -> Int
  /// The grids it is tried on; each must leave something visible and something hidden.
  package var grids: [PatchGrid]
  /// Whether the generator decides which patches are hidden.
  package var isRandom = true
  /// Whether each patch of a grid is hidden as often as any other.
  package var isUniform = true

  /// Grids from the smallest that can be masked to one that is larger and not square.
  package static var everyGrid: [PatchGrid] {
    [(1, 2), (2, 1), (1, 3), (2, 2), (2, 3), (4, 4), (3, 7), (14, 14)].map {
      PatchGrid(rows: $0, columns: $1)
    }
  }

  /// Takes a strategy and the number of patches it must keep; grids where that is none or all are
  /// left out.
  package init(_ strategy: Strategy, keeping kept: @escaping (PatchGrid) -> Int) {
    self.strategy = strategy
    self.kept = kept
    grids = Self.everyGrid.filter { (1..<$0.count).contains(kept($0)) }
  }

  /// Records an issue for everything that does not hold.
  package func check(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(!grids.isEmpty, "there is no grid to check", sourceLocation: sourceLocation)
    withEvery("grid", in: grids) { grid in
      withEvery("batch", in: [1, 5]) { batch in
        checkMask(grid, batch: batch, sourceLocation)
      }
      checkRandomness(grid, sourceLocation)
      if isUniform { checkMarginals(grid, sourceLocation) }
    }
    checkText(sourceLocation)
    checkRatios(sourceLocation)
  }

  /// Records an issue for every grid of up to `limit` × `limit` patches and every ratio from 10 % to
  /// 90 % whose masks do not keep the number of patches, are no permutations, are not put in order
  /// by ``PatchMask/restoring``, or are others for an equal seed.
  package func checkCounts(
    upTo limit: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    withEvery("ratio", in: 1...9) { tenths in
      guard let strategy = strategy.withRatio(Double(tenths) / 10) else { return }
      withEvery("rows", in: 1...limit) { rows in
        withEvery("columns", in: 1...limit) { columns in
          let grid = PatchGrid(rows: rows, columns: columns)
          guard strategy.problems(on: grid).isEmpty else { return }
          let mask = strategy.mask(grid, batch: 2, using: Generator(seed: 6))
          let order = mask.order.array(of: Int.self)
          let restoring = mask.restoring.array(of: Int.self)
          let isWhole = (0..<2).allSatisfy { image in
            let start = image * grid.count
            return (0..<grid.count).allSatisfy { order[start + restoring[start + $0]] == $0 }
          }
          let again = strategy.mask(grid, batch: 2, using: Generator(seed: 6))
          #expect(
            mask.kept == strategy.kept(of: grid)
              && mask.kept == Int(Double(grid.count) * (1 - strategy.ratio))
              && order.count == 2 * grid.count && isWhole
              && order == again.order.array(of: Int.self),
            "\(context("a mask keeps as many patches, is a permutation, and follows its seed"))",
            sourceLocation: sourceLocation)
        }
      }
    }
  }

  private func draw(_ grid: PatchGrid, batch: Int, seed: UInt64 = 3) -> PatchMask {
    strategy.mask(grid, batch: batch, using: Generator(seed: seed))
  }

  private func checkMask(_ grid: PatchGrid, batch: Int, _ sourceLocation: SourceLocation) {
    let mask = draw(grid, batch: batch)
    func hold(_ condition: Bool, _ rule: String) {
      #expect(condition, "\(context(rule))", sourceLocation: sourceLocation)
    }
    hold(mask.order.shape == [batch, grid.count], "the order is [B, N]")
    hold(mask.order.dtype == .int64, "patch numbers are int64")
    hold(mask.order.device == .cpu, "a mask is drawn on the CPU")
    hold(!mask.order.requiresGradient, "a mask has no gradient")
    hold(mask.kept == kept(grid), "\(mask.kept) patches are kept, expected \(kept(grid))")
    hold(strategy.kept(of: grid) == kept(grid), "kept(of:) is \(strategy.kept(of: grid))")
    hold(strategy.problems(on: grid).isEmpty, "there are no problems")
    let rows = mask.order.array(of: Int.self).chunks(of: grid.count)
    for row in rows {
      hold(row.sorted() == Array(0..<grid.count), "\(row) is a permutation")
    }
    expectEqual(
      concatenated([mask.visible, mask.hidden], along: 1), mask.order, "visible, then hidden",
      sourceLocation: sourceLocation)
    let indicator = rows.flatMap { row in
      let hidden = Set(row.dropFirst(mask.kept))
      return (0..<grid.count).map { hidden.contains($0) ? Float(1) : 0 }
    }
    expectEqual(
      mask.indicator, Tensor(indicator, shape: [batch, grid.count]), "indicator",
      sourceLocation: sourceLocation)
  }

  private func checkRandomness(_ grid: PatchGrid, _ sourceLocation: SourceLocation) {
    func indicator(_ mask: PatchMask) -> [Float] { mask.indicator.floats() }
    let first = draw(grid, batch: 64)
    #expect(
      first.order.array(of: Int.self) == draw(grid, batch: 64).order.array(of: Int.self),
      "\(context())equal generators give equal masks", sourceLocation: sourceLocation)
    guard isRandom else { return }
    #expect(
      indicator(first) != indicator(draw(grid, batch: 64, seed: 4)),
      "\(context())another seed hides other patches", sourceLocation: sourceLocation)
    let generator = Generator(seed: 3)
    let again = (0..<2).map { _ in strategy.mask(grid, batch: 64, using: generator) }
    #expect(
      indicator(again[0]) != indicator(again[1]),
      "\(context())a second draw of a generator hides other patches",
      sourceLocation: sourceLocation)
    #expect(
      Set(indicator(first).chunks(of: grid.count)).count > 1,
      "\(context())images of a batch are masked apart", sourceLocation: sourceLocation)
  }

  /// Each patch is hidden as often as chance allows: within five standard deviations.
  private func checkMarginals(_ grid: PatchGrid, _ sourceLocation: SourceLocation) {
    let draws = 4_000
    let share = Double(grid.count - kept(grid)) / Double(grid.count)
    let bound = 5 * (share * (1 - share) / Double(draws)).squareRoot()
    let found = draw(grid, batch: draws).indicator.mean([0])
    expectClose(
      found, Tensor.full([grid.count], share), absolute: bound,
      "the share of draws in which each patch is hidden", sourceLocation: sourceLocation)
  }
}

extension MaskingStrategyChecker {
  /// Parameters come back from JSON, and missing ones are the defaults.
  private func checkText(_ sourceLocation: SourceLocation) {
    let isKnown = MaskingStrategies.all.contains { $0 == Strategy.self }
    MaskingStrategies.$added.withValue(isKnown ? [] : [Strategy.self]) {
      #expect(
        MaskingStrategies.names.filter { $0 == Strategy.name }.count == 1,
        "the name '\(Strategy.name)' is its own", sourceLocation: sourceLocation)
      let whole = Masking(strategy)
      let back = try? JSONDecoder().decode(Masking.self, from: JSONEncoder().encode(whole))
      #expect(back == whole, "JSON gives the strategy back", sourceLocation: sourceLocation)
      let text = "{\"strategy\": \"\(Strategy.name)\"}"
      let plain = try? JSONDecoder().decode(Masking.self, from: Data(text.utf8))
      #expect(
        plain == Masking(Strategy()), "\(text) has every default", sourceLocation: sourceLocation)
      #expect(
        Strategy().problems(on: PatchGrid(rows: 14, columns: 14)).isEmpty,
        "the defaults are without problems", sourceLocation: sourceLocation)
    }
  }

  /// Where the strategy can have another ratio, that alone changes; a ratio that cannot be is a
  /// problem.
  private func checkRatios(_ sourceLocation: SourceLocation) {
    let grid = PatchGrid(rows: 14, columns: 14)
    for ratio in [0.25, 0.9] {
      guard let other = strategy.withRatio(ratio) else { continue }
      #expect(other.ratio == ratio, "the ratio is \(ratio)", sourceLocation: sourceLocation)
      #expect(
        other.withRatio(strategy.ratio) == strategy, "nothing but the ratio changes",
        sourceLocation: sourceLocation)
    }
    for ratio in [0, 1, -1, 1e300, .nan, .infinity, 1e-18] {
      guard let other = strategy.withRatio(ratio) else { continue }
      #expect(
        other.problems(on: grid).map(\.path) == ["ratio"], "a ratio of \(ratio) is a problem",
        sourceLocation: sourceLocation)
    }
  }
}

extension Array {
  /// Runs of `size` elements.
  package func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
