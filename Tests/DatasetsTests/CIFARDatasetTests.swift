import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct CIFARDatasetTests {
  /// A record whose red, green and blue planes begin with three given values.
  static func record(_ labels: [UInt8], _ values: [UInt8]) -> [UInt8] {
    labels + values.flatMap { [$0] + [UInt8](repeating: $0 / 2, count: 1023) }
  }

  @Test func `CIFAR-10`() throws {
    let folder = try TemporaryFolder()
    for batch in 1...5 {
      try folder.write(
        "data_batch_\(batch).bin",
        Self.record([UInt8(batch)], [10, 20, 30]) + Self.record([9], [40, 50, UInt8(batch)]))
    }
    try folder.write("test_batch.bin", Self.record([3], [7, 8, 9]))
    let train = try openDataset(at: folder.path)
    checkImageDataset(train)
    #expect(train.count == 10)
    #expect(train.classes == (0..<10).map { String($0) })
    #expect((0..<4).map { train.label(of: $0) } == [1, 9, 2, 9])
    #expect(train.name(of: 5) == "data_batch_3.bin[1]")
    let image = try train.image(at: 5)
    #expect(image.pixels.prefix(6) == [40, 50, 3, 20, 25, 1])
    #expect(try openDataset(at: folder.path, split: .validation).label(of: 0) == 3)
    try folder.write("batches.meta.txt", (0..<10).map { "class \($0)\n" }.joined() + "\n")
    #expect(try openDataset(at: folder.path).classes?[9] == "class 9")
  }

  @Test func `classes of another set`() throws {
    let folder = try TemporaryFolder()
    try folder.write("test_batch.bin", Self.record([3], [7, 8, 9]) + Self.record([1], [7, 8, 9]))
    let wanted = ["3", "2", "1"]
    let test = try openDataset(at: folder.path, split: .validation, classes: wanted)
    checkImageDataset(test)
    #expect(test.classes == wanted && (0..<2).map { test.label(of: $0) } == [0, 2])
    let error = try #require(
      error { try openDataset(at: folder.path, split: .validation, classes: ["1", "2"]) })
    #expect(error.kind == .malformed && error.reason.contains("\"3\""), "\(error)")
  }

  @Test func `CIFAR-100`() throws {
    let folder = try TemporaryFolder()
    try folder.write("train.bin", Self.record([1, 77], [1, 2, 3]))
    try folder.write("fine_label_names.txt", (0..<100).map { "c\($0)\n" }.joined())
    let train = try openDataset(at: folder.path)
    checkImageDataset(train)
    #expect(train.label(of: 0) == 77)
    #expect(kind { try openDataset(at: folder.path, split: .validation) } == .missingSplit)
  }

  @Test func `damaged files are refused`() throws {
    let folder = try TemporaryFolder()
    let good = Self.record([1], [1, 2, 3])
    for bad in [[], Array(good.dropLast()), good + [1], Self.record([10], [1, 2, 3])] {
      for batch in 1...5 { try folder.write("data_batch_\(batch).bin", bad) }
      #expect(kind { try openDataset(at: folder.path) } == .malformed)
    }
  }
}
