/// Gives an input its signature.
func begin(_ bytes: inout [UInt8], with signature: [UInt8]) {
  bytes.replaceSubrange(0..<min(bytes.count, signature.count), with: signature)
}

/// The signature and every chunk's checksum.
func repairPNG(_ bytes: inout [UInt8]) {
  begin(&bytes, with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  var at = 8
  while at + 12 <= bytes.count {
    let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - at - 12 else { return }
    let end = at + 8 + length
    put(crc32(bytes[at + 4..<end]).bigEndian, into: &bytes, at: end)
    at = end + 4
  }
}

/// The signature and the length that the file says it has.
func repairWebP(_ bytes: inout [UInt8]) {
  guard bytes.count >= 12 else { return }
  begin(&bytes, with: Array("RIFF".utf8))
  bytes.replaceSubrange(8..<12, with: "WEBP".utf8)
  put(UInt32(bytes.count - 8).littleEndian, into: &bytes, at: 4)
}

/// The signature, in the order of bytes that the first of them asks for; BigTIFF's where there is its
/// number.
func repairTIFF(_ bytes: inout [UInt8]) {
  guard let first = bytes.first else { return }
  let number: UInt8 = bytes.prefix(4).dropFirst(2).contains(0x2B) ? 0x2B : 0x2A
  begin(&bytes, with: first == 0x4D ? [0x4D, 0x4D, 0, number] : [0x49, 0x49, number, 0])
}

func repairGzip(_ bytes: inout [UInt8]) { begin(&bytes, with: [0x1F, 0x8B, 8]) }

func repairZstd(_ bytes: inout [UInt8]) { begin(&bytes, with: [0x28, 0xB5, 0x2F, 0xFD]) }

/// The checksums of the headers, as far as their sizes lead from one to the next.
func repairTar(_ bytes: inout [UInt8]) {
  var at = 0
  while at + 512 <= bytes.count {
    if bytes[at..<at + 512].allSatisfy({ $0 == 0 }) { return }
    bytes.replaceSubrange(at + 148..<at + 156, with: repeatElement(0x20, count: 8))
    let sum = bytes[at..<at + 512].reduce(0) { $0 + Int($1) }
    let digits = String(sum, radix: 8)
    let text = String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
    bytes.replaceSubrange(at + 148..<at + 156, with: Array(text.utf8.suffix(6)) + [0, 0x20])
    let size = bytes[at + 124..<at + 135].reduce(0) { $0 << 3 | Int($1 & 7) }
    at += 512 + (size + 511) / 512 * 512
  }
}

/// The signature and the checksum of all that follows the header.
func repairTarIndex(_ bytes: inout [UInt8]) {
  guard bytes.count >= 48 else { return }
  begin(&bytes, with: Array("MAEINDX1".utf8))
  put(crc32(bytes[48...]).littleEndian, into: &bytes, at: 44)
}

/// The length of the header: up to the last brace.
func repairSafetensors(_ bytes: inout [UInt8]) {
  guard let brace = bytes.lastIndex(of: UInt8(ascii: "}")), brace >= 8 else { return }
  put(UInt64(brace - 7).littleEndian, into: &bytes, at: 0)
}

private func put(_ word: some FixedWidthInteger, into bytes: inout [UInt8], at place: Int) {
  withUnsafeBytes(of: word) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
}

/// CRC-32 of ISO 3309, bit by bit.
private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  ~bytes.reduce(UInt32.max) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320) }
  }
}
