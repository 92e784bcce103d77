import FileSystem

/// Bytes that are read from any place, from any thread.
protocol ByteSource: AnyObject, Sendable {
  /// What it is called in messages.
  var path: String { get }
  /// Number of bytes.
  var size: Int { get }
  /// `count` bytes at `offset`.
  ///
  /// - Throws: `FileError` of kind `malformed` where there are fewer.
  func bytes(_ count: Int, at offset: Int) throws(FileError) -> [UInt8]
}

extension ByteSource {
  /// - Throws: `FileError` of kind `malformed` where a range does not lie within.
  func check(_ count: Int, at offset: Int) throws(FileError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw FileError(
        .malformed, of: path, "has \(size) bytes; \(count) at \(offset) are needed")
    }
  }
}

extension ReadableFile: ByteSource {}
