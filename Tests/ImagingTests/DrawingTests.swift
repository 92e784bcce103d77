@testable import Figures
import Testing

@testable import Imaging

@Suite("Drawing: canvas")
struct DrawingCanvasTests {
  private let red = PixelColor(red: 200, green: 10, blue: 30)

  @Test("fills and outlines what lies inside, and cuts off the rest")
  func shapes() {
    var canvas = Canvas(width: 6, height: 5, color: red)
    canvas.fill(PixelRectangle(x: 4, y: -3, width: 9, height: 5), color: .black)
    canvas.outline(PixelRectangle(x: 0, y: 1, width: 4, height: 4), color: .white)
    canvas.fill(PixelRectangle(x: -9, y: 0, width: 5, height: 5), color: .white)
    canvas.fill(PixelRectangle(x: 7, y: 7, width: 5, height: 5), color: .white)
    let expected = ["rrrrkk", "wwwwkk", "wrrwrr", "wrrwrr", "wwwwrr"]
    for (y, row) in expected.enumerated() {
      for (x, name) in row.enumerated() {
        let color = name == "r" ? red : name == "k" ? PixelColor.black : .white
        #expect(canvas.pixel(x, y) == color, "at \(x), \(y)")
      }
    }
  }

  @Test("draws squares for pixels, gray and RGB, over every edge", arguments: [1, 3])
  func pictures(channels: Int) {
    let picture = gradient(width: 3, height: 2, channels: channels)
    for (x, y) in [(1, 1), (-3, -2), (5, 4), (-99, 0), (0, 99)] {
      var canvas = Canvas(width: 8, height: 7)
      canvas.draw(picture, x: x, y: y, factor: 3)
      for row in 0..<7 {
        for column in 0..<8 {
          let inside = (x..<x + 9).contains(column) && (y..<y + 6).contains(row)
          for channel in 0..<3 {
            let value =
              inside
              ? picture[(column - x) / 3, (row - y) / 3, channels == 1 ? 0 : channel] : 255
            #expect(canvas.image[column, row, channel] == value)
          }
        }
      }
    }
  }

  @Test("draws smoothly with the resampler")
  func smooth() {
    let picture = gradient(width: 9, height: 6, channels: 3)
    var canvas = Canvas(width: 20, height: 20)
    canvas.draw(picture, in: PixelRectangle(x: 2, y: 3, width: 13, height: 11), filter: .bilinear)
    let cut = canvas.image.cropped(to: PixelRectangle(x: 2, y: 3, width: 13, height: 11))
    #expect(cut == picture.resized(to: PixelSize(width: 13, height: 11), filter: .bilinear))
  }
}

@Suite("Drawing: patches")
struct DrawingPatchTests {
  private static let flags = [true, false, false, false, true, true]

  @Test("masked paints hidden patches and pasted takes visible ones", arguments: [1, 3])
  func patches(channels: Int) {
    // 2 rows of 3 patches, each 4 wide and 3 tall.
    let original = gradient(width: 12, height: 6, channels: channels)
    let other = ByteImage(
      width: 12, height: 6, channels: channels, pixels: original.pixels.map { 255 - $0 })
    let masked = original.masked(
      visible: Self.flags, rows: 2, columns: 3, color: PixelColor(gray: 77))
    let pasted = other.pasted(with: original, visible: Self.flags, rows: 2, columns: 3)
    #expect(masked.channels == channels)
    for y in 0..<6 {
      for x in 0..<12 {
        let visible = Self.flags[y / 3 * 3 + x / 4]
        for c in 0..<channels {
          #expect(masked[x, y, c] == (visible ? original[x, y, c] : 77))
          #expect(pasted[x, y, c] == (visible ? original : other)[x, y, c])
        }
      }
    }
  }

  @Test("a colour makes RGB of gray")
  func color() {
    let color = PixelColor(red: 1, green: 2, blue: 3)
    let masked = gradient(width: 4, height: 2, channels: 1)
      .masked(visible: [true, false], rows: 1, columns: 2, color: color)
    #expect(masked.channels == 3)
    #expect(masked.pixels[6..<12] == [1, 2, 3, 1, 2, 3])
    #expect(masked.pixels[0..<3] == [0, 0, 0])
  }

  @Test("nothing hidden and everything hidden")
  func extremes() {
    let original = gradient(width: 4, height: 4, channels: 3)
    let all = Array(repeating: true, count: 4)
    #expect(original.masked(visible: all, rows: 2, columns: 2) == original)
    let none = original.masked(visible: all.map(!), rows: 2, columns: 2)
    #expect(none.pixels.allSatisfy { $0 == PixelColor.hiddenPatch.green })
    #expect(none.pasted(with: original, visible: all, rows: 2, columns: 2) == original)
  }
}

/// Every byte differs from its neighbours.
func gradient(width: Int, height: Int, channels: Int) -> ByteImage {
  ByteImage(
    width: width, height: height, channels: channels,
    pixels: (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * 7) })
}

extension Canvas {
  func pixel(_ x: Int, _ y: Int) -> PixelColor {
    PixelColor(red: image[x, y, 0], green: image[x, y, 1], blue: image[x, y, 2])
  }
}
