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
