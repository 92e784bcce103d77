import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A lock that one holder at a time has, among all threads and programs: it is held until the
/// object is gone or ``release()`` is called, and the system lets it go when the program ends,
/// however it ends.
package final class FileLock: Sendable {
  private let descriptor: Mutex<Int32>

  /// Takes the lock of a file, which is created where it is not there and stays.
  ///
  /// - Parameter isWanted: Asked now and then while another holder has the lock; the default does
  ///   not wait.
  /// - Returns: nil where another holder still has the lock when it is wanted no longer.
  /// - Throws: ``FileError`` where the file cannot be created or its file system has no locks.
  package init?(
    _ path: String, waitingWhile isWanted: () -> Bool = { false }
  ) throws(FileError) {
    let file = path.withSystemPath { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
    guard file >= 0 else { throw .system("cannot be written", path, .unwritable) }
    descriptor = Mutex(file)
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw .system("cannot be locked", path, .failed)
      }
      guard isWanted() else { return nil }
      usleep(50_000)
    }
  }

  /// Waits for the lock of a folder: for a short change of the files in it. It leaves no file
  /// behind. Where the file system has no locks there is none.
  ///
  /// - Throws: ``FileError`` where the folder cannot be opened.
  package init(folder path: String) throws(FileError) {
    let folder = path.withSystemPath { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard folder >= 0 else { throw .system("cannot be opened", path, .unwritable) }
    descriptor = Mutex(folder)
    while flock(folder, LOCK_EX) != 0, errno == EINTR {}
  }

  deinit { release() }

  /// Lets the lock go.
  package func release() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }
}
