/// What a dataset has of one image: a file still to be decoded, or its pixels.
public enum ImageContent: Sendable {
  /// An image file in memory.
  case encoded(EncodedImage)
  /// Decoded pixels.
  case pixels(ByteImage)

  /// The size at which the image is shown.
  public var size: PixelSize {
    switch self {
    case .encoded(let file): file.size
    case .pixels(let image): PixelSize(width: image.width, height: image.height)
    }
  }

  /// The whole image with 1 or 3 channels.
  public func image(channels: Int) throws(ImageError) -> ByteImage {
    switch self {
    case .encoded(let file): try file.decoded(channels: channels)
    case .pixels(let image): image.converted(toChannels: channels)
    }
  }
}

extension ImageContent {
  /// The image with ``EncodedImage/valueRange`` where it is still encoded; itself for nil.
  package func withValueRange(_ range: ClosedRange<Int>?) -> ImageContent {
    guard let range, case .encoded(var file) = self else { return self }
    file.valueRange = range
    return .encoded(file)
  }

  /// Whether it is an array, whose size depends on which axis holds its channels.
  package var isArray: Bool {
    if case .encoded(let file) = self { file.format == .npy } else { false }
  }

  /// Whether the image is stored with one channel.
  package var isGray: Bool {
    switch self {
    case .encoded(let file): file.storedChannels == 1
    case .pixels(let image): image.channels == 1
    }
  }

  /// The whole image at another, smaller size; a JPEG file is decoded at the smallest scale that
  /// has a pixel for each of the result's.
  package func image(
    channels: Int, atMost size: PixelSize
  ) throws(ImageError) -> ByteImage {
    guard case .encoded(let file) = self, file.decodesParts else {
      return try image(channels: channels).resized(to: size)
    }
    let framing = Framing(
      PixelRectangle(width: file.size.width, height: file.size.height), to: size)
    let eighths = framing.sufficientEighths
    let scaled = file.size(eighths: eighths)
    let axes = framing.axes(output: size, eighths: eighths, scaled: scaled, kernel: .bicubic)
    return try file.decoded(
      PixelRectangle(width: scaled.width, height: scaled.height), eighths: eighths,
      channels: channels
    ).resampled(columns: axes.columns, rows: axes.rows)
  }
}
