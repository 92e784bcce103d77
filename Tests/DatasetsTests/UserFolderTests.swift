import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Folders as people have them: names of any bytes, strays, folders of the system.
@Suite struct UserFolderTests {
  /// Writes an image into a folder by its name's bytes.
  private func write(_ folder: TemporaryFolder, _ parts: [[UInt8]], gray: Int = 1) throws {
    var path = folder.path
    for part in parts.dropLast() {
      path += "/" + String(pathBytes: part)
      _ = path.withSystemPath { mkdir($0, 0o755) }
    }
    path += "/" + String(pathBytes: parts[parts.count - 1])
    let bytes = try grayImage(gray).encodedAsPNG()
    let file = path.withSystemPath { fopen($0, "w") }
    try #require(file != nil, "this file system takes no such names")
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private func labelled(_ folder: TemporaryFolder, _ prefix: String = "") throws {
    for (number, name) in ["cat", "dog"].enumerated() {
      for i in 0..<4 { try folder.writeImage("\(prefix)\(name)/\(i).png", gray: number) }
    }
  }

  @Test func `names that are no UTF-8 are opened, and shown escaped`() throws {
    let folder = try TemporaryFolder()
    let cafe = Array("caf".utf8) + [0xE9]
    try write(folder, [cafe, Array("a.png".utf8)], gray: 5)
    try write(folder, [cafe, [0xFF, 0xFE] + Array(".png".utf8)], gray: 6)
    try write(folder, [Array("the".utf8), [0xE9] + Array(".png".utf8)], gray: 7)
    let set = try openDataset(at: folder.path)
    checkImageDataset(set)
    #expect(set.classes == ["caf\\xe9", "the"])
    #expect(
      (0..<set.count).map(set.name(of:))
        == ["caf\\xe9/a.png", "caf\\xe9/\\xff\\xfe.png", "the/\\xe9.png"])
    #expect((0..<set.count).map(set.label(of:)) == [0, 0, 1])
    #expect(try (0..<3).map { try set.image(at: $0, channels: 1).pixels[0] } == [5, 6, 7])
    // Through a list, an archive and the folder itself.
    try Data(cafe + Array("/a.png\tx\n".utf8) + cafe + [0x2F, 0xFF, 0xFE] + Array(".png\ty".utf8))
      .write(to: URL(fileURLWithPath: folder.path + "/list.txt"))
    let list = try openDataset(at: folder.path + "/list.txt")
    #expect(try (0..<2).map { try list.image(at: $0, channels: 1).pixels[0] } == [5, 6])
    let report = try ShardPacking().pack(set, to: folder.path + "/out")
    let packed = try openDataset(at: report.pattern)
    #expect(packed.classes == set.classes)
    #expect(try (0..<3).map { try packed.image(at: $0, channels: 1).pixels[0] } == [5, 6, 7])
    let below = try openDataset(at: folder.path + "/" + String(pathBytes: cafe))
    #expect(below.count == 2)
    #expect(
      error { try openDataset(at: folder.path + "/" + String(pathBytes: cafe + cafe)) }?.path
        == folder.path + "/caf\\xe9caf\\xe9")
  }

  @Test func `names that look the same are two classes`() throws {
    let folder = try TemporaryFolder()
    // One character, and a letter with an accent: equal as Swift's strings.
    try write(folder, [Array("caf\u{E9}".utf8), Array("a.png".utf8)], gray: 1)
    try write(folder, [Array("cafe\u{301}".utf8), Array("a.png".utf8)], gray: 2)
    try write(folder, [Array("\u{301}x".utf8), Array("\u{301}.png".utf8)], gray: 3)
    let set = try openDataset(at: folder.path)
    #expect(set.classes?.count == 3)
    #expect(Set((0..<3).map { set.label(of: $0) }).count == 3)
    let again = try openDataset(at: folder.path, classes: set.classes)
    #expect((0..<3).map(again.label(of:)) == (0..<3).map(set.label(of:)))
  }

  @Test(arguments: [
    ("Train", "Test"), ("TRAIN", "VAL"), ("training", "dev"), ("train", "Validation"),
    ("train", "testing"),
  ])
  func `parts are told whatever their capitals`(train: String, other: String) throws {
    let folder = try TemporaryFolder()
    try labelled(folder, train + "/")
    try folder.writeImage(other + "/dog/9.png")
    let set = try openDataset(at: folder.path)
    #expect(set.count == 8 && set.classes == ["cat", "dog"] && set.notes.isEmpty)
    let held = try openDataset(at: folder.path, split: .validation, classes: set.classes)
    #expect(held.count == 1 && held.label(of: 0) == 1)
  }

  @Test func `a stray image changes no layout and is named`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder)
    try folder.writeImage("stray.png")
    let flat = try openDataset(at: folder.path)
    #expect(flat.classes == ["cat", "dog"] && flat.count == 8)
    #expect(
      flat.notes == [
        "1 image is not used, outside of the folders of the 2 classes: stray.png"
      ])

    let divided = try TemporaryFolder()
    try labelled(divided, "train/")
    try labelled(divided, "val/")
    try divided.writeImage("preview.png")
    try divided.writeImage("train/stray.png")
    try divided.writeImage("train/cat/deep/stray.png")
    try divided.writeImage("extra/1.png")
    try divided.writeImage("__MACOSX/1.png")
    let set = try openDataset(at: divided.path)
    #expect(set.classes == ["cat", "dog"] && set.count == 8)
    #expect(
      set.notes == [
        "1 folder is not used: extra", "1 image is not used, beside train and val: preview.png",
        "1 folder is the system's and not used: __MACOSX",
        "2 images are not used, outside of the folders of the 2 classes: cat/deep/stray.png, stray.png",
      ])
    // Half of them elsewhere are no strays.
    for i in 0..<8 { try folder.writeImage("more-\(i).png") }
    let mixed = try openDataset(at: folder.path)
    #expect(mixed.classes == nil && mixed.count == 17)
    #expect(mixed.notes.first?.hasPrefix("there are no classes: 8 images are in folders") == true)
  }

  @Test func `a class may be called train`() throws {
    let folder = try TemporaryFolder()
    for name in ["bus", "car", "train"] { try folder.writeImage("\(name)/1.png") }
    #expect(try openDataset(at: folder.path).classes == ["bus", "car", "train"])
    let parts = try TemporaryFolder()
    try labelled(parts, "train/")
    try labelled(parts, "holdout/")
    let set = try openDataset(at: parts.path)
    #expect(set.count == 8 && set.notes == ["1 folder is not used: holdout"])
  }

  @Test func `the system's folders are no classes`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder)
    for name in [
      "__MACOSX", "@eaDir", ".@__thumb", "lost+found", "$RECYCLE.BIN",
      "System Volume Information", ".ipynb_checkpoints", "cat/@eaDir",
    ] { try folder.writeImage(name + "/x.png") }
    let set = try openDataset(at: folder.path)
    #expect(set.classes == ["cat", "dog"] && set.count == 8)
    #expect(set.notes.count == 1)
    #expect(set.notes[0].hasPrefix("8 folders are the system's and not used: $RECYCLE.BIN, "))
    #expect(try subfolders(of: folder.path) == ["cat", "dog"])
  }

  @Test func `pictures that are not read are counted`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder)
    for i in 0..<30 { try folder.write("cat/\(i).HEIC", "x") }
    try folder.write("dog/1.gif", "x")
    let notes = try openDataset(at: folder.path).notes
    #expect(
      notes == [
        "31 pictures are of a kind that is not read (30 .heic, 1 .gif); convert them to JPEG or PNG, "
          + "for example with ImageMagick: magick mogrify -format jpg *.heic"
      ])
    let only = try TemporaryFolder()
    try only.write("1.avif", "x")
    #expect(error { try openDataset(at: only.path) }?.reason.hasSuffix("*.avif") == true)
  }

  @Test func `a link that leads nowhere is an image that cannot be read`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/cat/gone.png", withDestinationPath: folder.path + "/nothing.png")
    let set = try openDataset(at: folder.path)
    #expect(set.count == 9)
    #expect(DatasetSummary(of: set).broken.map(\.name) == ["cat/gone.png"])
  }

  @Test func `a few images beside archives change nothing, nor a few archives beside images`()
    throws
  {
    let folder = try TemporaryFolder()
    for i in 0..<2 {
      let samples = try ShardDatasetTests.samples(i * 40..<i * 40 + 40)
      try folder.write("\(i).tar", tar(samples))
    }
    try folder.writeImage("preview.png")
    let shards = try openDataset(at: folder.path)
    #expect(shards.count == 80)
    #expect(shards.notes == ["1 image is not used, beside the archives: preview.png"])

    let images = try TemporaryFolder()
    try labelled(images)
    try images.write(
      "all.tar",
      tar(
        try (0..<8).map { TarFile(name: "\($0).png", content: try grayImage($0).encodedAsPNG()) }))
    for name in ["cat", "dog"] { try images.write("\(name)/notes.txt", "x") }
    // Large enough that the archive is not ten times as much.
    for i in 0..<4 { try images.writeImage("cat/\(i).png", gray: i, side: 300) }
    let set = try openDataset(at: images.path)
    #expect(set.classes == ["cat", "dog"] && set.count == 8)
    #expect(
      set.notes == ["1 tar archive is not used beside the images; name one to open it"])
  }

  @Test func `parts may be folders of archives`() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "train/0.tar", tar(try ShardDatasetTests.samples(0..<3, label: ShardDatasetTests.cls)))
    try folder.write(
      "train/1.tar", tar(try ShardDatasetTests.samples(3..<6, label: ShardDatasetTests.cls)))
    try folder.write(
      "val/0.tar", tar(try ShardDatasetTests.samples(6..<8, label: ShardDatasetTests.cls)))
    let set = try openDataset(at: folder.path)
    #expect(set.count == 6 && set.classes == ["0", "1", "2"])
    #expect(try openDataset(at: folder.path, split: .validation, classes: set.classes).count == 2)
    // One folder, with archives of both parts and others.
    let flat = try TemporaryFolder()
    for name in ["Train-0", "VAL-0", "device-0"] {
      try flat.write(name + ".tar", tar(try ShardDatasetTests.samples(0..<2)))
    }
    let parts = try openDataset(at: flat.path)
    #expect(parts.count == 2)
    #expect(
      parts.notes == ["1 tar archive is neither train… nor val… and not used: device-0.tar"])
  }

  @Test func `a class of one image is learned from`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder)
    try folder.writeImage("owl/1.png", gray: 99)
    let set = try openDataset(at: folder.path)
    let held = try set.heldBack(fraction: 0.1, seed: 1)
    #expect((0..<held.count).compactMap(held.label(of:)).sorted() == [0, 1])
    let taken = Set((0..<held.count).map(held.baseIndex(of:)))
    let rest = SubsetDataset(set, indices: (0..<set.count).filter { !taken.contains($0) })
    #expect(
      try ClassAgreement.check(training: rest, validation: held)
        .contains(.unvalidated(classes: ["owl"], of: 3)))
    // The choice is otherwise that of a part.
    let part = try set.subset(fraction: 0.1, seed: 1)
    let names = Set((0..<part.count).map(part.name(of:))).subtracting(["owl/1.png"])
    #expect(Set((0..<held.count).map(held.name(of:))) == names)
  }

  @Test func `what people write for a path`() throws {
    let folder = try TemporaryFolder()
    try labelled(folder, "my set/")
    #expect(try openDataset(at: "file://\(folder.path)/my%20set").count == 8)
    #expect(try openDataset(at: "file://localhost\(folder.path)/my%20set/").count == 8)
    #expect(try openDataset(at: folder.path + "/my*").classes == ["cat", "dog"])
    let images = try openDataset(at: folder.path + "/my set/*/[01].png")
    #expect(images.count == 4 && images.classes == nil)
    for i in 0..<2 { try folder.write("s\(i).tar", tar(try ShardDatasetTests.samples(i..<i + 1))) }
    #expect(try openDataset(at: folder.path + "/s?.tar").count == 2)
    #expect(
      error { try openDataset(at: folder.path + "/*") }?.reason.hasPrefix(
        "stands for 3 files and folders (") == true)
    #expect(kind { try openDataset(at: folder.path + "/x*") } == .missing)
    #expect(try PathWords.path("~/photos") == NSHomeDirectory() + "/photos")
    for (word, advice) in [
      ("s3://b/x", "expected s3://…/name-{000000..000127}.tar"),
      ("gcs://b/x.tar", "is written gs://"),
      ("hf://datasets/x", "hf download"), ("pipe:curl -s https://x/y.tar", "is a command"),
      ("az://x", "azcopy"), ("sftp://x/y", "copy the files"), ("foo://x", "foo://"),
      ("file://server/x", "another machine"),
    ] {
      let error = try #require(error { try openDataset(at: word) })
      #expect(error.reason.contains(advice), "\(error)")
    }
  }
}
