import TestSupport
import Testing

@testable import FileSystem

@Suite struct FileLockTests {
  let folder = TemporaryFolder()

  @Test func `a lock has one holder until it is let go`() throws {
    let first = try #require(try FileLock(folder["lock"]))
    #expect(try FileLock(folder["lock"]) == nil)
    first.release()
    do {
      let second = try FileLock(folder["lock"])
      #expect(second != nil)
      #expect(try FileLock(folder["lock"]) == nil)
    }
    #expect(try FileLock(folder["lock"]) != nil)
  }

  @Test func `who waits gets the lock when it is let go`() throws {
    let first = try #require(try FileLock(folder["lock"]))
    var questions = 0
    let second = try FileLock(
      folder["lock"],
      waitingWhile: {
        questions += 1
        if questions == 2 { first.release() }
        return questions < 10
      })
    #expect(second != nil && questions == 2)
    questions = 0
    let third = try FileLock(
      folder["lock"],
      waitingWhile: {
        questions += 1
        return questions < 3
      })
    #expect(third == nil && questions == 3)
  }

  @Test func `a folder's lock leaves no file behind`() throws {
    let lock = try FileLock(folder: folder.path)
    #expect(folder.names.isEmpty)
    // Another lock on the folder itself must wait; one on a file in it need not.
    #expect(try FileLock(folder["lock"]) != nil)
    lock.release()
    try FileLock(folder: folder.path).release()
  }

  @Test func `a lock that cannot be made is said so`() {
    let error = fileError { () throws(FileError) in _ = try FileLock(folder["none/lock"]) }
    #expect(error?.kind == .unwritable && error?.message.hasPrefix("cannot be written: ") == true)
    let missing = fileError { () throws(FileError) in _ = try FileLock(folder: folder["none"]) }
    #expect(missing?.message.hasPrefix("cannot be opened: ") == true)
  }
}
