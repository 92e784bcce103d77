/// A whole image as networks take it that label every pixel or find objects.
package enum WholeImage: Sendable {
  /// A picture of 8 bits.
  case picture(ByteImage)
  /// A raster whose missing values are filled, and how it is shown.
  case raster(Raster, RasterSettings)

  /// Its size.
  package var size: PixelSize {
    switch self {
    case .picture(let image): PixelSize(width: image.width, height: image.height)
    case .raster(let raster, _): raster.size
    }
  }

  /// In colour, for people.
  package var shown: ByteImage {
    switch self {
    case .picture(let image): image.converted(toChannels: 3)
    case .raster(let raster, let settings): raster.picture(settings).converted(toChannels: 3)
    }
  }

  /// The same with a picture's channels as a network takes them; a raster has them.
  package func converted(toChannels channels: Int) -> WholeImage {
    switch self {
    case .picture(let image): .picture(image.converted(toChannels: channels))
    case .raster: self
    }
  }

  /// Refuses an image that has another size than what is known of it.
  ///
  /// - Parameter words: What is known: `its labels have`.
  package func requireSize(_ known: PixelSize, _ words: String) throws(ImageError) {
    guard size != known else { return }
    var advice = "correct the file"
    if case .raster = self {
      advice =
        "correct the file, or say which axis of an array holds the channels (data.raster.arrays)"
    }
    throw ImageError(.corrupt, "has \(size) pixels, and \(words) \(known): \(advice)")
  }
}

extension ImageContent {
  /// The whole image for a network.
  ///
  /// - Parameters:
  ///   - channels: Channels of the network.
  ///   - raster: How it is read as a raster; nil reads a picture.
  ///   - means: What missing values of each channel become where they become their mean.
  package func whole(
    channels: Int, raster settings: RasterSettings?, means: [Double]
  ) throws(ImageError) -> WholeImage {
    guard let settings else { return .picture(try image(channels: channels)) }
    var raster = try raster(settings, channels: channels)
    try raster.fillMissing(settings.missing, means: means, numbers: settings.channels)
    return .raster(raster, settings)
  }
}
