import Datasets
import Imaging
import Testing

/// Colours of label maps, of a class table or of a PNG file.
@Suite struct LabelPaletteTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func palette(_ table: String) throws -> LabelPalette {
    try LabelPalette(path: folder.write("colors.csv", table))
  }

  private func reason(_ work: () throws -> Void) -> String {
    do {
      try work()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func `a table's colours stand at its numbers`() throws {
    let palette = try palette("id,name,red,green,blue\n2,b,7,8,9\n0,a,1,2,3\n")
    #expect(palette.bytes == [1, 2, 3, 255, 255, 255, 7, 8, 9])
    try palette.requireColors(of: LabelNumbering(names: ["a", "b"], ids: [0, 2]))
    #expect(
      reason { try palette.requireColors(of: LabelNumbering(names: ["a", "c"], ids: [0, 1])) }
        .contains("has no colour for the number 1 (c); add it"))
    #expect(
      reason { try palette.requireColors(of: LabelNumbering(names: ["d"], ids: [3])) }
        .contains("has no colour for the number 3 (d)"))
    #expect(
      reason { try palette.requireColors(of: LabelNumbering(names: ["e"], ids: [255])) }
        .contains("the number 255 (e), which needs 16 bits"))
  }

  @Test func `a label map's palette is taken, and files without one are refused`() throws {
    let map = LabelMap(width: 2, height: 1, labels: [0, 1])
    let colors: [UInt8] = [5, 6, 7, 8, 9, 10]
    let with = try folder.write("with.png", map.encodedAsPNG(palette: colors))
    let without = try folder.write("without.png", map.encodedAsPNG())
    #expect(try LabelPalette(path: with).bytes == colors)
    #expect(
      reason { _ = try LabelPalette(path: without) }
        .contains("has no palette; expected a PNG file with one"))
    #expect(reason { _ = try palette("id,name\n0,a\n") }.contains("gives no colours"))
    #expect(!reason { _ = try LabelPalette(path: folder.path + "/absent.png") }.isEmpty)
  }
}
