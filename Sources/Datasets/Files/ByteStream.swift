import FileSystem
import CZstd

/// Bytes that come one after the other.
protocol ByteStream: AnyObject {
  /// Fills the beginning of `buffer`; gives the number of bytes, 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
  /// Leaves out bytes; gives how many there were.
  func skip(_ count: Int) throws(FileError) -> Int
}

extension ByteStream {
  /// Fills `buffer` as far as there are bytes.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if got == 0 { break }
      filled += got
    }
    return filled
  }

  /// The next `count` bytes, or fewer at the end.
  func bytes(_ count: Int) throws(FileError) -> [UInt8] {
    try filledBytes(count) { (buffer) throws(FileError) in try fill(buffer) }
  }

  func skip(_ count: Int) throws(FileError) -> Int {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { scratch.deallocate() }
    var skipped = 0
    while skipped < count {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: scratch[..<min(scratch.count, count - skipped)])
      let got = try read(into: part)
      if got == 0 { break }
      skipped += got
    }
    return skipped
  }
}

/// A file from its beginning; what is skipped is not read.
final class FileStream: ByteStream {
  private let file: ReadableFile
  private var position = 0

  init(_ file: ReadableFile) { self.file = file }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    let got = try file.read(into: buffer, at: position)
    position += got
    return got
  }

  func skip(_ count: Int) throws(FileError) -> Int {
    let skipped = min(count, file.size - position)
    position += skipped
    return skipped
  }
}

/// How bytes are packed.
enum Packing: UInt8, CaseIterable, Hashable, Sendable {
  case none
  case gzip
  case zstd

  /// By the first bytes of a file.
  init(recognizing bytes: some Collection<UInt8>) {
    if bytes.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      self = .zstd
    } else {
      self = .none
    }
  }

  /// The ending of a name, with the full stop.
  var suffix: String {
    switch self {
    case .none: ""
    case .gzip: ".gz"
    case .zstd: ".zst"
    }
  }

  /// What the packed bytes of `source` hold.
  func unpacking(_ source: any ByteStream) throws(FileError) -> any ByteStream {
    switch self {
    case .none: source
    case .gzip: try GzipStream(source)
    case .zstd: try ZstdStream(source)
    }
  }

  /// What `bytes` hold; at most `limit` bytes.
  func unpacked(_ bytes: [UInt8], limit: Int) throws(FileError) -> [UInt8] {
    if self == .none { return bytes }
    let stream = try unpacking(MemoryStream(bytes))
    var whole: [UInt8] = []
    while true {
      let part = try stream.bytes(1 << 16)
      guard whole.count + part.count <= limit else {
        throw FileError(
          .tooLarge, "unpacks to more than \(limit) bytes; files of at most that are read")
      }
      whole += part
      if part.count < 1 << 16 { return whole }
    }
  }
}

/// Bytes in memory.
final class MemoryStream: ByteStream {
  private let all: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { all = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    let count = min(buffer.count, all.count - position)
    buffer.copyBytes(from: all[position..<position + count])
    position += count
    return count
  }
}

/// What gzip packed; one member after the other.
final class GzipStream: ByteStream {
  private let source: any ByteStream
  private let inflater: GzipInflater

  init(_ source: any ByteStream) throws(FileError) {
    self.source = source
    do throws(GzipInflater.Failure) {
      inflater = try GzipInflater()
    } catch {
      throw error.error(of: "")
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    do throws(GzipInflater.Failure) {
      return try inflater.read(into: buffer) { (input) throws(FileError) in
        try source.read(into: input)
      }
    } catch {
      throw error.error(of: "")
    }
  }
}

/// What zstd packed; one frame after the other.
final class ZstdStream: ByteStream {
  private let source: any ByteStream
  private let stream: OpaquePointer
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
  private var packed = ZSTD_inBuffer()
  private var isAtFrameEnd = true

  /// Largest window, as a power of two, that a frame may ask for: 128 MiB.
  private static let largestWindow: Int32 = 27

  init(_ source: any ByteStream) throws(FileError) {
    self.source = source
    guard let stream = ZSTD_createDCtx() else {
      throw FileError(.failed, "there is no memory to unpack it")
    }
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.largestWindow)
    self.stream = stream
  }

  deinit {
    ZSTD_freeDCtx(stream)
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    var unpacked = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    while unpacked.pos == 0, !buffer.isEmpty {
      if packed.pos == packed.size {
        let got = try source.read(into: input)
        if got == 0 {
          if isAtFrameEnd { return 0 }
          // What the decoder still holds comes out without input.
          let left = ZSTD_decompressStream(stream, &unpacked, &packed)
          guard ZSTD_isError(left) == 0, unpacked.pos > 0 else {
            throw FileError(.malformed, "is a zstd file cut short; fetch it again")
          }
          isAtFrameEnd = left == 0
          return unpacked.pos
        }
        packed = ZSTD_inBuffer(src: input.baseAddress, size: got, pos: 0)
      }
      let left = ZSTD_decompressStream(stream, &unpacked, &packed)
      guard ZSTD_isError(left) == 0 else {
        throw FileError(.malformed, "is a damaged zstd file; fetch it again")
      }
      isAtFrameEnd = left == 0
    }
    return unpacked.pos
  }
}
