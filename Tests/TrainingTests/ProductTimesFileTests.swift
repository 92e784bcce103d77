import Foundation
import Testing
import Torch

@testable import Inference

/// Times of products that outlive a process.
@Suite struct ProductTimesFileTests {
  /// Times of a shape with so many outputs, as a file has them.
  private func times(_ outputs: Int, onednn: Double = 1) throws -> ProductTimes {
    let text = """
      {"shape": {"rows": 128, "inputs": 192, "outputs": \(outputs), "hasGELU": false, "threads": 2},
      "libtorch": 2, "onednn": \(onednn)}
      """
    return try JSONDecoder().decode(ProductTimes.self, from: Data(text.utf8))
  }

  @Test func `times are kept beside those of other processes, for one machine and one libtorch`()
    throws
  {
    let folder = try TemporaryRun()
    let file = ProductTimesFile(path: folder("cache/products.json"))
    #expect(file.times.isEmpty && file.line == nil)
    file.keep([try times(3), try times(1)])
    #expect(file.times == [try times(1), try times(3)])
    // Another process has found a second one meanwhile.
    ProductTimesFile(path: file.path).keep([try times(2, onednn: 3)])
    file.keep([try times(1, onednn: 1.6)])
    #expect(file.times == [try times(1, onednn: 1.6), try times(2, onednn: 3), try times(3)])
    #expect(
      file.line
        == "products of 3 shapes are timed: oneDNN is faster for 2, 2.00 times in the median")
    let text = try folder.text("cache/products.json")
    for (found, other) in [
      ("\"\(Engine.version)\"", "\"0.1\""), ("\"\(PrecisionCache.Key.processor)\"", "\"abacus\""),
      ("[", "[["),
    ] {
      let changed = text.replacingOccurrences(of: found, with: other)
      #expect(changed != text)
      try folder.write("cache/products.json", changed)
      #expect(file.times.isEmpty)
    }
    file.keep([try times(4, onednn: 2)])
    #expect(file.times == [try times(4, onednn: 2)])
    #expect(file.line == "products of 1 shape is timed: oneDNN is faster for none")
  }

  @Test func `a file that cannot be written is no error`() throws {
    let folder = try TemporaryRun()
    try folder.write("cache", "no folder")
    let file = ProductTimesFile(path: folder("cache/products.json"))
    file.keep([try times(1)])
    #expect(file.times.isEmpty)
  }
}
