public import Imaging
public import Runs
import Torch

/// An image as a model sees it: resized and cut as for evaluation, in numbers and as a picture.
public struct ModelView: Sendable {
  /// What the model sees, for people; of a raster the channels that are shown.
  public let picture: ByteImage
  /// The values in the file's units and how they become a picture; nil where they are bytes.
  private let raster: (values: Raster, stretch: RasterStretch)?

  /// Decodes an image for a model.
  ///
  /// - Parameter isPrepared: Whether the image is such a view already, which is taken pixel by
  ///   pixel.
  /// - Throws: `ImageError` where the file cannot be decoded, or is said to be prepared and is not
  ///   of the model's size.
  public init(
    of content: ImageContent, for description: ModelDescription, isPrepared: Bool = false
  ) throws(ImageError) {
    var transform = description.evaluationTransform
    if isPrepared {
      guard content.size == transform.size else {
        throw ImageError(
          .unsupported,
          "has \(content.size) pixels; expected \(transform.size), as the model sees images")
      }
      transform.evaluation = nil
      transform.keepsFittingImages = true
    }
    var random = SampleRandom(seed: 0)  // nothing is drawn
    try self.init(of: content, by: transform, using: &random)
  }

  init(
    of content: ImageContent, by transform: ImageTransform, using random: inout SampleRandom
  ) throws(ImageError) {
    if let settings = transform.raster {
      let values = try transform.view(of: content, using: &random)
      let stretch = RasterStretch(of: values, settings)
      raster = (values, stretch)
      picture = stretch.picture(of: values.planes, size: values.size)
    } else {
      raster = nil
      picture = try transform.image(of: content, using: &random)
    }
  }

  /// Pixels of 0…1, or of rasters in the file's units. `[1, C, H, W]`
  var pixels: Tensor {
    if let values = raster?.values {
      return Tensor(
        values.planes, shape: [1, values.channels, values.height, values.width])
    }
    return Tensor(picture.pixels, shape: [1, picture.height, picture.width, picture.channels])
      .permuted([0, 3, 1, 2]).contiguous().to(.float32) / 255
  }

  /// Pixels as a model filled them in as a picture. `[1, C, H, W]`
  func picture(of filled: Tensor) -> ByteImage {
    if let stretch = raster?.stretch {
      return stretch.picture(
        of: filled.to(.cpu).floats(),
        size: PixelSize(width: filled.shape[3], height: filled.shape[2]))
    }
    let bytes = (filled.clamped(to: 0...1) * 255 + 0.5).to(.uint8).permuted([0, 2, 3, 1])
    return ByteImage(
      width: filled.shape[3], height: filled.shape[2], channels: filled.shape[1],
      pixels: bytes.selected(0, along: 0).array())
  }
}
