/// An 8-bit image: rows from top to bottom, channels interleaved. `[H, W, C]` with `C` = 1
/// (grayscale) or 3 (RGB).
public struct ByteImage: Hashable, Sendable {
  /// Pixels from left to right, `W`.
  public let width: Int
  /// Pixels from top to bottom, `H`.
  public let height: Int
  /// 1 for grayscale, 3 for RGB, `C`.
  public let channels: Int
  /// `H × W × C` bytes.
  public package(set) var pixels: [UInt8]

  /// Creates an image from its bytes.
  ///
  /// - Precondition: the sides are at least 1, `channels` is 1 or 3 and the count is `H × W × C`.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    precondition(width >= 1 && height >= 1, "an image of \(width)×\(height) has no pixels")
    precondition(channels == 1 || channels == 3, "\(channels) channels; expected 1 or 3")
    precondition(
      pixels.count == width * height * channels,
      "\(pixels.count) bytes; \(width)×\(height)×\(channels) takes \(width * height * channels)")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// Creates an image whose bytes `fill` writes, all of them.
  init<E: Error>(
    width: Int, height: Int, channels: Int,
    filledBy fill: (UnsafeMutableBufferPointer<UInt8>) throws(E) -> Void
  ) throws(E) {
    let count = width * height * channels
    var failure: E?
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(E) {
        try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        filled = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    self.init(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// The byte of one channel of one pixel.
  public subscript(x: Int, y: Int, channel: Int) -> UInt8 {
    get { pixels[(y * width + x) * channels + channel] }
    set { pixels[(y * width + x) * channels + channel] = newValue }
  }
}

extension ByteImage {
  /// The image with 1 or 3 channels: gray repeated, or RGB weighted to luma by ITU-R 601-2
  /// (0.299, 0.587, 0.114), as Pillow does.
  public func converted(toChannels wanted: Int) -> ByteImage {
    precondition(wanted == 1 || wanted == 3, "\(wanted) channels; expected 1 or 3")
    guard wanted != channels else { return self }
    let count = width * height
    return ByteImage(width: width, height: height, channels: wanted) { out in
      pixels.withUnsafeBufferPointer { from in
        if wanted == 3 {
          for i in 0..<count {
            out[3 * i] = from[i]
            out[3 * i + 1] = from[i]
            out[3 * i + 2] = from[i]
          }
        } else {
          for i in 0..<count {
            out[i] = luma(red: from[3 * i], green: from[3 * i + 1], blue: from[3 * i + 2])
          }
        }
      }
    }
  }

  /// The pixels inside a rectangle.
  ///
  /// - Precondition: `rectangle` lies inside the image.
  public func cropped(to rectangle: PixelRectangle) -> ByteImage {
    precondition(
      PixelRectangle(width: width, height: height).contains(rectangle),
      "\(rectangle) is not inside an image of \(width)×\(height)")
    let rowBytes = rectangle.width * channels
    var cut: [UInt8] = []
    cut.reserveCapacity(rectangle.height * rowBytes)
    for y in rectangle.y..<rectangle.maxY {
      let start = (y * width + rectangle.x) * channels
      cut.append(contentsOf: pixels[start..<start + rowBytes])
    }
    return ByteImage(
      width: rectangle.width, height: rectangle.height, channels: channels, pixels: cut)
  }

  /// The image mirrored left to right.
  public var flippedHorizontally: ByteImage { oriented(.flippedHorizontally) }
}

/// 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, rounded.
func luma(red: UInt8, green: UInt8, blue: UInt8) -> UInt8 {
  let sum: UInt32 = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
  return UInt8((sum + 0x8000) >> 16)
}
