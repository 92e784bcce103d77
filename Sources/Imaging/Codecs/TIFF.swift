import CImageCodecs

/// The size and channels that a TIFF file's first directory declares.
func tiffHeader(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  var result = Result<ImageHeader, ImageError>.failure(ImageError(.corrupt, ""))
  bytes.withUnsafeBytes { bytes in
    result = Result { () throws(ImageError) in try header(ofTIFF: bytes) }
  }
  return try result.get()
}

private func header(ofTIFF bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageHeader {
  guard let directory = TIFFDirectory(bytes), directory.isWhole else {
    throw ImageError(
      .truncated, "is a TIFF file cut short: its directory is missing; fetch it again")
  }
  // libtiff reads the values of every tag into memory. They cannot be more than the file, unless
  // several tags mean to share them.
  var total = 0
  for index in 0..<directory.count {
    guard let entry = directory.entry(index) else { break }
    guard entry.isElsewhere, let length = entry.length else { continue }
    guard length <= bytes.count, entry.place <= bytes.count - length else {
      throw ImageError(
        .truncated, "is a TIFF file cut short: tag \(entry.tag) lies beyond its end; fetch it again"
      )
    }
    total += length
    guard total <= bytes.count else {
      throw ImageError(.corrupt, "is a damaged TIFF file: its tags overlap; fetch it again")
    }
  }
  guard let width = directory.number(256), let height = directory.number(257),
    let colors = directory.number(262)
  else {
    throw ImageError(
      .corrupt, "is a damaged TIFF file: its size or kind of colour is missing; fetch it again")
  }
  let size = PixelSize(width: width, height: height)
  guard width >= 1, height >= 1 else {
    throw ImageError(.corrupt, "is a damaged TIFF file: it declares \(size) pixels")
  }
  // White is zero, black is zero; all else has colours.
  return ImageHeader(
    size: size, channels: colors <= 1 ? 1 : 3, bitsPerSample: directory.number(258) ?? 1)
}

/// The stored picture.
func decodedTIFF(
  _ bytes: [UInt8], size: PixelSize, channels: Int, range: inout mae_sample_range,
  limits: ImageLimits
) throws(ImageError) -> ByteImage {
  try ByteImage(width: size.width, height: size.height, channels: channels) {
    pixels throws(ImageError) in
    try withCodecErrors("TIFF") { message in
      bytes.withUnsafeBufferPointer { bytes in
        let status = mae_tiff_decode(
          bytes.baseAddress, bytes.count, UInt32(size.width), UInt32(size.height),
          Int32(channels), &range, Int64(limits.workingBytes), pixels.baseAddress, message)
        return (status, ())
      }
    }
  }
}
