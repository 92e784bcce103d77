@testable import Figures
import Testing

@testable import Imaging

@Suite("Drawing: sheet")
struct DrawingSheetTests {
  private static let predicted = ["seen", "reconstruction", "+ seen"]

  private static func sheet(
    side: Int, height: Int? = nil, channels: Int = 1, ratios: Int = 1, rows: Int = 2
  ) -> PictureSheet {
    let tile = gradient(width: side, height: height ?? side, channels: channels)
    let groups = (0..<ratios).map {
      PictureSheet.Group("\(75 + 10 * $0) % hidden", columns: predicted)
    }
    return PictureSheet(
      title: "Reconstructions", groups: [.init(columns: ["original"])] + groups,
      rows: (0..<rows).map { row in
        .init("image \(row)", tiles: Array(repeating: tile, count: 1 + 3 * ratios))
      },
      footer: [PictureSheet.inventedNotice, PictureSheet.normalizedTargetNotice])
  }

  @Test("small images are enlarged by a whole factor to 112–224 pixels")
  func factors() {
    for columns in [1, 4, 7, 10, 40] {
      for side in 1...112 {
        let factor = SheetLayout.factor(side: side, columns: columns)
        #expect((112...224).contains(side * factor), "\(side) × \(factor), \(columns) columns")
      }
      for side in 113...224 { #expect(SheetLayout.factor(side: side, columns: columns) == 1) }
    }
    #expect(SheetLayout.factor(side: 28, columns: 4) == 8)
    #expect(SheetLayout.factor(side: 32, columns: 4) == 7)
    #expect(SheetLayout.factor(side: 28, columns: 10) == 5)
  }

  @Test(
    "tiles stand in even rows and columns inside the picture",
    arguments: [(28, 28, 1), (32, 32, 3), (224, 224, 2), (40, 20, 1), (225, 90, 1), (3, 600, 3)])
  func geometry(width: Int, height: Int, ratios: Int) {
    let sheet = Self.sheet(side: width, height: height, channels: 3, ratios: ratios, rows: 3)
    let tiles = sheet.tileRectangles
    let picture = PixelRectangle(width: sheet.size.width, height: sheet.size.height)
    let gaps = tiles.map { row in zip(row, row.dropFirst()).map { $1.x - $0.maxX } }
    for row in tiles {
      #expect(row.map(\.x) == tiles[0].map(\.x))
      #expect(Set(row.map(\.y)).count == 1)
      #expect(row.allSatisfy { picture.contains($0) && max($0.width, $0.height) <= 224 })
    }
    // Three columns to a group: gaps within groups are equal, and so are those between.
    for row in gaps {
      let between = row.indices.filter { $0 % 3 == 0 }.map { row[$0] }
      let within = row.indices.filter { $0 % 3 != 0 }.map { row[$0] }
      #expect(Set(between).count == 1 && Set(within).count == 1)
      #expect(between[0] > within[0] && within[0] >= SheetLayout.Measure.columnGap)
    }
    let pitches = Set(zip(tiles, tiles.dropFirst()).map { $1[0].y - $0[0].y })
    #expect(pitches.count == 1)
    #expect(pitches.allSatisfy { $0 > tiles[0][0].height })
  }

  @Test("no text leaves the picture, meets a tile or other text")
  func text() {
    for (side, ratios) in [(28, 1), (28, 3), (224, 2), (7, 1)] {
      let sheet = Self.sheet(side: side, ratios: ratios)
      let layout = SheetLayout(sheet)
      let places = layout.texts.map { text in
        PixelRectangle(
          x: text.x, y: text.y, width: text.font.width(of: text.string), height: text.font.height)
      }
      let picture = PixelRectangle(width: layout.size.width, height: layout.size.height)
      let margin = SheetLayout.Measure.margin
      for (index, place) in places.enumerated() {
        #expect(picture.contains(place) && place.maxX <= layout.size.width - margin)
        for other in places[(index + 1)...] + sheet.tileRectangles.joined() {
          let apart =
            place.maxX <= other.x || other.maxX <= place.x || place.maxY <= other.y
            || other.maxY <= place.y
          #expect(apart, "\(layout.texts[index].string)")
        }
      }
    }
  }

  @Test("tiles hold their images' pixels, gray and RGB", arguments: [1, 3])
  func pixels(channels: Int) {
    let sheet = Self.sheet(side: 28, height: 14, channels: channels)
    let image = sheet.image()
    #expect(image.width == sheet.size.width && image.height == sheet.size.height)
    #expect(image.channels == 3)
    let tile = sheet.rows[1].tiles[2].converted(toChannels: 3)
    let place = sheet.tileRectangles[1][2]
    #expect(place.width == 28 * 8 && place.height == 14 * 8)
    let shown = image.cropped(to: place)
    for y in 0..<place.height {
      for x in stride(from: y % 5, to: place.width, by: 5) {
        for c in 0..<3 { #expect(shown[x, y, c] == tile[x / 8, y / 8, c]) }
      }
    }
  }

  @Test("images of more than 224 pixels are shown resampled, the others of the sheet are not")
  func large() {
    let large = gradient(width: 500, height: 250, channels: 3)
    let small = gradient(width: 200, height: 224, channels: 3)
    let sheet = PictureSheet(
      groups: [.init(columns: ["", ""])], rows: [.init(tiles: [large, small])])
    let places = sheet.tileRectangles[0]
    let image = sheet.image()
    #expect(image.cropped(to: places[1]) == small)
    #expect(
      image.cropped(to: places[0]) == large.resized(to: PixelSize(width: 224, height: 112)))
  }

  @Test("equal sheets give equal bytes, and other sheets others")
  func determinism() throws {
    let first = try Self.sheet(side: 28).encodedAsPNG()
    #expect(try Self.sheet(side: 28).encodedAsPNG() == first)
    #expect(try Self.sheet(side: 28, rows: 3).encodedAsPNG() != first)
    let decoded = try EncodedImage(bytes: first).decoded()
    #expect(decoded == Self.sheet(side: 28).image())
  }

  @Test("a bare sheet is its tiles and a margin")
  func bare() {
    let tile = gradient(width: 224, height: 224, channels: 1)
    let sheet = PictureSheet(
      groups: [.init(columns: ["", ""])], rows: [.init(tiles: [tile, tile])])
    let margin = SheetLayout.Measure.margin
    #expect(sheet.tileRectangles[0][0].y == margin)
    #expect(sheet.size == PixelSize(width: 2 * margin + 224 * 2 + 12, height: 2 * margin + 224))
  }

  @Test("many rows take as much picture as they need")
  func manyRows() {
    let tile = ByteImage(width: 1, height: 1, channels: 1, pixels: [9])
    let sheet = PictureSheet(
      groups: [.init(columns: [""])],
      rows: Array(repeating: PictureSheet.Row(tiles: [tile]), count: 5000))
    let pitch = 224 + SheetLayout.Measure.rowGap
    #expect(
      sheet.size.height == 5000 * pitch - SheetLayout.Measure.rowGap
        + 2 * SheetLayout.Measure.margin)
  }

  @Test("captions and footers that are too wide are wrapped")
  func wrapping() {
    let tile = gradient(width: 28, height: 28, channels: 1)
    let name = String(repeating: "folder/", count: 40) + "image.png"
    let short = PictureSheet(
      groups: [.init(columns: ["original"])], rows: [.init("image.png", tiles: [tile])])
    let long = PictureSheet(
      groups: [.init(columns: ["original"])], rows: [.init(name, tiles: [tile])])
    #expect(long.size.width == short.size.width)
    #expect(long.size.height > short.size.height)
    #expect(SheetLayout(long).texts.dropFirst().map(\.string).joined() == name)
  }
}
