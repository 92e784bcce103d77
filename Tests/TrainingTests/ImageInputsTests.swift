@testable import FileSystem
@testable import Inference
import Datasets
import Foundation
import Imaging
import Testing
import Torch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What words stand for: files, folders, lists, sets.
@Suite struct ImageInputsTests {
  private func names(_ inputs: ImageInputs) -> [String] {
    inputs.parts.flatMap { part in (0..<part.images.count).map { part.images.name(of: $0) } }
  }

  @Test func filesFoldersAndListsInTheirOrder() throws {
    let fixture = try TemporaryRun(images: 4)
    try fixture.write("broken.jpg", "no picture")
    try fixture.write("list.txt", "images/03.png\nimages/01.png\n")
    try fixture.copy("images/02.png", to: "no-extension")
    let inputs = try ImageInputs([
      fixture("images/02.png"), fixture("broken.jpg"), fixture("images"), fixture("no-extension"),
      fixture("list.txt"),
    ])
    #expect(inputs.parts.count == 4)
    #expect(
      names(inputs)
        == [
          "images/02.png", "broken.jpg", "images/00.png", "images/01.png", "images/02.png",
          "images/03.png", "no-extension", "images/03.png", "images/01.png",
        ].map { fixture($0) })
    #expect(inputs.count == 9)
    // Names lead to the images.
    for part in inputs.parts {
      for index in 0..<part.images.count where !part.images.name(of: index).hasSuffix("broken.jpg")
      {
        let file = try EncodedImage(path: part.images.name(of: index))
        #expect(try part.images.content(of: index).size == file.size)
      }
    }
  }

  @Test func dividedSets() throws {
    let fixture = try TemporaryRun()
    try fixture.makeClasses(perClass: 2)
    let all = try ImageInputs([fixture("classes")])
    #expect(all.count == 10 && all.parts.count == 1)
    let part = try ImageInputs([fixture("classes")], split: .validation)
    #expect(part.count == 6)
    #expect(part.parts[0].images.classes == ["bright", "dark"])
    #expect(names(part)[0] == fixture("classes/val/bright/val-0.png"))
    #expect(throws: DatasetError.self) {
      try ImageInputs([fixture("classes/val")], split: .validation)
    }
  }

  @Test func nothingThere() throws {
    let fixture = try TemporaryRun(images: 1)
    for path in ["nowhere", "nowhere.jpg", ""] {
      let error = #expect(throws: DatasetError.self) {
        try ImageInputs([fixture("images"), path])
      }
      #expect(error?.kind == .missing)
    }
    try fixture.write("empty/notes.md", "nothing")
    #expect(throws: DatasetError.self) { try ImageInputs([fixture("empty")]) }
  }

  @Test func bytesAndPaths() throws {
    let bytes = try TemporaryRun.picture(1).encodedAsPNG()
    let image = ImageBytes(bytes, name: "-")
    #expect(image.count == 1 && image.name(of: 0) == "-")
    #expect(try image.content(of: 0).size == PixelSize(width: 16, height: 16))
    #expect(throws: ImageError.self) { try ImageBytes([1, 2], name: "-").content(of: 0) }
    #expect(throws: ImageError.self) { try ImageFiles(paths: ["/nowhere"]).content(of: 0) }
  }

  // MARK: lines

  private func lines(_ text: String, atMost limit: Int) throws -> [[String]] {
    let fixture = try TemporaryRun()
    try fixture.write("lines", text)
    let stream = try LineStream(path: fixture("lines"))
    var found: [[String]] = []
    while let lines = try stream.lines(atMost: limit) { found.append(lines) }
    #expect(try stream.lines(atMost: 1) == nil)
    return found
  }

  @Test func linesOfFiles() throws {
    #expect(try lines("a\nb\r\n\n c \n", atMost: 9).flatMap(\.self) == ["a", "b", " c "])
    #expect(try lines("a\nb\nc", atMost: 2) == [["a", "b"], ["c"]])
    #expect(try lines("a\nb\n", atMost: 2) == [["a", "b"]])
    #expect(try lines("", atMost: 2).isEmpty)
    #expect(try lines("\n\n", atMost: 2).isEmpty)
    let many = (0..<40_000).map { "line \($0)" }
    let found = try lines(many.joined(separator: "\n"), atMost: 999)
    #expect(found.flatMap(\.self) == many)
    #expect(found.allSatisfy { (1...999).contains($0.count) })
    #expect(throws: FileError.self) { try LineStream(path: "/nowhere") }
    #expect(throws: FileError.self) {
      try lines(String(repeating: "x", count: 3 << 20), atMost: 1)
    }
  }

  @Test func `a byte-order mark is skipped, zero bytes end paths, and bytes are kept`() throws {
    #expect(try lines("\u{FEFF}a\nb\n", atMost: 9) == [["a", "b"]])
    #expect(try lines("\u{FEFF}", atMost: 9).isEmpty)
    #expect(try lines("a.jpg\0b\nc.jpg\0\0d\r", atMost: 9) == [["a.jpg", "b\nc.jpg", "d\r"]])
    let fixture = try TemporaryRun()
    let name: [UInt8] = Array("caf".utf8) + [0xE9]
    try Data(name + [0x0A]).write(to: URL(fileURLWithPath: fixture("lines")))
    let found = try #require(try LineStream(path: fixture("lines")).lines(atMost: 9))
    #expect(found.map(\.pathBytes) == [name] && ImageFiles(paths: found).name(of: 0) == "caf\\xe9")
  }

  @Test func `strays of a folder are images without a class`() throws {
    let fixture = try TemporaryRun()
    try fixture.makeClasses(perClass: 2)
    try fixture.copy("classes/val/bright/val-0.png", to: "classes/val/stray.png")
    let inputs = try ImageInputs([fixture("classes/val")])
    #expect(inputs.count == 7 && inputs.parts[0].images.classes == ["bright", "dark"])
    let images = inputs.parts[0].images
    let stray = try #require((0..<7).first { images.name(of: $0).hasSuffix("/stray.png") })
    #expect(images.label(of: stray) == nil && images.notes.isEmpty)
    let matched = try ImageInputs([
      fixture("classes/val/*/val-0.png"), "file://" + fixture("classes/val"),
    ])
    #expect(matched.count == 9)
  }

  /// What a slow writer has written so far is handed over before it goes on.
  @Test func linesOfPipes() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let stream = LineStream(descriptor: ends[0], name: "pipe")
    func write(_ text: String) { _ = text.utf8CString.withUnsafeBytes { put(ends[1], $0) } }
    write("a\nb\nhalf")
    #expect(try stream.lines(atMost: 10) == ["a", "b"])
    write(" a line\nd\n")
    #expect(try stream.lines(atMost: 1) == ["half a line"])
    #expect(try stream.lines(atMost: 10) == ["d"])
    write("last")
    close(ends[1])
    #expect(try stream.lines(atMost: 10) == ["last"])
    #expect(try stream.lines(atMost: 10) == nil)
  }
}

/// Writes a C string without its end.
private func put(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count - 1)
}
