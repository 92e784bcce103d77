import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing

/// The worked examples of CONTRIBUTING.md, which pass what is asked of such code.
@Suite struct ContributingExampleTests {
  @Test(arguments: ["SpotMasking.swift", "STLDataset.swift"])
  func `CONTRIBUTING shows the code that is tested here`(file: String) throws {
    let code = try Texts.text("Tests/ReadmeTests/\(file)")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let blocks = Texts.blocks("swift", in: try Texts.text("CONTRIBUTING.md"))
    #expect(blocks.contains(code), "CONTRIBUTING.md has no block equal to \(file)")
  }

  @Test func `the diffs fit the files they change`() throws {
    let diffs = Texts.blocks("diff", in: try Texts.text("CONTRIBUTING.md"))
    #expect(diffs.count >= 6)
    for diff in diffs {
      let lines = diff.split(separator: "\n", omittingEmptySubsequences: false)
      let path = try #require(lines.first { $0.hasPrefix("+++ b/") }).dropFirst(6)
      let old = lines.dropFirst(2).filter { !$0.hasPrefix("+") }.map { $0.dropFirst() }
      let text = try Texts.text(String(path))
      let fits = text.contains(old.joined(separator: "\n"))
      #expect(fits, "\(path) has no lines\n\(old.joined(separator: "\n"))")
    }
  }

  @Test(arguments: [0.25, 0.5, 0.75])
  func `the example strategy is a masking strategy`(ratio: Double) {
    var checker = MaskingStrategyChecker(SpotMasking(ratio: ratio)) {
      Int(Double($0.count) * (1 - ratio))
    }
    checker.isUniform = false  // the middle is hidden more often than the corners
    checker.check()
  }

  @Test func `the example data set reads its records`() throws {
    let path = NSTemporaryDirectory() + "mae-stl-\(UUID())_X.bin"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var image = [UInt8](repeating: 0, count: 3 * 96 * 96)
    // Row 0, column 1 is the second column's first byte.
    (image[96], image[96 * 96 + 96], image[2 * 96 * 96 + 96]) = (1, 2, 3)
    try Data(image + image).write(to: URL(fileURLWithPath: path))
    // The line that CONTRIBUTING adds to the list, in its place.
    let formats = DatasetFormats.all.flatMap { format -> [any DatasetFormat] in
      format.name == "an IDX file or folder" ? [format, STLFormat()] : [format]
    }
    let set = try openDataset(at: path, DatasetRequest(formats: formats))
    #expect(set is STLDataset)
    checkImageDataset(set)
    #expect(set.count == 2)
    #expect(set.classes == nil && set.label(of: 0) == nil)
    #expect(try Array(set.image(at: 1).pixels.prefix(9)) == [0, 0, 0, 1, 2, 3, 0, 0, 0])

    try Data(image.dropLast()).write(to: URL(fileURLWithPath: path))
    #expect(throws: DatasetError.self) {
      try openDataset(at: path, DatasetRequest(formats: formats))
    }
    // Without the line the file is none of those that are read.
    #expect(throws: DatasetError.self) { try openDataset(at: path) }
  }
}
