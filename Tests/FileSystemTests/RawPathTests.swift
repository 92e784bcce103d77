import Foundation
import TestSupport
import Testing

@testable import FileSystem

/// Names that are not UTF-8, which file systems of macOS do not have.
@Suite struct RawPathTests {
  let folder = TemporaryFolder()
  static let cafe = String(pathBytes: Array("caf".utf8) + [0xE9])

  #if os(Linux)
    @Test func `a name that is not UTF-8 is written, mapped, read, locked and found`() throws {
      let inside = folder[Self.cafe]
      try makeFolder(inside + "/deep")
      #expect(isFolder(inside) && isFolder(inside + "/deep") && !isFile(inside))
      let path = inside + "/" + Self.cafe
      #expect(!exists(path))
      try replaceFile(at: path) { (file) throws(FileError) in try file.write([1, 2, 3]) }
      try replaceFile(at: path) { (file) throws(FileError) in try file.write([1, 2]) }
      #expect(isFile(path) && fileSize(path) == 2)
      #expect(try MappedFile.contents(of: path) == [1, 2])
      #expect(try wholeFile(path, limit: 2) == [1, 2])
      #expect(try ReadableFile(path).bytes(1, at: 1) == [2])
      try LogFile(at: path).append([3])
      #expect(try wholeFile(path, limit: 3) == [1, 2, 3])
      let part = try PartFile(path + ".part")
      try part.append([4])
      try part.finish(as: path)
      #expect(try wholeFile(path, limit: 1) == [4])
      let lock = try FileLock(path + ".lock")
      #expect(try lock != nil && FileLock(path + ".lock") == nil)
      // The bytes on the disk are those of the name.
      let bytes = Array(folder.path.utf8) + Array("/caf".utf8) + [0xE9, 0]
      var status = stat()
      let found = bytes.withUnsafeBufferPointer {
        $0.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { stat($0, &status) } }
      }
      #expect(found == 0)
      #expect(resolvedPath(inside + "/deep/../" + Self.cafe)?.hasSuffix("/" + Self.cafe) == true)
      #expect(
        canonicalPath(inside + "/./none/x") == canonicalPath(folder.path) + "/" + Self.cafe
          + "/none/x")
      removeFile(path)
      #expect(!exists(path) && resolvedPath(path) == nil)
    }

    @Test func `a message shows the bytes that are no text`() {
      let error = #expect(throws: FileError.self) {
        try AtomicFile(replacing: folder[Self.cafe + "/x"])
      }
      #expect(
        error?.description
          == "\(folder.path)/caf\\xe9/x: the folder '\(folder.path)/caf\\xe9' does "
          + "not exist")
    }
  #endif
}
