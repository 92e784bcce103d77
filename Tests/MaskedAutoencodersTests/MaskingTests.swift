import MaskedAutoencoders
import TestSupport
import Testing
import Torch

@Suite struct MaskingTests {
  @Test(arguments: [0.25, 0.5, 0.6, 0.75, 0.9])
  func `random masking`(ratio: Double) {
    let checker = MaskingStrategyChecker(RandomMasking(ratio: ratio)) {
      Int(Double($0.count) * (1 - ratio))
    }
    #expect(ratio != 0.5 || checker.grids.first == PatchGrid(rows: 1, columns: 2))
    checker.check()
  }

  @Test(arguments: [0.25, 0.5, 0.75, 0.9])
  func `block masking`(ratio: Double) {
    var checker = MaskingStrategyChecker(BlockMasking(ratio: ratio)) {
      Int(Double($0.count) * (1 - ratio))
    }
    checker.isUniform = false  // the middle is hidden more often than the corners
    checker.check()
  }

  @Test(arguments: [0.25, 0.5, 0.75, 0.9])
  func `grid masking`(ratio: Double) {
    var checker = MaskingStrategyChecker(GridMasking(ratio: ratio)) {
      Int(Double($0.count) * (1 - ratio))
    }
    checker.isUniform = false  // a shifted grid has its edges elsewhere
    checker.check()
  }

  @Test(arguments: MaskingStrategies.names)
  func `masks of every grid and ratio keep as many`(name: String) throws {
    func check(_ strategy: some MaskingStrategy) {
      MaskingStrategyChecker(strategy) { strategy.kept(of: $0) }.checkCounts(upTo: 16)
    }
    let strategy: any MaskingStrategy = try #require(MaskingStrategies.named(name))
    check(strategy)
  }

  /// Blocks are blocks: a hidden patch has more hidden neighbours than chance gives it.
  @Test func `hidden patches of block masking lie together`() {
    let grid = PatchGrid(rows: 14, columns: 14)
    func neighbours(_ strategy: some MaskingStrategy) -> Double {
      let hidden = strategy.mask(grid, batch: 64, using: Generator(seed: 1)).indicator
        .reshaped([64, 14, 14])
      let both = (hidden[.all, .all, ..<13] * hidden[.all, .all, 1...]).sum().item()
      return both / (64 * 14 * 13)
    }
    // Two patches side by side are both hidden by chance in 0.5² of the places.
    #expect(abs(neighbours(RandomMasking(ratio: 0.5)) - 0.25) < 0.01)
    #expect(neighbours(BlockMasking(ratio: 0.5)) > 0.4)
    var fine = BlockMasking(ratio: 0.5)
    fine.minimumAspect = 1
    #expect(fine.problems(on: grid).isEmpty)
    fine.minimumBlock = 0
    fine.minimumAspect = 0
    #expect(fine.problems(on: grid).map(\.path) == ["minimumBlock", "minimumAspect"])
  }

  /// What is kept of a grid at the ratios that have a picture in one's mind.
  @Test func `grid masking keeps one of each square`() {
    let grid = PatchGrid(rows: 14, columns: 14)
    func seen(_ ratio: Double, _ rows: Int, _ columns: Int) -> Set<Double> {
      let mask = GridMasking(ratio: ratio).mask(grid, batch: 32, using: Generator(seed: 2))
      let visible = (1 - mask.indicator).reshaped([32, 14 / rows, rows, 14 / columns, columns])
      return Set(visible.sum([2, 4]).floats().map(Double.init))
    }
    #expect(seen(0.75, 2, 2) == [1])  // one of each 2 × 2
    #expect(seen(0.5, 1, 2) == [1] && seen(0.5, 2, 1) == [1])  // a checkerboard
    #expect(seen(0.25, 2, 2) == [3])
    let shifted = GridMasking().mask(grid, batch: 64, using: Generator(seed: 2)).indicator
    #expect(shifted.mean([0]).max().item() < 1)  // each patch is seen at times
  }

  @Test func `every strategy of the list is one`() {
    func check(_ strategy: some MaskingStrategy) {
      var checker = MaskingStrategyChecker(strategy) { strategy.kept(of: $0) }
      checker.isUniform = false
      checker.check()
    }
    withEvery("strategy", in: MaskingStrategies.names) { name in
      if let strategy = MaskingStrategies.named(name) { check(strategy) }
    }
  }

