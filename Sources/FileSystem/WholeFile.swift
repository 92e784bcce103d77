/// Reads a whole regular file.
///
/// - Throws: ``FileError`` of kind `missing`, `unreadable`, or `tooLarge` where it has more than
///   `limit` bytes.
package func wholeFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
  let file = try ReadableFile(path)
  guard file.size <= limit else {
    throw FileError(
      path: path, kind: .tooLarge,
      message: "has \(file.size) bytes; files of at most \(limit) are read")
  }
  return try filledBytes(file.size) { (buffer) throws(FileError) in
    try file.read(into: buffer, at: 0)
  }
}
