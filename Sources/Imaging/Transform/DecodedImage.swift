/// A picture that has been decoded as a whole, so that any crop can be made of it without decoding
/// again.
package struct DecodedImage: Sendable {
  /// The picture, perhaps smaller than it is stored.
  let pixels: ByteImage
  /// The size at which the picture is shown.
  let size: PixelSize
  /// Eighths of its sides that `pixels` have.
  let eighths: Int

  /// Bytes of pixels.
  package var byteCount: Int { pixels.pixels.count }
}

/// What an example is made from.
package enum PixelSource: Sendable {
  /// What a data set has.
  case content(ImageContent)
  /// What was decoded before.
  case decoded(DecodedImage)
  /// A raster that was read before, its missing values as they are.
  case raster(Raster)

  /// Bytes of what was decoded before.
  package var byteCount: Int {
    switch self {
    case .content: 0
    case .decoded(let image): image.byteCount
    case .raster(let raster): raster.planes.count * MemoryLayout<Float>.stride
    }
  }

  /// The size at which the image is shown.
  var size: PixelSize {
    switch self {
    case .content(let content): content.size
    case .decoded(let image): image.size
    case .raster(let raster): raster.size
    }
  }
}

extension ImageTransform {
  /// Reads an image as a whole, to be kept: a raster as it is, a picture decoded.
  package func kept(
    _ content: ImageContent, scratch: DecoderScratch
  ) throws(ImageError) -> PixelSource {
    guard let raster else { return .decoded(try decodedWhole(content, scratch: scratch)) }
    var start = StageTimes.Instant.now
    defer { scratch.times.add(\.decode, since: &start) }
    return .raster(try content.raster(raster, channels: channels))
  }

  /// Decodes an image as a whole, to make any of this transform's crops from: a JPEG file at the
  /// smallest scale that has a pixel for each of the output's even in the smallest crop. That
  /// follows from the picture's size alone.
  package func decodedWhole(
    _ content: ImageContent, scratch: DecoderScratch
  ) throws(ImageError) -> DecodedImage {
    var start = StageTimes.Instant.now
    defer { scratch.times.add(\.decode, since: &start) }
    switch content {
    case .pixels(let image):
      let fits = image.channels <= channels
      return DecodedImage(
        pixels: fits ? image : image.converted(toChannels: channels), size: content.size,
        eighths: 8)
    case .encoded(var file):
      if let valueRange { file.valueRange = valueRange }
      let (eighths, scaled) = scaleOfWhole(file)
      let pixels = try file.decoded(
        PixelRectangle(width: scaled.width, height: scaled.height), eighths: eighths,
        channels: min(file.storedChannels, channels))
      return DecodedImage(pixels: pixels, size: file.size, eighths: eighths)
    }
  }

  /// Bytes that ``kept(_:scratch:)`` takes.
  package func byteCountOfWhole(_ content: ImageContent) -> Int {
    if let raster {
      var size = content.size
      if case .encoded(let file) = content { size = (try? file.rasterHeader(raster).size) ?? size }
      return size.width * size.height * channels * MemoryLayout<Float>.stride
    }
    return switch content {
    case .pixels(let image): image.width * image.height * min(image.channels, channels)
    case .encoded(let file):
      scaleOfWhole(file).size.width * scaleOfWhole(file).size.height
        * min(file.storedChannels, channels)
    }
  }

  private func scaleOfWhole(_ file: EncodedImage) -> (eighths: Int, size: PixelSize) {
    guard file.decodesParts else { return (8, file.size) }
    let smallest =
      evaluation?.framing(of: file.size, output: size)
      ?? augmentation.smallestFraming(of: file.size, output: size)
    let eighths = smallest.sufficientEighths
    return (eighths, file.size(eighths: eighths))
  }
}

extension Augmentation {
  /// A framing that takes no more of an image of `size` than any that is drawn.
  func smallestFraming(of size: PixelSize, output: PixelSize) -> Framing {
    switch crop {
    case .none, .center, .randomFixed:
      // What is random is the place alone.
      var random = SampleRandom(seed: 0)
      return framing(of: size, output: output, using: &random)
    case .randomResized, .randomClipped:
      let (width, height) = (Double(size.width), Double(size.height))
      let area = width * height * minScale
      // Also what is taken where no draw fits.
      let across = min((area * minRatio).squareRoot().rounded(.down), width, height * maxRatio)
      let down = min((area / maxRatio).squareRoot().rounded(.down), height, width / minRatio)
      return Framing(
        PixelRectangle(width: max(Int(across), 1), height: max(Int(down), 1)), to: output)
    }
  }
}
