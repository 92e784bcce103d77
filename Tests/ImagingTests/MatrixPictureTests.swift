@testable import Figures
import Testing

@testable import Imaging

@Suite("Drawing: tables of counts") struct MatrixPictureTests {
  private func names(_ count: Int) -> [String] { (0..<count).map { "class \($0)" } }

  private func picture(_ count: Int, _ value: (Int, Int) -> Int) -> MatrixPicture {
    MatrixPicture(
      names: names(count),
      counts: (0..<count * count).map { value($0 / count, $0 % count) })
  }

  /// The colours of the pixels of a picture, and how often each occurs.
  private func colors(_ image: ByteImage) -> [PixelColor: Int] {
    var found: [Int: Int] = [:]
    image.pixels.withUnsafeBufferPointer { pixels in
      var last = -1
      var run = 0
      for at in stride(from: 0, to: pixels.count, by: 3) {
        let key = Int(pixels[at]) << 16 | Int(pixels[at + 1]) << 8 | Int(pixels[at + 2])
        if key != last {
          if run > 0 { found[last, default: 0] += run }
          (last, run) = (key, 0)
        }
        run += 1
      }
      found[last, default: 0] += run
    }
    let colors = found.map { key, count in
      let color = PixelColor(
        red: UInt8(key >> 16), green: UInt8(key >> 8 & 255), blue: UInt8(key & 255))
      return (color, count)
    }
    return Dictionary(uniqueKeysWithValues: colors)
  }

  @Test("a cell is as dark as its part of the row")
  func shades() {
    // Cells of 24 pixels, nothing written in them.
    let image = picture(40) { row, column in row == column ? 3 : column == 0 ? 1 : 0 }.image()
    let found = colors(image)
    let (quarter, most) = (MatrixPicture.color(of: 0.25), MatrixPicture.color(of: 0.75))
    // The legend has a field of a quarter, and its outline takes a row at the top and at the
    // bottom.
    #expect(found[quarter] == 39 * 24 * 24 + 44 * 12)
    #expect(found[most] == 39 * 24 * 24)
    #expect(MatrixPicture.color(of: 0) == .white)
    #expect(MatrixPicture.color(of: 1) == PixelColor(red: 8, green: 48, blue: 107))
  }

  @Test("rows without counts are gray, and numbers are written in large cells")
  func writing() {
    let table = picture(3) { row, column in row == 2 ? 0 : row == column ? 1 : 0 }
    let found = colors(table.image())
    // The edges of letters may have that gray too.
    let gray = found[MatrixPicture.empty] ?? 0
    #expect((3 * 44 * 44..<3 * 44 * 44 + 100).contains(gray))
    // "100" takes its ink from the two full cells; the legend has one field of that colour.
    let full = found[MatrixPicture.color(of: 1)] ?? 0
    #expect(full < 2 * 44 * 44 + 44 * 14 && full > 44 * 44)
  }

  @Test("tables of any size become pictures of a size that can be looked at")
  func sizes() throws {
    for count in [1, 2, 12, 13, 30, 31, 100, 400] {
      let image = picture(count) { row, column in row == column ? 1 : 0 }.image()
      #expect((200...1400).contains(image.width) && (100...1200).contains(image.height), "\(count)")
    }
    let png = try MatrixPicture(
      title: "Which class was taken for which", names: ["a class of a very long name", "ü"],
      counts: [5, 1, 0, 9], footer: ["Rows are true classes, columns predicted ones."]
    ).encodedAsPNG()
    #expect(ImageFormat(recognizing: png) == .png)
  }

  @Test("several rows share a pixel in large tables")
  func groups() {
    let image = picture(1000) { row, column in row / 2 == column / 2 ? 1 : 0 }.image()
    // 500 drawn rows, in each of which one cell has everything.
    let found = colors(image)
    #expect((found[MatrixPicture.color(of: 1)] ?? 0) == 500 + 43 * 12)
  }
}
