import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite(.timeLimit(.minutes(1))) struct OpenDatasetTests {
  @Test func `a folder with classes`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("dog/b.png", gray: 3)
    try folder.writeImage("cat/z.PNG", gray: 1)
    try folder.writeImage("cat/a.png", gray: 0)
    try folder.write("cat/notes.txt", "not an image")
    try folder.write("dog/.hidden.png", "not looked at")
    try folder.writeImage(".cache/x.png")
    let set = try openDataset(at: folder.path)
    checkImageDataset(set)
    #expect(set.classes == ["cat", "dog"])
    #expect((0..<set.count).map(set.name(of:)) == ["cat/a.png", "cat/z.PNG", "dog/b.png"])
    #expect((0..<set.count).map(set.label(of:)) == [0, 0, 1])
    #expect(try set.image(at: 2, channels: 1) == grayImage(3))
  }

  @Test func `flat and nested folders have no classes`() throws {
    let flat = try TemporaryFolder()
    try flat.writeImage("b.png")
    try flat.writeImage("a.png")
    let set = try openDataset(at: flat.path + "/")
    checkImageDataset(set)
    #expect(set.classes == nil)
    #expect(set.name(of: 0) == "a.png")
    let nested = try TemporaryFolder()
    try nested.writeImage("2024/05/a.png")
    try nested.writeImage("2024/b.png")
    #expect(try openDataset(at: nested.path).classes == nil)
  }

  @Test func `links are followed once`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("a/1.png")
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: folder.path + "/a/loop", withDestinationPath: folder.path)
    try files.createSymbolicLink(
      atPath: folder.path + "/b", withDestinationPath: folder.path + "/a")
    try files.createSymbolicLink(
      atPath: folder.path + "/a/2.png", withDestinationPath: folder.path + "/a/1.png")
    let set = try openDataset(at: folder.path)
    #expect((0..<set.count).map(set.name(of:)) == ["a/1.png", "a/2.png"])
  }

  @Test func `a divided folder is opened by split`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("train/cat/1.png")
    try folder.writeImage("train/dog/1.png")
    try folder.writeImage("val/dog/2.png")
    let train = try openDataset(at: folder.path)
    #expect(train.count == 2)
    let val = try openDataset(at: folder.path, split: .validation, classes: train.classes)
    #expect(val.name(of: 0) == "dog/2.png")
    #expect(val.label(of: 0) == 1)
    try folder.writeImage("val/bird/3.png")
    #expect(
      kind { try openDataset(at: folder.path, split: .validation, classes: train.classes) }
        == .malformed)
  }

  @Test func `what cannot be opened says why`() throws {
    let folder = try TemporaryFolder()
    #expect(kind { try openDataset(at: folder.path + "/nothing") } == .missing)
    let empty = try #require(error { try openDataset(at: folder.path) })
    #expect(empty.kind == .empty)
    let endings = "jfif, jpe, jpeg, jpg, png, tif, tiff, webp"
    #expect(empty.reason == "is an empty folder; expected \(endings) files")
    try folder.write("a.txt", "")
    try folder.write("b/c.txt", "")
    try folder.write("b/d.mp4", "")
    let other = try #require(error { try openDataset(at: folder.path) })
    #expect(other.reason.hasPrefix("holds no images among its 3 files (2 .txt, 1 .mp4); expected"))
    #expect(kind { try openDataset(at: folder.path, split: .validation) } == .missingSplit)
    let image = try folder.writeImage("x.png")
    #expect(error { try openDataset(at: image) }?.reason.hasPrefix("is one PNG image") == true)
    let binary = try folder.write("x.bin", [1, 0, 2])
    #expect(kind { try openDataset(at: binary) } == .malformed)
  }

  @Test func `what is read is listed by the formats themselves`() {
    let names = DatasetFormats.names
    for format in DatasetFormats.all { #expect(names.contains(format.name)) }
    #expect(names.hasPrefix("a folder of images"))
    #expect(names.contains(", or "))
  }

  @Test func `the first format that recognises a path opens it`() throws {
    struct Claim: DatasetFormat {
      var name: String { "a claim" }
      func recognizes(_ path: PathFacts) -> Bool { path.names.contains("claimed.txt") }
      func open(
        _ path: PathFacts, _ request: DatasetRequest
      ) throws(DatasetError) -> any ImageDataset { SyntheticDataset(count: 3) }
    }
    let folder = try TemporaryFolder()
    try folder.writeImage("a.png")
    let first = DatasetRequest(formats: [Claim()] + DatasetFormats.all)
    #expect(try openDataset(at: folder.path, first) is FolderDataset)
    try folder.write("claimed.txt", "")
    #expect(try openDataset(at: folder.path, first) is SyntheticDataset)
    let last = DatasetRequest(formats: DatasetFormats.all + [Claim()])
    #expect(try openDataset(at: folder.path, last) is FolderDataset)
    let only = try #require(
      error { try openDataset(at: folder.path + "/a.png", DatasetRequest(formats: [Claim()])) })
    #expect(only.reason == "is no set of images; expected a claim")
  }

  @Test func `lists`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("deep/my photo 1.png", gray: 1)
    try folder.writeImage("2.png", gray: 2)
    let plain = try folder.write("all.txt", "# mine\n\n  deep/my photo 1.png  \r\n2.png\n")
    let set = try openDataset(at: plain)
    checkImageDataset(set)
    #expect((0..<set.count).map(set.name(of:)) == ["deep/my photo 1.png", "2.png"])
    let named = try openDataset(
      at: folder.write("named.txt", "deep/my photo 1.png\tdog\n2.png\tcat\n"))
    #expect(named.classes == ["cat", "dog"])
    #expect(named.label(of: 0) == 1)
    let numbered = try openDataset(
      at: folder.write("numbered.txt", "deep/my photo 1.png 3\n2.png 0\n"))
    #expect(numbered.classes == ["0", "1", "2", "3"])
    #expect(numbered.label(of: 0) == 3)
    #expect(try numbered.image(at: 0, channels: 1) == grayImage(1))
  }

  @Test func `bad lists say why`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("1.png")
    func problem(_ text: String) throws -> DatasetError? {
      let path = try folder.write("list.txt", text)
      return error { try openDataset(at: path) }
    }
    #expect(try problem("# nothing\n")?.kind == .empty)
    #expect(try problem("Once upon a time\n")?.kind == .missing)
    // Classes are looked at by those who need them; images are there without.
    for text in ["1.png 1\n1.png\n", "1.png -1\n", "1.png 99999999\n"] {
      #expect(try problem(text) == nil)
      let list = folder.path + "/list.txt"
      #expect(labelError(list)?.kind == .malformed)
      #expect(kind { try openDataset(at: list, classes: ["0", "1"]) } == .malformed)
    }
  }
}

func error(_ body: () throws -> any ImageDataset) -> DatasetError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? DatasetError
  }
}

/// What is wrong with the classes of a set, where its images can be opened or not.
func labelError(_ path: String) -> DatasetError? {
  do throws(DatasetError) {
    try openDataset(at: path).checkLabels(path: path)
    return nil
  } catch {
    return error
  }
}

func kind(_ body: () throws -> any ImageDataset) -> DatasetError.Kind? { error(body)?.kind }
