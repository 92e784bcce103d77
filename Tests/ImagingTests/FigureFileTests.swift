@testable import Figures
import Foundation
import Testing

@testable import Imaging

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct FigureFileTests {
  private static let tile = gradient(width: 28, height: 14, channels: 3)
  private static let large = gradient(width: 500, height: 250, channels: 1)
  private static let sheet = PictureSheet(
    title: "Größe & <Form> \"猫\" 'x'",
    groups: [.init(columns: ["original"]), .init("75 % hidden", columns: ["seen"])],
    rows: [.init("a/b.png \u{1}", tiles: [tile, tile]), .init("", tiles: [large, tile])],
    footer: [PictureSheet.inventedNotice])

  /// The elements of an SVG file.
  private final class Elements: NSObject, XMLParserDelegate {
    var found: [(name: String, attributes: [String: String], text: String)] = []
    private var open: [Int] = []
    var problem: (any Error)?

    init(_ svg: String) {
      super.init()
      let parser = XMLParser(data: Data(svg.utf8))
      parser.delegate = self
      if !parser.parse() { problem = parser.parserError }
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      open.append(found.count)
      found.append((name, attributes, ""))
    }
    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) { open.removeLast() }
    func parser(_ parser: XMLParser, foundCharacters text: String) {
      if let last = open.last { found[last].text += text }
    }

    func all(_ name: String) -> [(name: String, attributes: [String: String], text: String)] {
      found.filter { $0.name == name }
    }
  }

  @Test func `the ending of a name says the format`() {
    let known: [(String, FigureFormat)] = [
      ("sheet.png", .png), ("a/b.JPG", .jpeg), ("x.jpeg", .jpeg), ("a.b.webp", .webp),
      ("runs/x.y/z.SVG", .svg),
    ]
    for (path, format) in known { #expect(FigureFormat(path: path) == format, "\(path)") }
    for path in ["", "png", ".png", "a.png/b", "sheet.gif", "sheet.", "sheet.pn"] {
      #expect(FigureFormat(path: path) == nil, "\(path)")
    }
  }

  @Test func `each format holds the same picture`() throws {
    let image = Self.sheet.image()
    for format in [FigureFormat.png, .webp, .jpeg] {
      let bytes = try Self.sheet.encoded(as: format)
      let decoded = try EncodedImage(bytes: bytes).decoded()
      #expect(ImageFormat(recognizing: bytes)?.rawValue.lowercased() == format.rawValue)
      #expect(decoded.width == image.width && decoded.height == image.height)
      if format != .jpeg { #expect(decoded == image, "\(format)") }
      #expect(try Self.sheet.encoded(as: format) == bytes)
    }
    let webp = try Self.large.encodedAsWebP()
    #expect(try EncodedImage(bytes: webp).decoded() == Self.large.converted(toChannels: 3))
  }

  @Test func `a picture that WebP does not hold is refused with the numbers`() {
    let long = ByteImage(
      width: 1, height: 16_384, channels: 1, pixels: [UInt8](repeating: 0, count: 16_384))
    #expect(
      throws: ImageError(
        .tooLarge, "has 1×16384 pixels; WebP files hold 16383 a side, PNG files more")
    ) { try long.encodedAsWebP() }
  }

  @Test func `an SVG sheet is whole XML with its pictures and its text`() throws {
    let svg = try Self.sheet.drawing.svg()
    let elements = Elements(svg)
    #expect(elements.problem == nil)
    let root = try #require(elements.found.first)
    let size = Self.sheet.size
    #expect(root.attributes["viewBox"] == "0 0 \(size.width) \(size.height)")
    #expect(root.attributes["width"] == "\(size.width)")
    let texts = elements.all("text").map(\.text)
    for text in [Self.sheet.title, "original", "75 % hidden", "seen", "a/b.png \u{FFFD}"] {
      #expect(texts.contains(text), "\(text)")
    }
    #expect(root.attributes["aria-label"] == Self.sheet.title)
    // Nothing is fetched, nothing runs.
    for word in ["<script", "url(", "@import", "http"] {
      #expect(svg.components(separatedBy: word).count == (word == "http" ? 2 : 1), "\(word)")
    }
  }

  @Test func `text in an SVG file is where it is in the picture`() throws {
    let elements = Elements(try Self.sheet.drawing.svg())
    let layout = SheetLayout(Self.sheet)
    #expect(elements.all("text").count == layout.texts.count)
    for (element, text) in zip(elements.all("text"), layout.texts) {
      let attributes = element.attributes
      #expect(attributes["x"] == "\(text.x)")
      #expect(attributes["y"] == "\(text.y + text.font.ascent)")
      #expect(attributes["font-size"] == "\(text.font.size)")
      if text.font.hasAll(of: text.string) {
        #expect(attributes["textLength"] == "\(text.font.width(of: text.string))")
      } else {
        #expect(attributes["textLength"] == nil)
      }
    }
  }

  @Test func `pictures in an SVG file have their own pixels, large ones twice what is shown`()
    throws
  {
    let images = Elements(try Self.sheet.drawing.svg()).all("image")
    let places = Self.sheet.tileRectangles.flatMap(\.self)
    #expect(images.count == 4)
    for (number, image) in images.enumerated() {
      let place = places[number]
      #expect(image.attributes["x"] == "\(place.x)" && image.attributes["y"] == "\(place.y)")
      #expect(image.attributes["width"] == "\(place.width)")
      let reference = try #require(image.attributes["href"])
      #expect(reference.hasPrefix("data:image/png;base64,"))
      let data = try #require(Data(base64Encoded: String(reference.dropFirst(22))))
      let decoded = try EncodedImage(bytes: Array(data)).decoded()
      if number == 2 {
        let expected = Self.large.resized(to: PixelSize(width: 448, height: 224))
        #expect(decoded.pixels == expected.converted(toChannels: 3).pixels)
        #expect(image.attributes["class"] == nil)
      } else {
        #expect(decoded == Self.tile)
        #expect(image.attributes["class"] == "pixels")
      }
    }
  }

  @Test func `cells of an SVG table say their classes and counts`() throws {
    let names = ["cat", "dog & <wolf>", "none"]
    let table = MatrixPicture(
      title: "Confusion", names: names, counts: [3, 1, 0, 0, 5, 0, 0, 0, 0])
    let notes = Elements(try table.drawing.svg()).all("title").map(\.text)
    #expect(notes.contains("cat → dog & <wolf>: 1, 25 %"))
    #expect(notes.contains("dog & <wolf> → dog & <wolf>: 5, 100 %"))
    #expect(notes.count { $0 == "none: none" } == 3)
    // Cells too small to be pointed at are one picture.
    let many = MatrixPicture(
      names: (0..<200).map { "\($0)" }, counts: (0..<40_000).map { $0 % 7 })
    let elements = Elements(try many.drawing.svg())
    #expect(elements.all("image").count == 1 && elements.all("rect").count < 20)
  }

  @Test func `overlays are drawn as pixels and as SVG`() throws {
    let image = gradient(width: 16, height: 8, channels: 3)
    let box = PixelRectangle(x: 4, y: 2, width: 6, height: 5)
    let mask = try RunLengthMask(width: 16, height: 8, counts: [35, 2, 91])
    let objects = ObjectOverlay.drawing(
      image, [.init(box: box, label: 1, text: "cat & <dog> 93", mask: mask)])
    let found = Elements(try objects.svg())
    #expect(found.all("text").map(\.text) == ["cat & <dog> 93"])
    let frame = try #require(found.all("rect").first { $0.attributes["fill"] == "none" })
    // Sixteen pixels become 256.
    #expect(frame.attributes["x"] == "64.5" && frame.attributes["width"] == "95")
    let labels = LabelMap(
      width: 16, height: 8, labels: (0..<128).map { $0 < 96 ? 0 : $0 < 127 ? 1 : LabelMap.ignored })
    let overlay = LabelOverlay.drawing(image, labels, names: ["background", "cat"])
    #expect(Elements(try overlay.svg()).all("text").map(\.text) == ["background 76 %", "cat 24 %"])
    for (drawing, picture) in [
      (
        objects,
        ObjectOverlay.picture(
          image, [.init(box: box, label: 1, text: "cat & <dog> 93", mask: mask)])
      ),
      (overlay, LabelOverlay.picture(image, labels, names: ["background", "cat"])),
    ] {
      #expect(try EncodedImage(bytes: drawing.encoded(as: .webp)).decoded() == picture)
      #expect(picture.width == 256)
    }
    // A pixel of the mask is half of its class's colour.
    let color = ClassColors.color(of: 1).bytes(channels: 3)
    let masked = ObjectOverlay.picture(image, [.init(box: box, label: 1, text: "", mask: mask)])
    for channel in 0..<3 {
      let mixed = (Int(image[4, 3, channel]) + Int(color[channel])) / 2
      #expect(abs(Int(masked[4 * 16 + 8, 3 * 16 + 8, channel]) - mixed) <= 1)
    }
  }

  @Test func `outlines are one pixel wide in both kinds of files`() throws {
    let drawing = Drawing(
      size: PixelSize(width: 9, height: 7),
      [.outline(PixelRectangle(x: 2, y: 1, width: 5, height: 4), .black)])
    let rectangle = try #require(Elements(try drawing.svg()).all("rect").last)
    #expect(rectangle.attributes["x"] == "2.5" && rectangle.attributes["width"] == "4")
    #expect(rectangle.attributes["y"] == "1.5" && rectangle.attributes["height"] == "3")
    let image = drawing.image()
    #expect((0..<9).map { image[$0, 1, 0] } == [255, 255, 0, 0, 0, 0, 0, 255, 255])
    #expect((0..<9).map { image[$0, 2, 0] } == [255, 255, 0, 255, 255, 255, 0, 255, 255])
  }
}
