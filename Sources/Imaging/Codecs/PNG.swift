import CImageCodecs

/// The size and channels that a PNG file's first chunk declares.
func pngHeader(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  guard bytes.count >= 33 else {
    throw ImageError(.truncated, "is a PNG file cut short: it has \(bytes.count) bytes")
  }
  func long(at offset: Int) -> Int {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
  }
  guard long(at: 8) == 13, bytes[12..<16].elementsEqual("IHDR".utf8) else {
    throw ImageError(.corrupt, "is a damaged PNG file: its header is missing; fetch it again")
  }
  let size = PixelSize(width: long(at: 16), height: long(at: 20))
  guard size.width >= 1, size.height >= 1 else {
    throw ImageError(.corrupt, "is a damaged PNG file: it declares \(size) pixels")
  }
  // Bit 1 of the colour type is colour.
  return ImageHeader(
    size: size, channels: bytes[25] & 2 == 0 ? 1 : 3, bitsPerSample: Int(bytes[24]))
}

/// Samples a pixel, alpha counted and the places of a palette as the colours that they stand for.
func pngSamples(of bytes: [UInt8]) -> Int { [0: 1, 4: 2, 6: 4][bytes[25]] ?? 3 }

/// The stored picture.
func decodedPNG(
  _ bytes: [UInt8], size: PixelSize, channels: Int, range: inout mae_sample_range
) throws(ImageError) -> ByteImage {
  try ByteImage(width: size.width, height: size.height, channels: channels) {
    pixels throws(ImageError) in
    try withCodecErrors("PNG") { message in
      bytes.withUnsafeBufferPointer { bytes in
        let status = mae_png_decode(
          bytes.baseAddress, bytes.count, UInt32(size.width), UInt32(size.height),
          Int32(channels), &range, pixels.baseAddress, message)
        return (status, ())
      }
    }
  }
}

extension ByteImage {
  /// The image as a PNG file; equal images give equal bytes.
  ///
  /// - Parameter compression: zlib's level, 0 (none, fast) to 9 (small, slow).
  public func encodedAsPNG(compression: Int = 6) throws(ImageError) -> [UInt8] {
    precondition((0...9).contains(compression), "compression \(compression); expected 0 to 9")
    return try withCodecErrors("PNG") { message in
      pixels.withUnsafeBufferPointer { pixels in
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = mae_png_encode(
          pixels.baseAddress, UInt32(width), UInt32(height), Int32(channels),
          Int32(compression), &encoded, &count, message)
        defer { mae_png_free(encoded) }
        return (status, Array(UnsafeBufferPointer(start: encoded, count: count)))
      }
    }
  }
}
