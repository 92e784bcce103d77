public import Imaging

/// An RGB picture to draw on. What lies outside of it is cut off.
public struct Canvas: Hashable, Sendable {
  /// The picture; always of three channels.
  public private(set) var image: ByteImage

  /// Pixels from left to right.
  public var width: Int { image.width }
  /// Pixels from top to bottom.
  public var height: Int { image.height }
  /// The whole picture.
  public var bounds: PixelRectangle { PixelRectangle(width: width, height: height) }

  /// Creates a canvas of one colour.
  ///
  /// - Precondition: the sides are at least 1.
  public init(width: Int, height: Int, color: PixelColor = .white) {
    precondition(width >= 1 && height >= 1, "a canvas of \(width)×\(height) has no pixels")
    image = ByteImage(
      width: width, height: height, channels: 3,
      pixels: Array(repeating: color.red, count: width * height * 3))
    if !color.isGray { fill(bounds, color: color) }
  }

  /// Fills a rectangle.
  public mutating func fill(_ rectangle: PixelRectangle, color: PixelColor) {
    let columns = clamped(rectangle.x, to: width)..<clamped(rectangle.maxX, to: width)
    let rows = clamped(rectangle.y, to: height)..<clamped(rectangle.maxY, to: height)
    guard !columns.isEmpty else { return }
    let width = width
    image.pixels.withUnsafeMutableBufferPointer { pixels in
      for y in rows {
        for x in columns {
          let at = (y * width + x) * 3
          pixels[at] = color.red
          pixels[at + 1] = color.green
          pixels[at + 2] = color.blue
        }
      }
    }
  }

  /// Draws the edge of a rectangle, inside of it.
  public mutating func outline(
    _ rectangle: PixelRectangle, color: PixelColor, thickness: Int = 1
  ) {
    let (x, y, width, height) = (rectangle.x, rectangle.y, rectangle.width, rectangle.height)
    guard width >= 1, height >= 1, thickness >= 1 else { return }
    let t = min(thickness, width, height)
    fill(PixelRectangle(x: x, y: y, width: width, height: t), color: color)
    fill(PixelRectangle(x: x, y: y + height - t, width: width, height: t), color: color)
    fill(PixelRectangle(x: x, y: y, width: t, height: height), color: color)
    fill(PixelRectangle(x: x + width - t, y: y, width: t, height: height), color: color)
  }

  /// Draws a picture with its top left at a place; each of its pixels becomes a square of `factor`
  /// by `factor`. A picture of one channel is drawn gray.
  public mutating func draw(_ picture: ByteImage, x: Int, y: Int, factor: Int = 1) {
    precondition(factor >= 1, "an enlargement of \(factor); expected 1 or more")
    let columns = clamped(x, to: width)..<clamped(x + picture.width * factor, to: width)
    let rows = clamped(y, to: height)..<clamped(y + picture.height * factor, to: height)
    guard !columns.isEmpty else { return }
    let (width, channels) = (width, picture.channels)
    let (green, blue) = channels == 1 ? (0, 0) : (1, 2)
    picture.pixels.withUnsafeBufferPointer { source in
      image.pixels.withUnsafeMutableBufferPointer { target in
        for row in rows {
          let line = (row - y) / factor * picture.width
          for column in columns {
            let from = (line + (column - x) / factor) * channels
            let to = (row * width + column) * 3
            target[to] = source[from]
            target[to + 1] = source[from + green]
            target[to + 2] = source[from + blue]
          }
        }
      }
    }
  }

  /// Draws a picture smoothly resampled to fill a rectangle.
  ///
  /// - Precondition: the rectangle's sides are at least 1.
  public mutating func draw(
    _ picture: ByteImage, in rectangle: PixelRectangle, filter: ResamplingFilter = .bicubic
  ) {
    let size = PixelSize(width: rectangle.width, height: rectangle.height)
    precondition(size.width >= 1 && size.height >= 1, "a picture cannot be drawn as \(size)")
    let fits = size == PixelSize(width: picture.width, height: picture.height)
    draw(
      fits ? picture : picture.resized(to: size, filter: filter), x: rectangle.x, y: rectangle.y)
  }

  /// Draws a line of text; `y` is the top of its capitals.
  public mutating func draw(
    _ text: String, x: Int, y: Int, font: TextFont, color: PixelColor = .black
  ) {
    for (glyph, left) in font.placed(text) {
      blend(glyph, x: x + left, y: y + font.ascent - glyph.top, color: color)
    }
  }

  /// Mixes a colour into the pixels that a glyph covers, as far as it covers them.
  private mutating func blend(_ glyph: Glyph, x: Int, y: Int, color: PixelColor) {
    let columns = clamped(x, to: width)..<clamped(x + glyph.width, to: width)
    let rows = clamped(y, to: height)..<clamped(y + glyph.rows, to: height)
    guard !columns.isEmpty else { return }
    let ink = [Int(color.red), Int(color.green), Int(color.blue)]
    let width = width
    image.pixels.withUnsafeMutableBufferPointer { pixels in
      for row in rows {
        for column in columns {
          let covered = Int(glyph.coverage[(row - y) * glyph.width + column - x])
          guard covered > 0 else { continue }
          let at = (row * width + column) * 3
          for channel in 0..<3 {
            let below = Int(pixels[at + channel]) * (255 - covered)
            pixels[at + channel] = UInt8((below + ink[channel] * covered + 127) / 255)
          }
        }
      }
    }
  }

  private func clamped(_ position: Int, to side: Int) -> Int { min(max(position, 0), side) }
}
