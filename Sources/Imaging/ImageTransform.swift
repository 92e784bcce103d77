/// What a dataset has of one image: a file still to be decoded, or its pixels.
public enum ImageContent: Sendable {
  /// A JPEG or PNG file in memory.
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

/// Turns images into a model's input: crop, resample, flip, jitter, normalise.
public struct ImageTransform: Hashable, Sendable {
  /// What is random, and which part is shown.
  public var augmentation: Augmentation
  /// The model's image size.
  public var size: PixelSize
  /// Mean and deviation of each channel; their number is the number of channels.
  public var normalization: PixelNormalization

  /// Creates a transform.
  public init(
    _ augmentation: Augmentation, size: PixelSize, normalization: PixelNormalization
  ) {
    precondition(
      size.width >= 1 && size.height >= 1, "an image of \(size) has no pixels")
    self.augmentation = augmentation
    self.size = size
    self.normalization = normalization
  }

  /// Channels of the output, `C`.
  public var channels: Int { normalization.channels }
  /// Floats in one output, `C × H × W`.
  public var valueCount: Int { channels * size.height * size.width }

  /// Writes one example as normalised floats. `[C, H, W]`
  ///
  /// - Parameter planes: room for `valueCount` floats.
  public func write(
    _ content: ImageContent, using random: inout SampleRandom,
    into planes: UnsafeMutablePointer<Float>
  ) throws(ImageError) {
    let framing = augmentation.framing(of: content.size, output: size, using: &random)
    let part = try self.part(of: content, framing)
    if augmentation.jitter.isOff {
      part.image.resample(
        columns: part.columns, rows: part.rows, normalized: normalization, into: planes)
    } else {
      var image = part.image.resampled(columns: part.columns, rows: part.rows)
      augmentation.jitter.apply(to: &image, using: &random)
      image.writePlanes(normalized: normalization, into: planes)
    }
  }

  /// The example before it is normalised: what the model sees, for people to look at.
  public func image(
    of content: ImageContent, using random: inout SampleRandom
  ) throws(ImageError) -> ByteImage {
    let framing = augmentation.framing(of: content.size, output: size, using: &random)
    let part = try self.part(of: content, framing)
    var image = part.image.resampled(columns: part.columns, rows: part.rows)
    augmentation.jitter.apply(to: &image, using: &random)
    return image
  }

  /// Decodes no more than the output needs: the rows and columns that are read, at the smallest
  /// scale that has a pixel for each of the output's.
  private func part(
    of content: ImageContent, _ framing: Framing
  ) throws(ImageError) -> (image: ByteImage, columns: ResamplingAxis, rows: ResamplingAxis) {
    switch content {
    case .pixels(let image):
      let axes = framing.axes(
        output: size, eighths: 8, scaled: content.size, filter: augmentation.filter)
      return (image.converted(toChannels: channels), axes.columns, axes.rows)
    case .encoded(let file):
      let eighths = file.decodesParts ? framing.sufficientEighths : 8
      var (columns, rows) = framing.axes(
        output: size, eighths: eighths, scaled: file.size(eighths: eighths),
        filter: augmentation.filter)
      let (across, down) = (columns.inputs, rows.inputs)
      let image = try file.decoded(
        PixelRectangle(
          x: across.lowerBound, y: down.lowerBound, width: across.count, height: down.count),
        eighths: eighths, channels: channels)
      columns.rebase(to: across.lowerBound)
      rows.rebase(to: down.lowerBound)
      return (image, columns, rows)
    }
  }
}
