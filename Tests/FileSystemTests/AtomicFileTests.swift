import Foundation
import TestSupport
import Testing

@testable import FileSystem

@Suite struct AtomicFileTests {
  let folder = TemporaryFolder()

  @Test func appearsOnlyWhenCommitted() throws {
    let file = try AtomicFile(replacing: folder["f"])
    try file.write("abc")
    try file.write([UInt8](repeating: 0x2e, count: 3 << 20))
    try file.overwrite(Array("XY".utf8), at: 1)
    #expect(!folder.names.contains("f"))
    try file.write("end")
    try file.commit()
    #expect(folder.names == ["f"])
    #expect(
      folder.bytes("f") == Array("aXY".utf8) + .init(repeating: 0x2e, count: 3 << 20)
        + Array("end".utf8))
  }

  @Test func leavesTheOldFileWhenGivenUp() throws {
    _ = folder.write([1], to: "f")
    do {
      let file = try AtomicFile(replacing: folder["f"])
      try file.write("new")
    }
    #expect(folder.names == ["f"] && folder.bytes("f") == [1])
    let error = fileError { () throws(FileError) in
      try replaceFile(at: folder["f"]) { (file) throws(FileError) in
        try file.write("new")
        throw FileError(path: "f", kind: .failed, message: "stop")
      }
    }
    #expect(error?.message == "stop")
    #expect(folder.names == ["f"] && folder.bytes("f") == [1])
  }

  @Test func keepsPermissionsAndLinks() throws {
    _ = folder.write([1], to: "f")
    #expect(chmod(folder["f"], 0o606) == 0)
    #expect(symlink("f", folder["link"]) == 0)
    try replaceFile(at: folder["link"]) { (file) throws(FileError) in try file.write([2]) }
    #expect(folder.bytes("f") == [2])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder["link"]) == "f")
    let attributes = try FileManager.default.attributesOfItem(atPath: folder["f"])
    #expect(attributes[.posixPermissions] as? Int == 0o606)
  }

  @Test func aFullDiskIsSaidSo() throws {
    guard case let full = open("/dev/full", O_WRONLY), full >= 0 else { return }
    let file = AtomicFile(path: "f", descriptor: full)
    let error = fileError { () throws(FileError) in
      try file.write([UInt8](repeating: 0, count: 2 << 20))
    }
    #expect(error?.kind == .failed)
    #expect(error?.message == "cannot be written: no space left on the disk")
  }

  @Test func refusesWhatIsNoFile() {
    // A pipe of our own, not a device of the system: a fault here would replace it.
    #expect(mkfifo(folder["pipe"], 0o600) == 0)
    defer { unlink(folder["pipe"]) }
    for (path, reason) in [
      (folder["none/f"], "the folder '\(folder["none"])' does not exist"),
      (folder.path, "is a folder; expected the name of a file"),
      (folder["pipe"], "is not a file"), ("", "is not the name of a file"),
      (folder["new/"], "is not the name of a file"),
      (folder[String(repeating: "x", count: 300)], "cannot be replaced: file name too long"),
    ] {
      let error = fileError { () throws(FileError) in
        try replaceFile(at: path) { (file) throws(FileError) in try file.write([1]) }
      }
      #expect(error?.kind == .unwritable, "\(path)")
      #expect(error?.message == reason)
    }
    #expect(folder.names == ["pipe"])
  }
}
