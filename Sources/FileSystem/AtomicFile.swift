import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary name in the same folder. `commit()` sends them to the disk and
/// renames: whoever reads sees the old file or the new one, after a power cut too. Without a commit
/// nothing is left behind.
public final class AtomicFile {
  /// The file as the user named it.
  public let path: String
  private let target: String
  private let temporary: String?
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 20

  /// Opens a temporary file beside `path`, which need not exist.
  ///
  /// A symbolic link is followed: the file that it names is replaced, the link stays.
  public init(replacing path: String) throws(FileError) {
    var status = stat()
    let exists = path.withSystemPath { stat($0, &status) } == 0
    let kind = status.st_mode & S_IFMT
    if exists, kind != S_IFREG {
      let found = kind == S_IFDIR ? "is a folder; expected the name of a file" : "is not a file"
      throw FileError(path: path, kind: .unwritable, message: found)
    }
    self.path = path
    target = exists ? resolvedPath(path) ?? path : path
    let (folder, name) = splitPath(target)
    guard !name.isEmpty else {
      throw FileError(path: path, kind: .unwritable, message: "is not the name of a file")
    }
    let random = UInt32.random(in: .min ... .max)
    let hidden = "\(folder)/.\(name.prefix(40)).\(getpid())-\(String(random, radix: 16)).tmp"
    descriptor = Self.begun.withLock { begun in
      let descriptor = hidden.withSystemPath {
        open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      }
      if descriptor >= 0 { begun.insert(hidden) }
      return descriptor
    }
    temporary = hidden
    if descriptor < 0 {
      let isMissing = errno == ENOENT
      let error = FileError.system("cannot be created", path, .unwritable)
      guard isMissing, !isFolder(folder) else { throw error }
      throw FileError(
        path: path, kind: .unwritable,
        message: "the folder \(folder.shownPath.quoted()) does not exist")
    }
    // Who may read the file stays as it was, where the file system has such a thing.
    if exists { fchmod(descriptor, status.st_mode & 0o777) }
  }

  /// Writes to an open descriptor, which is taken over.
  init(path: String, descriptor: Int32) {
    self.path = path
    target = path
    temporary = nil
    self.descriptor = descriptor
  }

  deinit { discard() }

  /// Adds bytes at the end.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if buffer.count + bytes.count > Self.bufferSize { try flush() }
    if bytes.count >= Self.bufferSize {
      try writeThrough(bytes)
    } else {
      buffer.append(contentsOf: bytes)
    }
  }

  /// Adds bytes at the end.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(FileError) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Adds text at the end, as UTF-8.
  public func write(_ text: String) throws(FileError) { try write(Array(text.utf8)) }

  /// Writes over bytes that were written before.
  public func overwrite(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    try flush()
    let written = bytes.withUnsafeBytes {
      pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
    if written != bytes.count { throw .system("cannot be written", path, .failed) }
  }

  /// Sends the bytes to the disk and gives the file its name. Nothing can be written afterwards.
  ///
  /// - Parameter synchronized: Whether to wait until the disk has the bytes and the name. Who
  ///   writes many files waits once, by ``synchronizeFileSystems()`` at the end.
  public func commit(synchronized: Bool = true) throws(FileError) {
    try flush()
    guard !synchronized || fsync(descriptor) == 0 || errno == EINVAL else {
      throw .system("cannot be written", path, .failed)
    }
    // A network's disk may say only now that it is full.
    let status = close(descriptor)
    descriptor = -1
    guard status == 0 else {
      let error = FileError.system("cannot be written", path, .failed)
      removeTemporary()
      throw error
    }
    guard let temporary else { return }
    let isRenamed = Self.begun.withLock { begun in
      let status = temporary.withSystemPath { old in
        target.withSystemPath { new in rename(old, new) }
      }
      guard status == 0 else { return false }
      begun.remove(temporary)
      return true
    }
    guard isRenamed else {
      let error = FileError.system("cannot be replaced", path, .unwritable)
      removeTemporary()
      throw error
    }
    if synchronized { try synchronizeFolder(splitPath(target).folder) }
  }

  /// Gives up: the old file stays as it was, and the temporary one is removed.
  public func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    removeTemporary()
  }

  private func removeTemporary() {
    guard let temporary else { return }
    Self.begun.withLock { begun in
      removeFile(temporary)
      begun.remove(temporary)
    }
  }

  /// Temporary files that are neither committed nor discarded.
  private static let begun = Mutex<Set<String>>([])

  /// Removes what was begun and not committed, and ends the program. Whoever begins or commits a
  /// file meanwhile waits for that end.
  public static func discardAll(andEnd end: () -> Never) -> Never {
    begun.withLock { begun in
      for name in begun { removeFile(name) }
      end()
    }
  }

  private func flush() throws(FileError) {
    try buffer.withUnsafeBufferPointer { (bytes) throws(FileError) in
      try writeThrough(UnsafeRawBufferPointer(bytes))
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    precondition(descriptor >= 0, "the file \(path) was committed or discarded before")
    try writeAll(bytes, to: descriptor, of: path)
  }
}

/// Writes a file that appears under its name only when `body` has ended without an error.
///
/// - Parameter synchronized: Whether to wait for the disk, as ``AtomicFile/commit(synchronized:)``
///   says.
public func replaceFile(
  at path: String, synchronized: Bool = true, _ body: (AtomicFile) throws(FileError) -> Void
) throws(FileError) {
  let file = try AtomicFile(replacing: path)
  do {
    try body(file)
    try file.commit(synchronized: synchronized)
  } catch {
    file.discard()
    throw error
  }
}

/// Writes a whole file, and the folders it is in, and gives it its name when it is whole.
package func replaceFile(
  at path: String, with bytes: [UInt8], synchronized: Bool = true
) throws(FileError) {
  try makeFolder(above: path)
  try replaceFile(at: path, synchronized: synchronized) { (file) throws(FileError) in
    try file.write(bytes)
  }
}

/// Waits until the disks have all that was written: to be called after many files that were not
/// waited for one by one.
public func synchronizeFileSystems() { sync() }

/// Makes the names in a folder survive a power cut: to be called after files in it were renamed.
public func synchronizeFolder(_ path: String) throws(FileError) {
  let folder = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
  guard folder >= 0 else { throw .system("cannot be opened", path, .failed) }
  defer { close(folder) }
  // Some file systems have nothing to do here and say so.
  guard fsync(folder) == 0 || [EINVAL, ENOTSUP, EROFS].contains(errno) else {
    throw .system("cannot be written", path, .failed)
  }
}
