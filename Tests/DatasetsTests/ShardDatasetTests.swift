import FileSystem
import CZstd
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

func zstandard(_ bytes: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { out, count in
    count = ZSTD_compress(out.baseAddress, out.count, bytes, bytes.count, 3)
  }
}

@Suite struct ShardDatasetTests {
  /// Samples `first ..< first + count`: an image whose gray is its number, and its class.
  static func samples(
    _ numbers: Range<Int>, label: (Int) -> [TarFile] = { _ in [] }
  ) throws -> [TarFile] {
    try numbers.flatMap { i in
      [TarFile(name: "s/\(i).png", content: try grayImage(i).encodedAsPNG())] + label(i)
    }
  }

  static func cls(_ i: Int) -> [TarFile] {
    [TarFile(name: "s/\(i).cls", content: Array("\(i % 3)\n".utf8))]
  }

  func grays(_ set: any ImageDataset) throws -> [Int] {
    try (0..<set.count).map { Int(try set.image(at: $0, channels: 1).pixels[0]) }
  }

  @Test func `many shards with classes`() throws {
    let folder = try TemporaryFolder()
    for shard in 0..<3 {
      try folder.write(
        "t-00\(shard).tar", tar(try Self.samples(shard * 5..<shard * 5 + 5, label: Self.cls)))
    }
    let set = try openDataset(at: folder.path + "/t-{000..002}.tar")
    checkImageDataset(set)
    #expect(try grays(set) == Array(0..<15))
    #expect(set.classes == ["0", "1", "2"])
    #expect((0..<15).allSatisfy { set.label(of: $0) == $0 % 3 })
    #expect(set.name(of: 7) == folder.path + "/t-001.tar/s/7.png")
    #expect(try openDataset(at: folder.path).count == 15)
    #expect(try openDataset(at: folder.path + "/t-001.tar").count == 5)
    #expect(kind { try openDataset(at: folder.path + "/t-{000..003}.tar") } == .missing)
    #expect(kind { try openDataset(at: folder.path, split: .validation) } == .missingSplit)
  }

  @Test func `words, JSON and packed members`() throws {
    let folder = try TemporaryFolder()
    let image = try grayImage(9).encodedAsPNG()
    let path = try folder.write(
      "a.tar",
      tar(
        [
          TarFile(name: "x.jpg.gz", content: []),
          TarFile(name: "1.png.gz", content: gzipped(image)),
          TarFile(name: "1.json", content: Array(#"{"label": "dog", "more": [1]}"#.utf8)),
          TarFile(name: "2.png.zst", content: zstandard(image)),
          TarFile(name: "2.cls.gz", content: gzipped(Array("cat".utf8))),
          TarFile(name: "2.mask.png", content: image), TarFile(name: "._2.png", content: image),
        ]
        .filter { !$0.content.isEmpty }))
    let set = try openDataset(at: path)
    checkImageDataset(set)
    #expect(set.classes == ["cat", "dog"])
    #expect((0..<2).map { set.label(of: $0) } == [1, 0])
    #expect(try grays(set) == [9, 9])
    let other = try ShardDataset(path: path, classes: ["bird", "cat", "dog"])
    #expect((0..<2).map { other.label(of: $0) } == [2, 1])
    #expect(kind { try ShardDataset(path: path, classes: ["cat"]) } == .malformed)
  }

  @Test func `shards packed as a whole`() throws {
    let folder = try TemporaryFolder()
    let archive = tar(try Self.samples(0..<4, label: Self.cls))
    for (name, bytes) in [("a.tar.gz", gzipped(archive)), ("a.tar.zst", zstandard(archive))] {
      let path = try folder.write(name, bytes)
      for _ in 0..<2 {
        let set = try ShardDataset(path: path, shards: [path], cache: folder.path + "/cache")
        checkImageDataset(set)
        #expect(try grays(set) == [0, 1, 2, 3])
      }
      for count in stride(from: 20, to: bytes.count - 1, by: 97) {
        let cut = try folder.write("cut-" + name, Array(bytes[..<count]))
        #expect(
          kind { try ShardDataset(path: cut, shards: [cut], cache: folder.path + "/cache") }
            == .malformed, "\(name) \(count)")
      }
    }
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache")
    #expect(kept.count == 2)
  }

  @Test func `what is wrong is said`() throws {
    let folder = try TemporaryFolder()
    func problem(_ files: [TarFile]) throws -> DatasetError? {
      let path = try folder.write("x.tar", tar(files))
      return error { try openDataset(at: path) }
    }
    let image = try Self.samples(0..<1)
    #expect(try problem([])?.kind == .empty)
    #expect(
      try problem([TarFile(name: "a.mp4", content: [1])])?.reason
        == "holds no images; most of its files are .mp4 (1 of them)")
    // Images are there without their classes.
    let path = folder.path + "/x.tar"
    #expect(try problem(image + [TarFile(name: "s/0.cls", content: Array("-7".utf8))]) == nil)
    #expect(
      try openDataset(at: path).notes == [
        path + ": s/0.png has a class below 0, which is none, as others may"
      ])
    #expect(
      try problem(image + [TarFile(name: "s/0.cls", content: Array("999999999".utf8))]) == nil)
    #expect(labelError(path)?.kind == .malformed)
    #expect(try problem(Self.samples(0..<2) { $0 == 0 ? Self.cls(0) : [] }) == nil)
    #expect(
      labelError(path)?.reason.hasPrefix("gives no class to 1 of its 2 images (first ") == true)
    #expect(kind { try openDataset(at: path, classes: ["0", "1"]) } == .malformed)
    // A number beside words is a word.
    #expect(
      try problem(
        Self.samples(0..<2) {
          [TarFile(name: "s/\($0).cls", content: Array((["1", "x"][$0]).utf8))]
        }) == nil)
    #expect(try openDataset(at: path).classes == ["1", "x"])
    let text = try folder.write("t.tar", Array(repeating: UInt8(ascii: "x"), count: 5000))
    #expect(error { try openDataset(at: text) }?.reason == "is no tar archive")
  }

  @Test func `an index is used where it fits and only there`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.tar", tar(try Self.samples(0..<6, label: Self.cls)))
    let index = try ShardDataset.writeIndex(of: path)
    let bytes = try readFile(index, limit: 1 << 20)
    #expect(try ShardIndex(bytes).bytes == ShardIndex(scanning: ReadableFile(path)).bytes)
    #expect(try grays(openDataset(at: path)) == Array(0..<6))
    // Another archive of the same size: its own headers count.
    try folder.write("a.tar", tar(try Self.samples(6..<12, label: Self.cls)))
    #expect(try grays(openDataset(at: path)) == Array(6..<12))
    for count in 0..<bytes.count {
      #expect(throws: FileError.self) { try ShardIndex(Array(bytes[..<count])) }
      var changed = bytes
      changed[count] ^= 1
      if !(8..<16).contains(count), !(40..<44).contains(count) {
        #expect(throws: FileError.self, "byte \(count)") { try ShardIndex(changed) }
      }
    }
  }
}