  /// A strategy made of an order, to see the checker fail.
  struct Faulty: MaskingStrategy {
    enum Fault: String, Codable {
      case repeated, first, biased, sameForAll, keepsMore, ignoresRatio, none
    }
    static let name = "faulty"
    var fault = Fault.none
    var ratio: Double { 0.5 }

    func kept(of grid: PatchGrid) -> Int { grid.count / 2 }
    func withRatio(_ ratio: Double) -> Faulty? { fault == .ignoresRatio ? self : nil }

    func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
      let half = grid.count / 2
      let noise = Tensor.rand([batch, grid.count], using: generator)
      switch fault {
      case .none, .ignoresRatio: return PatchMask(noise: noise, keeping: half)
      case .repeated:
        return PatchMask(
          order: Tensor.zeros([batch, grid.count], dtype: .int64), keeping: half)
      case .first:
        return PatchMask(
          order: Tensor.arange(0..<grid.count).unsqueezed(0).expanded([batch, -1]).contiguous(),
          keeping: half)
      case .biased:
        noise.narrowed(1, to: 0..<1).multiply(by: 0.8)
        return PatchMask(noise: noise, keeping: half)
      case .sameForAll:
        let first = noise.narrowed(0, to: 0..<1).expanded([batch, -1])
        return PatchMask(noise: first, keeping: half)
      case .keepsMore: return PatchMask(noise: noise, keeping: half + 1)
      }
    }
  }

  @Test func `the checker finds faults`() {
    func checker(_ fault: Faulty.Fault) -> MaskingStrategyChecker<Faulty> {
      var checker = MaskingStrategyChecker(Faulty(fault: fault)) { $0.count / 2 }
      checker.grids = [PatchGrid(rows: 2, columns: 2), PatchGrid(rows: 2, columns: 3)]
      return checker
    }
    checker(.none).check()
    for fault in [Faulty.Fault.repeated, .first, .biased, .sameForAll, .keepsMore, .ignoresRatio] {
      withKnownIssue("\(fault)") { checker(fault).check() }
    }
    var fixed = checker(.first)
    (fixed.isRandom, fixed.isUniform) = (false, false)
    fixed.check()
  }

  @Test func `a mask is its order`() {
    let mask = PatchMask(order: Tensor([2, 0, 3, 1, 1, 3, 0, 2], shape: [2, 4]), keeping: 1)
    #expect(mask.batch == 2 && mask.patches == 4 && mask.kept == 1)
    expectEqual(mask.visible, Tensor([2, 1], shape: [2, 1]))
    expectEqual(mask.hidden, Tensor([0, 3, 1, 3, 0, 2], shape: [2, 3]))
    expectEqual(mask.restoring, Tensor([1, 3, 0, 2, 2, 0, 3, 1], shape: [2, 4]))
    expectEqual(mask.indicator, Tensor([1, 1, 0, 1, 1, 0, 1, 1] as [Float], shape: [2, 4]))
    let noise = Tensor([0.5, 0.9, 0.1, 0.7] as [Float], shape: [1, 4])
    expectEqual(PatchMask(noise: noise, keeping: 2).order, Tensor([2, 0, 3, 1], shape: [1, 4]))
    expectEqual(mask.to(.cpu).order, mask.order)
  }

  @Test func `restoring inverts the order`() {
    withEvery("patches", in: 2...9) { patches in
      withEvery("kept", in: 1..<patches) { kept in
        let noise = Tensor.rand([3, patches], using: Generator(seed: UInt64(patches)))
        let mask = PatchMask(noise: noise, keeping: kept)
        let numbers = Tensor.arange(0..<patches).unsqueezed(0).expanded([3, -1])
        expectEqual(mask.order.gathered(mask.restoring, along: 1), numbers)
        expectEqual(mask.restoring.gathered(mask.order, along: 1), numbers)
        expectEqual(
          numbers.contiguous().scattered(numbers.contiguous(), to: mask.order, along: 1),
          mask.restoring)
        #expect(mask.indicator.sum().item() == Double(3 * (patches - kept)))
      }
    }
  }

  @Test func `masks that keep all or nothing stop`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = RandomMasking(ratio: 0.75).mask(
        PatchGrid(rows: 1, columns: 2), batch: 1, using: Generator(seed: 0))
    }
    #expect(
      standardError(of: result).contains("a mask of 2 patches keeps between 1 and 1, not 0"))
  }
}
