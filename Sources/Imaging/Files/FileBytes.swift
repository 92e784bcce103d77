package import FileSystem

/// Reads a whole regular file.
///
/// - Throws: `ImageError` of kind `missing`, `unreadable` or `tooLarge`.
package func readFile(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
  do throws(FileError) {
    return try wholeFile(path, limit: limit)
  } catch {
    throw ImageError(error)
  }
}

extension ImageError {
  /// The same failure, as one of an image.
  package init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .malformed: .corrupt
      case .tooLarge: .tooLarge
      case .unreadable, .unwritable, .failed: .unreadable
      }
    self.init(kind, name: error.path.isEmpty ? nil : error.path, error.message)
  }
}

/// Reads a whole file of text, without the byte-order mark that it may begin with.
///
/// - Throws: `ImageError` as ``readFile(_:limit:)``.
package func readText(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
  let bytes = try readFile(path, limit: limit)
  return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
}
