import CImageCodecs

/// The size of a WebP file, which has to be whole.
func webpHeader(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  try withCodecErrors("WebP") { message in
    bytes.withUnsafeBufferPointer { bytes in
      var header = mae_webp_header()
      let status = mae_webp_read_header(bytes.baseAddress, bytes.count, &header, message)
      let size = PixelSize(width: Int(header.width), height: Int(header.height))
      return (status, ImageHeader(size: size, channels: 3))
    }
  }
}

/// The stored picture, RGB.
func decodedWebP(
  _ bytes: [UInt8], size: PixelSize, limits: ImageLimits
) throws(ImageError) -> ByteImage {
  try ByteImage(width: size.width, height: size.height, channels: 3) {
    pixels throws(ImageError) in
    try withCodecErrors("WebP") { message in
      bytes.withUnsafeBufferPointer { bytes in
        let status = mae_webp_decode(
          bytes.baseAddress, bytes.count, UInt32(size.width), UInt32(size.height),
          Int64(limits.workingBytes), pixels.baseAddress, message)
        return (status, ())
      }
    }
  }
}

extension ByteImage {
  /// The image as a lossless WebP file; equal images give equal bytes.
  ///
  /// - Throws: ``ImageError`` of kind `tooLarge` where a side is above 16,383.
  public func encodedAsWebP() throws(ImageError) -> [UInt8] {
    guard max(width, height) <= 16_383 else {
      throw ImageError(
        .tooLarge, "has \(width)×\(height) pixels; WebP files hold 16383 a side, PNG files more")
    }
    let colours = converted(toChannels: 3)
    return try withCodecErrors("WebP") { message in
      colours.pixels.withUnsafeBufferPointer { pixels in
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = mae_webp_encode(
          pixels.baseAddress, UInt32(width), UInt32(height), &encoded, &count, message)
        defer { mae_webp_free(encoded) }
        return (status, Array(UnsafeBufferPointer(start: encoded, count: count)))
      }
    }
  }
}

/// The content of the chunk `EXIF`, without the JPEG prefix that some programs put before it.
func exifBlock(ofWebP bytes: UnsafeRawBufferPointer) -> Range<Int>? {
  var at = 12
  while at + 8 <= bytes.count {
    let length = Int(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)))
    let body = at + 8
    guard length <= bytes.count - body else { return nil }
    if bytes[at..<at + 4].elementsEqual("EXIF".utf8) {
      let isPrefixed = bytes[body..<body + length].starts(with: exifHeader)
      return body + (isPrefixed ? exifHeader.count : 0)..<body + length
    }
    // Chunks begin at even offsets.
    at = body + length + length % 2
  }
  return nil
}
