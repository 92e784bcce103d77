import CImageCodecs

/// A picture with the opacity of each pixel. RGB, 8 bits a channel.
public struct AlphaImage: Hashable, Sendable {
  /// The colours. `[H, W, 3]`
  public var colors: ByteImage
  /// How opaque each pixel is, 0 to 255. `[H, W, 1]`
  public var alpha: ByteImage

  /// Creates a picture.
  ///
  /// - Precondition: both have one size, 3 channels and 1.
  public init(colors: ByteImage, alpha: ByteImage) {
    precondition(
      colors.width == alpha.width && colors.height == alpha.height && colors.channels == 3
        && alpha.channels == 1, "colours and alpha of two kinds")
    self.colors = colors
    self.alpha = alpha
  }

  /// Decodes a PNG or WebP file, upright. A file without alpha is opaque.
  ///
  /// - Throws: ``ImageError``; of kind `unsupported` for other formats, which have no alpha that is
  ///   read.
  public init(decoding file: EncodedImage) throws(ImageError) {
    let size = file.storedSize
    let count = size.width * size.height
    var bytes = [UInt8](repeating: 0, count: count * 4)
    do throws(ImageError) {
      switch file.format {
      case .png:
        try withCodecErrors("PNG") { message in
          let status = mae_png_decode(
            file.bytes, file.bytes.count, UInt32(size.width), UInt32(size.height), 4, nil,
            &bytes, message)
          return (status, ())
        }
      case .webp:
        try withCodecErrors("WebP") { message in
          let status = mae_webp_decode_rgba(
            file.bytes, file.bytes.count, UInt32(size.width), UInt32(size.height),
            Int64(file.limits.workingBytes), &bytes, message)
          return (status, ())
        }
      case .jpeg, .tiff, .npy:
        throw ImageError(
          .unsupported,
          "is a \(file.format.rawValue) file; expected a PNG or WebP file with transparency")
      }
    } catch {
      throw error.named(file.name)
    }
    var (colors, alpha): ([UInt8], [UInt8]) = ([], [])
    colors.reserveCapacity(count * 3)
    alpha.reserveCapacity(count)
    for i in 0..<count {
      colors += bytes[4 * i..<4 * i + 3]
      alpha.append(bytes[4 * i + 3])
    }
    self.init(
      colors: ByteImage(width: size.width, height: size.height, channels: 3, pixels: colors)
        .oriented(file.orientation),
      alpha: ByteImage(width: size.width, height: size.height, channels: 1, pixels: alpha)
        .oriented(file.orientation))
  }

  /// Pixels from left to right.
  public var width: Int { colors.width }
  /// Pixels from top to bottom.
  public var height: Int { colors.height }

  /// What is opaque for more than a half (alpha > 127).
  public var mask: RunLengthMask {
    RunLengthMask(
      width: width, height: height, pixels: alpha.pixels.map { $0 > 127 ? 1 : 0 })
  }

  /// The part inside a rectangle.
  public func cropped(to rectangle: PixelRectangle) -> AlphaImage {
    AlphaImage(colors: colors.cropped(to: rectangle), alpha: alpha.cropped(to: rectangle))
  }

  /// The picture at another size: colours weighted by their opacity, so that what is invisible
  /// gives no colour to an edge.
  public func resized(to size: PixelSize) -> AlphaImage {
    var weighted = colors
    for i in alpha.pixels.indices {
      let a = Int(alpha.pixels[i])
      for c in 3 * i..<3 * i + 3 {
        weighted.pixels[c] = UInt8((Int(colors.pixels[c]) * a + 127) / 255)
      }
    }
    let small = alpha.resized(to: size, filter: .bilinear)
    var result = weighted.resized(to: size, filter: .bilinear)
    for i in small.pixels.indices {
      let a = Int(small.pixels[i])
      guard a > 0 else { continue }
      for c in 3 * i..<3 * i + 3 {
        result.pixels[c] = UInt8(min(255, (Int(result.pixels[c]) * 255 + a / 2) / a))
      }
    }
    return AlphaImage(colors: result, alpha: small)
  }

  /// The picture mirrored left to right.
  public var flippedHorizontally: AlphaImage {
    AlphaImage(colors: colors.flippedHorizontally, alpha: alpha.flippedHorizontally)
  }
}
