import FileSystem
import Foundation
import Imaging
import Testing

@testable import Datasets

/// One file of an archive as tests write it.
struct TarFile {
  var name: String
  var content: [UInt8]
  var type: Character = "0"
}

/// An archive with its end mark.
func tar(_ files: [TarFile]) -> [UInt8] {
  files.flatMap { file in
    var header = TarHeader.bytes(name: file.name, size: file.content.count)
    header[156] = file.type.asciiValue ?? 0
    header.replaceSubrange(148..<156, with: Array("        ".utf8))
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    header.replaceSubrange(
      148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
    let padding = (512 - file.content.count % 512) % 512
    return header + file.content + [UInt8](repeating: 0, count: padding)
  } + [UInt8](repeating: 0, count: 1024)
}

func entries(_ bytes: [UInt8]) throws(FileError) -> [TarReader.Entry] {
  var reader = TarReader(MemoryStream(bytes))
  var found: [TarReader.Entry] = []
  while let entry = try reader.next() { found.append(entry) }
  return found
}

@Suite struct TarReaderTests {
  static let plain = tar([
    TarFile(name: "a.txt", content: Array("hello".utf8)),
    TarFile(name: "folder", content: [], type: "5"),
    TarFile(name: "folder/b.bin", content: (0..<1000).map { UInt8($0 % 251) }),
    TarFile(name: "empty", content: []),
  ])

  @Test func `names, places and sizes`() throws {
    #expect(
      try entries(Self.plain) == [
        TarReader.Entry(name: "a.txt", offset: 512, size: 5),
        TarReader.Entry(name: "folder/b.bin", offset: 2048, size: 1000),
        TarReader.Entry(name: "empty", offset: 3584, size: 0),
      ])
  }

  @Test(arguments: ["ustar", "gnu", "posix", "v7"])
  func `what tar writes`(_ format: String) throws {
    let folder = try TemporaryFolder()
    let names =
      format == "v7" ? ["x/a.jpg"] : ["x/a.jpg", "x/\(String(repeating: "l", count: 120)).jpg"]
    for (i, name) in names.enumerated() {
      try folder.write("in/" + name, [UInt8](repeating: UInt8(i), count: 700 + i))
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tar", "--format=\(format)", "-cf", folder.path + "/out.tar", "x"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path + "/in")
    try process.run()
    process.waitUntilExit()
    // A tar that does not know the format, or refuses the name, has nothing to show.
    guard process.terminationStatus == 0 else { return }
    let bytes = try readFile(folder.path + "/out.tar", limit: 1 << 20)
    let found = try entries(bytes)
    #expect(found.map(\.name).sorted() == names.sorted())
    for entry in found {
      let i = try #require(names.firstIndex(of: entry.name))
      #expect(
        bytes[entry.offset..<entry.offset + entry.size].elementsEqual(
          [UInt8](repeating: UInt8(i), count: 700 + i)))
    }
  }

  @Test func `every prefix is refused`() {
    for count in 0..<Self.plain.count - 512 where count % 7 == 0 || count % 512 < 2 {
      // The first of the two blocks of zeros is end mark enough.
      if count >= Self.plain.count - 512 { continue }
      #expect(throws: FileError.self, "\(count)") { try entries(Array(Self.plain[..<count])) }
    }
  }

  @Test func `changed bytes give entries inside the archive or an error`() {
    var random = SampleRandom(seed: 2)
    for _ in 0..<3000 {
      var bytes = Self.plain
      for _ in 0..<1 + random.integer(below: 3) {
        bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
      }
      guard let found = try? entries(bytes) else { continue }
      #expect(found.allSatisfy { $0.offset + $0.size <= bytes.count })
    }
  }

  @Test func `sizes that make no sense are refused`() {
    for size in ["77777777777", "-0000000001", "0000000000x"] {
      var bytes = Self.plain
      bytes.replaceSubrange(124..<124 + 11, with: Array(size.utf8))
      bytes.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = String(bytes[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
      bytes.replaceSubrange(
        148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
      #expect(throws: FileError.self) { try entries(bytes) }
    }
  }

  @Test func `a name of a gigabyte is refused`() {
    for type in ["L", "x"] as [Character] {
      var bytes = tar([TarFile(name: "name", content: [65], type: type)])
      bytes.replaceSubrange(124..<135, with: Array("07777777777".utf8))
      bytes.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = String(bytes[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
      bytes.replaceSubrange(
        148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
      #expect(throws: FileError.self) { try entries(bytes) }
    }
  }

  @Test func `braces`() throws {
    #expect(try ShardNames.expanded("a-{08..11}.tar").count == 4)
    #expect(try ShardNames.expanded("a-{08..11}.tar")[0] == "a-08.tar")
    #expect(try ShardNames.expanded("a-{08..11}.tar")[3] == "a-11.tar")
    #expect(
      try ShardNames.expanded("{x,y}/{0..1}.tar") == ["x/0.tar", "x/1.tar", "y/0.tar", "y/1.tar"])
    for bad in ["{", "a{}", "{1..", "{5..2}", "{a..b}", "{0..99999999}", "{{1..2}}", "{-1..2}"] {
      #expect(throws: DatasetError.self, "\(bad)") { try ShardNames.expanded(bad) }
    }
  }
}