@Suite struct ShardPackingTests {
  func folderOfImages(_ folder: TemporaryFolder) throws -> any ImageDataset {
    for i in 0..<13 { try folder.writeImage("in/\(i % 2 == 0 ? "a" : "b")/\(i).x.png", gray: i) }
    try folder.write("in/a/photo.jpg", grayImage(50, side: 64).encodedAsJPEG())
    return try openDataset(at: folder.path + "/in")
  }

  @Test func `packing keeps every image, name and class`() throws {
    let folder = try TemporaryFolder()
    let set = try folderOfImages(folder)
    let report = try ShardPacking(imagesPerShard: 4).pack(set, to: folder.path + "/out")
    #expect(report.images == 14 && report.shards.count == 4 && report.kept == 0)
    #expect(report.pattern == folder.path + "/out/images-{000000..000003}.tar")
    for path in [report.pattern, folder.path + "/out"] {
      let packed = try openDataset(at: path)
      checkImageDataset(packed)
      #expect(packed.classes == set.classes)
      for i in 0..<14 {
        #expect(packed.label(of: i) == set.label(of: i))
        #expect(try packed.image(at: i) == set.image(at: i))
      }
      #expect(packed.name(of: 0).hasSuffix("000000000_a_0_x.png"))
    }
  }

  @Test func `a run that was broken off continues`() throws {
    let folder = try TemporaryFolder()
    let set = try folderOfImages(folder)
    let packing = ShardPacking(imagesPerShard: 4)
    let first = try packing.pack(set, to: folder.path + "/out")
    let bytes = try first.shards.map { try readFile($0, limit: 1 << 20) }
    try FileManager.default.removeItem(atPath: first.shards[1])
    try folder.write("out/images-000002.tar", Array(bytes[2].prefix(900)))
    let again = try packing.pack(set, to: folder.path + "/out")
    #expect(again.kept == 2)
    #expect(try again.shards.map { try readFile($0, limit: 1 << 20) } == bytes)
    let other = #expect(throws: DatasetError.self) {
      try ShardPacking(imagesPerShard: 4, maximumSide: 2).pack(set, to: folder.path + "/out")
    }
    #expect(other?.reason.contains("14 images, 4 an archive, files as they are") == true)
  }

  @Test func `large images are made smaller`() throws {
    let folder = try TemporaryFolder()
    let set = try folderOfImages(folder)
    let report = try ShardPacking(maximumSide: 32).pack(set, to: folder.path + "/out")
    let packed = try openDataset(at: report.pattern)
    let small = try packed.content(of: 7)
    #expect(small.size == PixelSize(width: 32, height: 32))
    #expect(try small.image(channels: 1).pixels.allSatisfy { abs(Int($0) - 50) <= 1 })
    #expect(try packed.content(of: 0).size == PixelSize(width: 4, height: 4))
  }

  @Test func `broken images are left out and counted`() throws {
    let folder = try TemporaryFolder()
    _ = try folderOfImages(folder)
    try folder.write("in/b/0.png", "broken")
    let set = try openDataset(at: folder.path + "/in")
    let report = try ShardPacking().pack(set, to: folder.path + "/out")
    #expect(report.images == 14)
    #expect(report.broken.map(\.name) == ["b/0.png"])
    #expect(try openDataset(at: folder.path + "/out").count == 14)
    try folder.write("in/b/00.png", "broken")
    let both = try openDataset(at: folder.path + "/in")
    #expect(
      kind {
        _ = try ShardPacking().pack(both, to: folder.path + "/out2")
        return both
      } == .tooManyBroken)
  }
}
