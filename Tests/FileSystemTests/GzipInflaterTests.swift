import CZlib
import TestSupport
import Testing

@testable import FileSystem

@Suite struct GzipInflaterTests {
  static let text = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  /// Bytes as zlib packs them in gzip's format.
  static func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
      &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes
    let room = Int(deflateBound(&stream, UInt(bytes.count)))
    return [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
      input.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(room)
        deflate(&stream, Z_FINISH)
      }
      filled = room - Int(stream.avail_out)
    }
  }

  /// Unpacks into pieces of 1,000 bytes what comes in pieces of `step`.
  func unpacked(
    _ packed: [UInt8], step: Int, isOneMember: Bool = false
  ) throws(GzipInflater.Failure) -> [UInt8] {
    let inflater = try GzipInflater(isOneMember: isOneMember)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
    defer { buffer.deallocate() }
    var rest = packed[...]
    var all: [UInt8] = []
    while true {
      let got = try inflater.read(into: buffer) { input in
        let piece = rest.prefix(min(step, input.count))
        input.copyBytes(from: piece)
        rest = rest.dropFirst(piece.count)
        return piece.count
      }
      if got == 0 { return all }
      all += buffer[..<got]
    }
  }

  @Test(arguments: [1, 7, 4096, 1 << 20]) func `bytes come back, however they come`(
    step: Int
  ) throws {
    let packed = Self.gzipped(Self.text)
    #expect(try unpacked(packed, step: step) == Self.text)
    let two = packed + Self.gzipped([1, 2, 3])
    #expect(try unpacked(two, step: step) == Self.text + [1, 2, 3])
    #expect(try unpacked(two, step: step, isOneMember: true) == Self.text)
    #expect(try unpacked(packed + [9, 9], step: step, isOneMember: true) == Self.text)
  }

  @Test func `what was cut short or is damaged is refused`() {
    let packed = Self.gzipped(Self.text)
    for count in [0, 1, 9, 10, packed.count / 2, packed.count - 1] {
      let failure = #expect(throws: GzipInflater.Failure.self) {
        try unpacked(Array(packed.prefix(count)), step: 100)
      }
      guard case .cutShort? = failure else {
        Issue.record("\(count): \(String(describing: failure))")
        continue
      }
    }
    var wrong = packed
    wrong[packed.count - 5] ^= 1
    for bytes in [wrong, packed + [9, 9], [1, 2, 3]] {
      let failure = #expect(throws: GzipInflater.Failure.self) { try unpacked(bytes, step: 100) }
      guard case .damaged? = failure else {
        Issue.record("\(String(describing: failure))")
        continue
      }
      #expect(failure?.error(of: "x").description == "x: is a damaged gzip file; fetch it again")
    }
  }

  @Test func `a failed reading is handed on`() throws {
    let inflater = try GzipInflater()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
    defer { buffer.deallocate() }
    let failure = #expect(throws: GzipInflater.Failure.self) {
      try inflater.read(into: buffer) { _ throws(FileError) in
        throw FileError(path: "x", kind: .failed, message: "stop")
      }
    }
    #expect(failure?.error(of: "y").description == "x: stop")
  }
}
