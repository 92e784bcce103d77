@testable import FileSystem
@testable import TensorFiles
import TestSupport
import Testing

@testable import Torch

@Suite struct ZipTests {
  let folder = TemporaryFolder()

  static let two = [
    Forged.Entry(name: "a", data: [1, 2, 3]), Forged.Entry(name: "b/c", data: [4]),
  ]

  func entries(_ bytes: [UInt8]) throws(FileError) -> [String: [UInt8]] {
    let file = try MappedFile(folder.write(bytes, to: "z"))
    let entries = try ZipArchive(file).entries
    return file.withBytes { bytes in entries.mapValues { Array(bytes[$0]) } }
  }

  @Test func readsStoredEntries() throws {
    #expect(try entries(Forged.zip(Self.two)) == ["a": [1, 2, 3], "b/c": [4]])
    #expect(try entries(Forged.zip([])) == [:])
    // A comment may look like the record that it follows.
    let comment: [UInt8] = [0x50, 0x4b, 5, 6] + .init(repeating: 0, count: 40)
    #expect(try entries(Forged.zip(Self.two, comment: comment)).count == 2)
  }

  @Test func readsTheWideForm() throws {
    // As a writer makes it whose entry lies beyond 4 GB, which this one does not.
    let plain = Forged.zip([Forged.Entry(name: "a", data: [1, 2, 3])])
    let start = 30 + 1 + 3
    var wide = Array(plain[..<start])
    var entry = Array(plain[start..<start + 46])
    entry.replaceSubrange(20..<28, with: [UInt8](repeating: 0xff, count: 8))
    entry.replaceSubrange(30..<32, with: littleEndian(UInt16(32)))
    entry.replaceSubrange(42..<46, with: [UInt8](repeating: 0xff, count: 4))
    wide += entry + Array("a".utf8) + [9, 9, 0, 0, 1, 0, 24, 0]
    wide += littleEndian(UInt64(3)) + littleEndian(UInt64(3)) + littleEndian(UInt64(0))
    let size = wide.count - start
    let record = wide.count
    wide += [0x50, 0x4b, 6, 6] + littleEndian(UInt64(44)) + .init(repeating: 0, count: 12)
    wide += littleEndian(UInt64(1)) + littleEndian(UInt64(1)) + littleEndian(UInt64(size))
    wide += littleEndian(UInt64(start))
    wide += [0x50, 0x4b, 6, 7, 0, 0, 0, 0] + littleEndian(UInt64(record)) + [1, 0, 0, 0]
    wide += [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + .init(repeating: 0xff, count: 12) + [0, 0]
    #expect(try entries(wide) == ["a": [1, 2, 3]])
    // Every number of it may lie.
    for place in start..<wide.count {
      for value in [0, 1, 0x7f, 0xff] as [UInt8] {
        var broken = wide
        broken[place] = value
        let error = fileError { () throws(FileError) in _ = try entries(broken) }
        if let error { #expect(error.kind == .malformed) }
      }
    }
  }

  static let refused: [([UInt8], String)] = [
    ([], "it has no directory at its end"),
    (Array("PK".utf8), "it has no directory at its end"),
    (Array(Forged.zip(two).dropLast()), "it has no directory at its end"),
    (Forged.zip(two) + [0], "it has no directory at its end"),
    (Forged.zip(two, count: 3), "it has no directory at its end"),
    (
      Forged.zip([.init(name: "a", data: [1], method: 8)]),
      "its entry 'a' is compressed; PyTorch stores them plainly"
    ),
    (Forged.zip([.init(name: "a", data: [1], flags: 1)]), "its entry 'a' is encrypted"),
    (Forged.zip([.init(name: "a", data: [1], size: 2)]), "is not where the directory says"),
    (Forged.zip([.init(name: "a", data: [1], size: .max)]), "its directory is cut short"),
    (Forged.zip([.init(name: "a", data: [1], offset: 1)]), "is not where the directory says"),
    (Forged.zip([.init(name: "a", data: [1], offset: 9999)]), "is not where the directory says"),
    (Forged.zip([.init(name: "a", data: [1], localName: "b")]), "is not where the directory says"),
    (Forged.zip([two[0], two[0]]), "it has two entries 'a'"),
    (Forged.zip([two[0], .init(name: "a", data: [], offset: 0)]), "overlaps another"),
  ]

  @Test(arguments: refused)
  func refusesWithAReason(bytes: [UInt8], reason: String) {
    let error = fileError { () throws(FileError) in _ = try entries(bytes) }
    #expect(error?.kind == .malformed)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }
}
