import CImageCodecs

/// An image file in memory, its header read and checked: what is needed to choose a part of the
/// picture before decoding only that.
public struct EncodedImage: Sendable {
  /// The format the content has.
  public let format: ImageFormat
  /// The size at which the picture is shown, its EXIF orientation applied.
  public private(set) var size: PixelSize
  /// The orientation the file asks for.
  public private(set) var orientation: ImageOrientation
  /// Bits of a sample as stored: 8, of PNG and TIFF also fewer or 16.
  public private(set) var bitsPerSample: Int
  /// Which samples of 16 bits become 0 and 255, those between in proportion; nil keeps the upper 8
  /// bits. Files of fewer bits are decoded as they are.
  public var valueRange: ClosedRange<Int>? {
    willSet {
      if let range = newValue { precondition(Self.isValueRange(range), "\(range) in 16 bits") }
    }
  }
  /// The file or entry the bytes are from, for messages.
  public let name: String?
  /// The file.
  package let bytes: [UInt8]
  let limits: ImageLimits
  /// The size at which the picture is stored.
  package private(set) var storedSize: PixelSize
  /// Channels the file is decoded to: 1 for grayscale, 3 for all else.
  package private(set) var storedChannels: Int
  /// Where the directory of a page of a TIFF file begins, where the image is that page; nil is the
  /// first, or all of them where pages are channels.
  private(set) var page: Int?

  /// Reads the header of a file in memory.
  ///
  /// - Throws: `ImageError` where the content is of no ``ImageFormat``, is cut short, or declares
  ///   more than `limits` allow.
  public init(
    bytes: [UInt8], name: String? = nil, limits: ImageLimits = .standard
  ) throws(ImageError) {
    do throws(ImageError) {
      try self.init(checking: bytes, name: name, limits: limits)
    } catch {
      throw error.named(name)
    }
  }

  /// Reads a file and its header.
  ///
  /// - Throws: `ImageError`, also where there is no such file.
  public init(path: String, limits: ImageLimits = .standard) throws(ImageError) {
    try self.init(
      bytes: readFile(path, limit: limits.fileBytes), name: path, limits: limits)
  }

  private init(checking bytes: [UInt8], name: String?, limits: ImageLimits) throws(ImageError) {
    guard let format = ImageFormat(recognizing: bytes) else {
      throw ImageError(.unrecognized, "is \(guessedKind(of: bytes)); expected \(ImageFormat.list)")
    }
    let header =
      switch format {
      case .jpeg:
        try JPEGDecoder.withDecoder { decoder throws(ImageError) in
          try decoder.header(of: bytes)
        }
      case .png: try pngHeader(of: bytes)
      case .webp: try webpHeader(of: bytes)
      case .tiff: try tiffHeader(of: bytes)
      case .npy: try npyHeader(of: bytes)
      }
    try limits.check(header.size)
    orientation = bytes.withUnsafeBytes { ImageOrientation(of: $0, format: format) }
    self.format = format
    self.bytes = bytes
    self.name = name
    self.limits = limits
    storedSize = header.size
    storedChannels = header.channels
    bitsPerSample = header.bitsPerSample
    size = orientation.shown(header.size)
  }

  /// One page of the file as an image of its own.
  func page(_ page: TIFFPage) -> EncodedImage {
    var image = self
    image.page = page.directory
    image.orientation = .upright
    image.storedSize = page.size
    image.size = page.size
    image.storedChannels = page.pictureHeader.channels
    image.bitsPerSample = page.bits
    return image
  }

  /// Decodes the whole picture, upright, with 1 or 3 channels.
  ///
  /// Alpha is dropped and CMYK is converted without a profile, as Pillow's `convert("RGB")` does;
  /// of 16 bits the upper 8 are kept unless ``valueRange`` is given, of an animation the first frame
  /// is decoded, of several pages the first.
  public func decoded(channels: Int = 3) throws(ImageError) -> ByteImage {
    try decoded(
      PixelRectangle(width: size.width, height: size.height), eighths: 8, channels: channels)
  }
}

extension EncodedImage {
  /// Whether a part or a smaller version of the picture is had for less than the whole.
  var decodesParts: Bool { format == .jpeg }

  /// The size at which the picture is shown when decoded at `eighths` eighths of its sides.
  func size(eighths: Int) -> PixelSize {
    guard decodesParts, eighths < 8 else { return size }
    return PixelSize(
      width: (size.width * eighths + 7) / 8, height: (size.height * eighths + 7) / 8)
  }

