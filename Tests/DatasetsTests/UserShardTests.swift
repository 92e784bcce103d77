import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Archives as people make them.
@Suite struct UserShardTests {
  private func file(_ name: String, _ text: String) -> TarFile {
    TarFile(name: name, content: Array(text.utf8))
  }

  private func image(_ name: String, _ gray: Int) throws -> TarFile {
    TarFile(name: name, content: try grayImage(gray).encodedAsPNG())
  }

  @Test func `an archive that was not sorted gives every image its own class`() throws {
    let folder = try TemporaryFolder()
    let labels = (0..<4).map { file("s/\($0).cls", "\($0)") }
    let images = try (0..<4).map { try image("s/\($0).png", $0) }
    for (name, files) in [
      ("labels.tar", labels + images), ("images.tar", images + labels.reversed()),
    ] {
      let set = try openDataset(at: folder.write(name, tar(files)))
      checkImageDataset(set)
      #expect((0..<4).map(set.label(of:)) == [0, 1, 2, 3], "\(name)")
    }
    // Two images of one name, or two classes of one: nobody knows whose it is.
    let doubtful = try folder.write(
      "d.tar",
      tar([
        image("a.png", 1), file("b.cls", "1"), image("a.png", 2), image("c.png", 3),
        file("a.cls", "2"), image("x.png", 4), file("c.cls", "0"), image("y.png", 4),
        file("c.cls", "1"),
      ]))
    let set = try openDataset(at: doubtful)
    #expect((0..<set.count).map(set.label(of:)) == Array(repeating: nil, count: 5))
  }

  @Test func `a second image of a name is named`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.tar", tar([image("a.png", 1), image("a.jpg", 2)]))
    let set = try openDataset(at: path)
    #expect(set.count == 1)
    #expect(
      set.notes == [
        path
          + ": 1 image is not used because another has its name up to the first full stop: a.jpg"
      ])
  }

  @Test func `archives that follow each other in one file are read`() throws {
    let folder = try TemporaryFolder()
    let one = try tar([image("a.png", 1), file("a.cls", "0")])
    let two = try tar([image("b.png", 2), file("b.cls", "1")])
    // GNU tar pads to 10 KiB.
    let padding = [UInt8](repeating: 0, count: 10_240 - one.count % 10_240)
    for (name, bytes) in [("x.tar", one + two), ("y.tar", one + padding + two + padding)] {
      let set = try openDataset(at: folder.write(name, bytes))
      try #require(set.count == 2)
      #expect(set.classes == ["0", "1"] && set.notes.isEmpty)
      #expect(try set.image(at: 1, channels: 1).pixels[0] == 2)
    }
    let path = try folder.write("z.tar", one + [UInt8](repeating: 7, count: 777))
    let set = try openDataset(at: path)
    #expect(set.count == 1)
    #expect(set.notes == ["\(path): 777 bytes after the archive's end are not read"])
    #expect(try openDataset(at: folder.write("zeros.tar", one + [0, 0, 0])).notes.isEmpty)
  }

  @Test func `names with full stops are explained`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "a.tar", tar([image("set/img.0000.png", 1), file("set/img.0000.cls", "1")]))
    #expect(
      error { try openDataset(at: path) }?.reason
        == "holds no images: in a shard a file's name ends at its first full stop, so img.0000.png is "
        + "the file .0000.png of a sample called img; call it img_0000.png, or pack the images with "
        + "mae data pack")
  }

  @Test func `every class name is read back`() throws {
    let folder = try TemporaryFolder()
    let names: [[String]] = [
      ["a", "b\nc", "d"], ["\\", "\\n", "\n", "x\\"], [""], ["", "a"], ["a", ""],
      ["é", "e\u{301}"],
      ["plain", "names"],
    ]
    for names in names {
      let index = ShardIndex([], archiveSize: 0, fingerprint: 0, classes: names)
      let read = try ShardIndex(index.bytes).classes ?? []
      #expect(read.map { Array($0.utf8) } == names.map { Array($0.utf8) })
    }
    #expect(
      try ShardIndex([], archiveSize: 0, fingerprint: 0, classes: ["a", "b"]).bytes.prefix(8)
        .elementsEqual("MAEINDX1".utf8))
    for name in ["a\nb", "c"] { try folder.writeImage("in/\(name)/1.png") }
    let set = try openDataset(at: folder.path + "/in")
    let packed = try openDataset(
      at: ShardPacking().pack(set, to: folder.path + "/out").pattern)
    #expect(packed.classes == ["a\nb", "c"])
    #expect((0..<2).map(packed.label(of:)) == [0, 1])
  }
}
