import CZlib
import Imaging

/// Unpacks a gzip file of known unpacked size.
///
/// - Parameter size: told the first `prefix` unpacked bytes, says how many there are in all.
/// - Throws: what `size` throws, and an error where there are fewer or more bytes, or damaged ones.
func unpackedGzip(
  _ packed: [UInt8], prefix: Int, size: ([UInt8]) throws(ImageError) -> Int
) throws(ImageError) -> [UInt8] {
  let head = try inflated(packed, count: prefix, wholeFile: false)
  let count = try size(head)
  // Deflate makes at most 1032 bytes of one; no memory is taken for what cannot come.
  guard count / 1032 <= packed.count else {
    throw ImageError(
      .truncated,
      "is a gzip file cut short: its header says that \(packed.count) bytes unpack to \(count); "
        + "fetch it again")
  }
  return try inflated(packed, count: count, wholeFile: true)
}

private func inflated(
  _ packed: [UInt8], count: Int, wholeFile: Bool
) throws(ImageError) -> [UInt8] {
  var stream = z_stream()
  // 15 bits of window, and 16 to expect gzip's header.
  let started = inflateInit2_(
    &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  guard started == Z_OK else {
    throw ImageError(.tooLarge, "there is no memory to unpack it")
  }
  defer { inflateEnd(&stream) }
  var outcome = Z_OK
  var input = packed
  // One more byte than expected shows a file that holds too much.
  let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
    input.withUnsafeMutableBufferPointer { input in
      var read = 0
      while outcome == Z_OK || outcome == Z_BUF_ERROR, filled < count + 1 {
        let room = min(count + 1 - filled, 1 << 30)
        let rest = min(input.count - read, 1 << 30)
        stream.next_in = input.baseAddress.map { $0 + read }
        stream.avail_in = UInt32(rest)
        stream.next_out = buffer.baseAddress.map { $0 + filled }
        stream.avail_out = UInt32(room)
        outcome = inflate(&stream, Z_NO_FLUSH)
        let progress = rest - Int(stream.avail_in) + room - Int(stream.avail_out)
        read += rest - Int(stream.avail_in)
        filled += room - Int(stream.avail_out)
        if progress == 0 { break }
      }
    }
  }
  if outcome == Z_DATA_ERROR || outcome == Z_NEED_DICT {
    throw ImageError(.corrupt, "is a damaged gzip file; fetch it again")
  }
  if !wholeFile { return Array(bytes.prefix(count)) }
  guard bytes.count >= count, outcome == Z_STREAM_END || bytes.count > count else {
    throw ImageError(
      .truncated,
      "is a gzip file cut short: it unpacks to \(bytes.count) bytes, its header says \(count); "
        + "fetch it again")
  }
  guard bytes.count == count else {
    throw ImageError(.corrupt, "unpacks to more than the \(count) bytes its header says")
  }
  return bytes
}
