import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct PositionTests {
  static let golden = Golden("positions")

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let rows, columns, width: Int
    let whole: Bool
    var testDescription: String { name }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `tables are theirs`(_ test: Case) throws {
    let golden = try Self.golden.tensors("tables.safetensors")
    let tolerance = try Self.golden.tolerance()
    let grid = PatchGrid(rows: test.rows, columns: test.columns)
    let table = Tensor(
      sineCosinePositions(grid, width: test.width), shape: [1 + grid.count, test.width])
    if test.whole {
      expectClose(table, try golden[test.name], within: tolerance)
    } else {
      expectClose(
        table.selected(try golden[test.name + ".indices"], along: 0),
        try golden[test.name + ".rows"], within: tolerance)
      expectClose(table.to(.float64).sum([0]), try golden[test.name + ".sum"], absolute: 1e-5)
    }
  }

  @Test func `the class token has none`() {
    let table = sineCosinePositions(PatchGrid(rows: 2, columns: 2), width: 8)
    #expect(table.prefix(8).allSatisfy { $0 == 0 })
  }

  @Test func `models carry their tables`() throws {
    let model = TestModel(
      ModelConfiguration(
        height: 8, width: 12, patch: 4, encoder: TransformerShape(width: 16, depth: 1, heads: 1),
        decoder: TransformerShape(width: 8, depth: 1, heads: 1)),
      initializing: Generator(seed: 1))
    let grid = PatchGrid(rows: 2, columns: 3)
    for (name, width) in [("pos_embed", 16), ("decoder_pos_embed", 8)] {
      let table = try #require(model.store[name])
      #expect(table.shape == [1, 7, width] && !table.requiresGradient)
      #expect(table.floats() == sineCosinePositions(grid, width: width))
    }
  }

  @Test func `a width that four does not divide stops`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = sineCosinePositions(PatchGrid(rows: 1, columns: 1), width: 6) }
    #expect(
      standardError(of: result).contains("a width that 4 divides, not 6"))
  }
}
