import CZlib

/// Unpacks what gzip packed, as its bytes come; for one thread.
package final class GzipInflater {
  private var stream = z_stream()
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  private let isOneMember: Bool
  private var isAtMemberEnd = false
  private var isAtEnd = false

  /// Why bytes cannot be unpacked.
  package enum Failure: Error {
    case noMemory
    /// The packed bytes are not what gzip writes.
    case damaged
    /// The packed bytes end too early.
    case cutShort
    /// They could not be read.
    case source(FileError)

    /// The failure of a file with that name.
    package func error(of path: String) -> FileError {
      switch self {
      case .noMemory:
        FileError(path: path, kind: .failed, message: "there is no memory to unpack it")
      case .damaged: .malformed(path, "is a damaged gzip file; fetch it again")
      case .cutShort: .malformed(path, "is a gzip file cut short; fetch it again")
      case .source(let error): error
      }
    }
  }

  /// Begins with the first packed byte.
  ///
  /// - Parameter isOneMember: Whether what follows the first member is left out; else it must be
  ///   another.
  package init(isOneMember: Bool = false) throws(Failure) {
    self.isOneMember = isOneMember
    // 15 bits of window, and 16 to expect gzip's header.
    let started = inflateInit2_(
      &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard started == Z_OK else { throw .noMemory }
  }

  deinit {
    inflateEnd(&stream)
    input.deallocate()
  }

  /// Fills the beginning of `buffer` with unpacked bytes; gives their number, 0 at the end.
  ///
  /// - Parameter more: Fills the beginning of a buffer with packed bytes; gives their number, 0 at
  ///   the end.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer,
    from more: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int
  ) throws(Failure) -> Int {
    guard !isAtEnd, !buffer.isEmpty else { return 0 }
    let room = min(buffer.count, 1 << 30)
    stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(room)
    while Int(stream.avail_out) == room {
      if stream.avail_in == 0 { try refill(more) }
      if isAtEnd { return 0 }
      if isAtMemberEnd {
        inflateReset(&stream)
        isAtMemberEnd = false
      }
      switch inflate(&stream, Z_NO_FLUSH) {
      case Z_OK, Z_BUF_ERROR: continue
      case Z_STREAM_END:
        isAtMemberEnd = true
        isAtEnd = isOneMember
      default: throw .damaged
      }
    }
    return room - Int(stream.avail_out)
  }

  private func refill(
    _ more: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int
  ) throws(Failure) {
    let got: Int
    do throws(FileError) {
      got = try more(input)
    } catch {
      throw .source(error)
    }
    if got == 0 {
      guard isAtMemberEnd else { throw .cutShort }
      isAtEnd = true
    }
    stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_in = UInt32(got)
  }
}
