import CImageCodecs

/// The size and channels that a TIFF file's first directory declares.
func tiffHeader(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  try withBytes(bytes) { bytes throws(ImageError) in
    try TIFFPage(bytes, TIFFDirectory(bytes)).pictureHeader
  }
}

/// The pages of a TIFF file that are neither smaller versions of others nor masks; the first always.
func tiffPages(of bytes: [UInt8]) throws(ImageError) -> [TIFFPage] {
  try withBytes(bytes) { bytes throws(ImageError) in
    var directory = TIFFDirectory(bytes)
    var pages = [try TIFFPage(bytes, directory)]
    var seen: Set<Int> = [pages[0].directory]
    while let place = directory?.next {
      guard seen.insert(place).inserted, seen.count <= TIFFPage.most else {
        throw ImageError(
          .corrupt, "is a damaged TIFF file: its directories go round in circles; fetch it again")
      }
      directory = TIFFDirectory(bytes, at: place)
      // Bits 0 and 2 of the kind: a smaller version, a mask.
      if let directory, directory.isWhole, (directory.number(254) ?? 0) & 5 != 0 { continue }
      pages.append(try TIFFPage(bytes, directory))
    }
    return pages
  }
}

private func withBytes<Result>(
  _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ImageError) -> Result
) throws(ImageError) -> Result {
  var result: Swift.Result<Result, ImageError> = .failure(ImageError(.corrupt, ""))
  bytes.withUnsafeBytes { bytes in
    result = Swift.Result { () throws(ImageError) in try body(bytes) }
  }
  return try result.get()
}

/// What a directory of a TIFF file says of its picture.
struct TIFFPage: Hashable {
  /// Most directories of a file that are looked at.
  static let most = 65_536

  /// Where the directory begins.
  let directory: Int
  let size: PixelSize
  /// Samples a pixel.
  let samples: Int
  /// How many of them are colours: 1 for gray and places in a palette, 3, or 4 for CMYK.
  let colors: Int
  /// Whether the colours are gray; a palette's are not.
  let isGray: Bool
  let bits: Int
  /// What a sample is stored as; nil for types that are not read.
  let sampleType: SampleType?
  /// The number that stands for missing values, as GDAL writes it into tag 42113; nil for none.
  let noData: Double?

  init(
    _ bytes: UnsafeRawBufferPointer, _ directory: TIFFDirectory?
  ) throws(ImageError) {
    guard let directory, directory.isWhole else {
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
          .truncated,
          "is a TIFF file cut short: tag \(entry.tag) lies beyond its end; fetch it again")
      }
      total += length
      guard total <= bytes.count else {
        throw ImageError(.corrupt, "is a damaged TIFF file: its tags overlap; fetch it again")
      }
    }
    guard let width = directory.number(256), let height = directory.number(257),
      let color = directory.number(262)
    else {
      throw ImageError(
        .corrupt, "is a damaged TIFF file: its size or kind of colour is missing; fetch it again")
    }
    size = PixelSize(width: width, height: height)
    samples = directory.number(277) ?? 1
    guard width >= 1, height >= 1, samples >= 1 else {
      throw ImageError(.corrupt, "is a damaged TIFF file: it declares \(size) pixels")
    }
    self.directory = directory.start
    // White is zero, black is zero; all else has colours.
    isGray = color <= 1
    colors = color <= 1 || color == 3 ? 1 : color == 5 ? 4 : 3
    bits = directory.number(258) ?? 1
    sampleType = SampleType(bits: bits, format: directory.number(339) ?? 1)
    noData = directory.text(42113).flatMap(Self.number)
  }

  /// A number as GDAL and other programs write it: perhaps with spaces around it, or a decimal comma.
  private static func number(_ text: String) -> Double? {
    let words = text.split { $0 == " " || $0 == "\n" || $0 == "\r" || $0 == "\t" }
    return words.first.flatMap { Double($0.replacing(",", with: ".")) }
  }

  /// What a picture of it is.
  var pictureHeader: ImageHeader {
    ImageHeader(size: size, channels: isGray ? 1 : 3, bitsPerSample: bits)
  }

  /// The size, channels and type, for a message.
  var words: String {
    "\(size), \(samples) channel\(samples == 1 ? "" : "s"), \(sampleType?.rawValue ?? "\(bits) bits")"
  }

  func requireSampleType() throws(ImageError) -> SampleType {
    if let sampleType { return sampleType }
    throw ImageError(
      .unsupported,
      "has samples of \(bits) bits of a type that is not read as a raster; expected whole numbers of 8, 16 "
        + "or 32 bits or floating-point numbers")
  }
}

/// The picture of a directory; 0 is the first.
func decodedTIFF(
  _ bytes: [UInt8], directory: Int, size: PixelSize, channels: Int,
  range: inout mae_sample_range, limits: ImageLimits
) throws(ImageError) -> ByteImage {
  try ByteImage(width: size.width, height: size.height, channels: channels) {
    pixels throws(ImageError) in
    try withCodecErrors("TIFF") { message in
      bytes.withUnsafeBufferPointer { bytes in
        let status = mae_tiff_decode(
          bytes.baseAddress, bytes.count, UInt64(directory), UInt32(size.width),
          UInt32(size.height), Int32(channels), &range, Int64(limits.workingBytes),
          pixels.baseAddress, message)
        return (status, ())
      }
    }
  }
}
