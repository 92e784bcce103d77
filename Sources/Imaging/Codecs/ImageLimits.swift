/// What a file may ask for; checked before memory is taken for its pixels.
public struct ImageLimits: Codable, Hashable, Sendable {
  /// Most pixels a file may declare; 134,217,728, of which RGB takes 384 MiB. With a copy that is
  /// turned upright, or with what a decoder holds, that stays under a gigabyte.
  public var pixels: Int
  /// Longest side a file may declare.
  public var side: Int
  /// Most scans of a progressive JPEG. What they go through together is bounded by
  /// ``workingBytes``.
  public var scans: Int
  /// Most bytes a decoder may hold besides its output; 448 MiB, enough for the coefficients of a
  /// progressive JPEG of 134,217,728 pixels with chroma at half the resolution.
  public var workingBytes: Int
  /// Largest file that is read at all.
  public var fileBytes: Int

  /// Creates limits; what is left out is safe for photos and for the machine.
  public init(
    pixels: Int = 1 << 27, side: Int = 65_500, scans: Int = 100,
    workingBytes: Int = 7 << 26, fileBytes: Int = 1 << 30
  ) {
    self.pixels = pixels
    self.side = side
    self.scans = scans
    self.workingBytes = workingBytes
    self.fileBytes = fileBytes
  }

  /// The limits used unless others are given.
  public static let standard = ImageLimits()

  /// Most blocks of 64 coefficients, 128 bytes each, that all scans of a progressive JPEG may go
  /// through: those that fit into ``workingBytes``, ten times over.
  var scanBlocks: Int { workingBytes / 128 * 10 }

  func check(_ size: PixelSize) throws(ImageError) {
    guard size.width <= side, size.height <= side else {
      throw ImageError(
        .tooLarge,
        "declares \(size) pixels; a side may have at most \(side): shrink the image, "
          + "or raise the limit if you trust the file")
    }
    guard size.width * size.height <= pixels else {
      throw ImageError(
        .tooLarge,
        "declares \(size) = \(size.width * size.height) pixels; at most \(pixels) are decoded: "
          + "shrink the image, or raise the limit if you trust the file")
    }
  }
}
