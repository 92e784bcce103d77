import Foundation
import TestSupport
import Testing

@testable import FileSystem

@Suite struct PartFileTests {
  let folder = TemporaryFolder()

  @Test func `what was written is gone on with, also when it was closed`() throws {
    let path = folder["new/x.part"]
    try PartFile(path).append([1, 2])
    let more = try PartFile(path, continuing: true)
    #expect(more.size == 2)
    try more.append([3])
    #expect(more.size == 3 && folder.bytes("new/x.part") == [1, 2, 3])
    try more.finish(as: folder["x"])
    #expect(folder.bytes("x") == [1, 2, 3] && !exists(path))
  }

  @Test func `a file that begins anew is empty`() throws {
    let path = folder.write([1, 2], to: "x.part")
    #expect(try PartFile(path).size == 0)
    #expect(folder.bytes("x.part") == [])
    let file = try PartFile(path)
    try file.append([1, 2, 3])
    try file.truncate()
    try file.append([4])
    #expect(file.size == 1 && folder.bytes("x.part") == [4])
    file.discard()
    #expect(folder.names == [])
  }

  @Test func `a full disk is said so`() throws {
    guard exists("/dev/full") else { return }
    #expect(symlink("/dev/full", folder["full"]) == 0)
    let file = try PartFile(folder["full"], continuing: true)
    let error = fileError { () throws(FileError) in try file.append([1]) }
    #expect(error?.kind == .failed)
    #expect(error?.message == "cannot be written: no space left on the disk")
    #expect(file.size == 0)
  }

  @Test func `a file is read at any place`() throws {
    let file = try ReadableFile(folder.write(Array(0..<100), to: "x"))
    #expect(file.size == 100)
    #expect(try file.bytes(3, at: 97) == [97, 98, 99] && file.bytes(0, at: 100) == [])
    for (count, offset) in [(4, 97), (1, 100), (1, -1), (-1, 0), (1, .max)] {
      let error = fileError { () throws(FileError) in _ = try file.bytes(count, at: offset) }
      #expect(error?.kind == .malformed)
      #expect(error?.message == "has 100 bytes; \(count) at \(offset) are needed")
    }
    #expect(
      fileError { () throws(FileError) in _ = try ReadableFile(folder["y"]) }?.kind == .missing)
    let notFile = fileError { () throws(FileError) in _ = try ReadableFile(folder.path) }
    #expect(notFile?.kind == .unreadable && notFile?.message == "is a folder; expected a file")
    let large = fileError { () throws(FileError) in _ = try wholeFile(folder["x"], limit: 99) }
    #expect(large?.kind == .tooLarge)
    #expect(try wholeFile(folder["x"], limit: 100) == Array(0..<100))
  }
}