  /// Decodes a rectangle of the upright picture at 8, 4, 2 or 1 eighths of its size; `rectangle`
  /// is in pixels of the scaled picture. Only JPEG has smaller versions.
  func decoded(
    _ rectangle: PixelRectangle, eighths: Int, channels: Int
  ) throws(ImageError) -> ByteImage {
    let scaled = size(eighths: eighths)
    precondition(
      PixelRectangle(width: scaled.width, height: scaled.height).contains(rectangle),
      "\(rectangle) is not inside a picture of \(scaled)")
    let stored = orientation.shown(scaled)
    let part = orientation.stored(rectangle, in: stored)
    do throws(ImageError) {
      var image: ByteImage
      switch format {
      case .jpeg:
        image = try ByteImage(width: part.width, height: part.height, channels: storedChannels) {
          pixels throws(ImageError) in
          try decodeJPEG(
            part, eighths: eighths, into: pixels.baseAddress, stride: part.width * storedChannels)
        }
      case .png:
        var range = sampleRange
        image = try decodedPNG(
          bytes, size: storedSize, channels: storedChannels, range: &range)
      case .webp: image = try decodedWebP(bytes, size: storedSize, limits: limits)
      case .tiff:
        var range = sampleRange
        image = try decodedTIFF(
          bytes, directory: page ?? 0, size: storedSize, channels: storedChannels, range: &range,
          limits: limits)
      case .npy: image = try decodedNpy()
      }
      if image.width != part.width || image.height != part.height {
        image = image.cropped(to: part)
      }
      return image.oriented(orientation).converted(toChannels: channels)
    } catch {
      guard error.kind == .unsupported, format == .tiff, isRaster else { throw error.named(name) }
      throw ImageError(
        error.kind, name: name,
        error.reason + ", or read its samples as they are with data.channels=all")
    }
  }

  /// Whether ``decodeRows(_:eighths:on:)`` gives what a model with so many channels takes: the
  /// picture is stored upright, and gray or in as many channels.
  func decodesRows(channels: Int) -> Bool {
    format == .jpeg && orientation == .upright && storedChannels <= channels
  }

  /// Decodes a rectangle as ``decoded(_:eighths:channels:)`` does, into a workbench's memory, in
  /// the channels that are stored.
  func decodeRows(
    _ part: PixelRectangle, eighths: Int, scratch: DecoderScratch
  ) throws(ImageError) -> PixelRows {
    // Every row at an odd address: the decoder writes aligned ones past the caches.
    let stride = ((part.width + JPEGDecoder.margin) * storedChannels + 31) / 32 * 32
    let pixels = scratch.decoded.reserve(stride * part.height + 1) + 1
    let skipped: Int
    do throws(ImageError) {
      skipped = try decodeJPEG(part, eighths: eighths, into: pixels, stride: stride)
    } catch {
      throw error.named(name)
    }
    return PixelRows(
      first: pixels + skipped, stride: stride, width: part.width, height: part.height,
      channels: storedChannels, readable: stride * part.height - skipped + ScratchBytes.slack)
  }

  @discardableResult
  private func decodeJPEG(
    _ part: PixelRectangle, eighths: Int, into pixels: UnsafeMutablePointer<UInt8>?, stride: Int
  ) throws(ImageError) -> Int {
    try JPEGDecoder.withDecoder { decoder throws(ImageError) in
      try decoder.decode(
        bytes, part, eighths: eighths, channels: storedChannels, limits: limits, into: pixels,
        stride: stride)
    }
  }
}

extension EncodedImage {
  /// Whether two numbers can be a ``valueRange``: they differ and 16 bits hold them.
  public static func isValueRange(_ range: ClosedRange<Int>) -> Bool {
    range.lowerBound >= 0 && range.upperBound <= 65535 && range.lowerBound < range.upperBound
  }

  /// The smallest and the largest sample of a file with 16 bits a sample, alpha left out; nil for
  /// files of fewer bits, which are not decoded.
  public func usedValues() throws(ImageError) -> ClosedRange<Int>? {
    guard bitsPerSample == 16 else { return nil }
    var range = sampleRange
    do throws(ImageError) {
      switch format {
      case .png:
        _ = try decodedPNG(bytes, size: storedSize, channels: storedChannels, range: &range)
      case .tiff:
        _ = try decodedTIFF(
          bytes, directory: page ?? 0, size: storedSize, channels: storedChannels, range: &range,
          limits: limits)
      case .jpeg, .webp, .npy: return nil
      }
    } catch {
      throw error.named(name)
    }
    guard range.smallest <= range.largest else { return nil }
    return Int(range.smallest)...Int(range.largest)
  }

  private var sampleRange: mae_sample_range {
    mae_sample_range(
      black: UInt32(valueRange?.lowerBound ?? 0), white: UInt32(valueRange?.upperBound ?? 0),
      smallest: 65535, largest: 0)
  }
}

extension ByteImage {
  /// Decodes an image file in memory, upright, to 1 or 3 channels.
  public init(
    decoding bytes: [UInt8], channels: Int = 3, limits: ImageLimits = .standard
  ) throws(ImageError) {
    self = try EncodedImage(bytes: bytes, limits: limits).decoded(channels: channels)
  }

  /// Reads and decodes an image file, upright, to 1 or 3 channels.
  public init(
    path: String, channels: Int = 3, limits: ImageLimits = .standard
  ) throws(ImageError) {
    self = try EncodedImage(path: path, limits: limits).decoded(channels: channels)
  }
}
