import FileSystem

/// Unpacks a gzip file of known unpacked size; what follows its first member does not count.
///
/// - Parameter size: told the first `prefix` unpacked bytes, says how many there are in all.
/// - Throws: what `size` throws, and an error where there are fewer or more bytes, or damaged ones.
func unpackedGzip(
  _ packed: [UInt8], prefix: Int, size: ([UInt8]) throws(FileError) -> Int
) throws(FileError) -> [UInt8] {
  let count = try size(inflated(packed, count: prefix).bytes)
  // Deflate makes at most 1032 bytes of one; no memory is taken for what cannot come.
  guard count / 1032 <= packed.count else {
    throw FileError(
      .malformed,
      "is a gzip file cut short: its header says that \(packed.count) bytes unpack to \(count); "
        + "fetch it again")
  }
  // One more byte than expected shows a file that holds too much.
  let (bytes, isCutShort) = try inflated(packed, count: count + 1)
  guard bytes.count >= count, !isCutShort || bytes.count > count else {
    throw FileError(
      .malformed,
      "is a gzip file cut short: it unpacks to \(bytes.count) bytes, its header says \(count); "
        + "fetch it again")
  }
  guard bytes.count == count else {
    throw FileError(.malformed, "unpacks to more than the \(count) bytes its header says")
  }
  return bytes
}

/// The first `count` unpacked bytes, or all where there are fewer, and whether the packed ones end
/// too early.
private func inflated(
  _ packed: [UInt8], count: Int
) throws(FileError) -> (bytes: [UInt8], isCutShort: Bool) {
  let source = MemoryStream(packed)
  var isCutShort = false
  let bytes = try filledBytes(count) { (buffer) throws(FileError) in
    var filled = 0
    do throws(GzipInflater.Failure) {
      let inflater = try GzipInflater(isOneMember: true)
      while filled < count {
        let got = try inflater.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        ) { (input) throws(FileError) in try source.read(into: input) }
        if got == 0 { break }
        filled += got
      }
    } catch {
      guard case .cutShort = error else { throw error.error(of: "") }
      isCutShort = true
    }
    return filled
  }
  return (bytes, isCutShort)
}
