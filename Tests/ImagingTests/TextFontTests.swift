@testable import Figures
import Foundation
import Testing

@testable import Imaging

@Suite struct TextFontTests {
  static let font = TextFont(size: 17)
  private static let squares =
    Bundle.module.path(forResource: "squares", ofType: "ttf", inDirectory: "Fixtures") ?? ""

  /// Rows and columns of a canvas that are not all white.
  private static func ink(
    _ text: String, _ font: TextFont
  ) -> (columns: ClosedRange<Int>, rows: ClosedRange<Int>)? {
    var canvas = Canvas(width: 700, height: 120)
    canvas.draw(text, x: 40, y: 40, font: font)
    var (columns, rows): (Set<Int>, Set<Int>) = ([], [])
    for y in 0..<canvas.height {
      for x in 0..<canvas.width where canvas.image[x, y, 0] < 200 {
        columns.insert(x)
        rows.insert(y)
      }
    }
    guard let left = columns.min(), let right = columns.max(), let top = rows.min(),
      let bottom = rows.max()
    else { return nil }
    return (left...right, top...bottom)
  }

  @Test func `capitals stand between the top and the line, descenders below it`() throws {
    for size in [11, 13, 17, 26, 40] {
      for weight in [TextFont.Weight.regular, .semibold] {
        let font = TextFont(size: size, weight: weight)
        let capitals = try #require(Self.ink("HEI", font))
        #expect(abs(capitals.rows.lowerBound - 40) <= 1, "\(size)")
        #expect(abs(capitals.rows.upperBound - (39 + font.ascent)) <= 1, "\(size)")
        let low = try #require(Self.ink("pgq", font))
        #expect(low.rows.upperBound > 39 + font.ascent && low.rows.upperBound < 41 + font.height)
      }
    }
  }

  @Test func `ink lies within the width, and semibold is wider and darker`() throws {
    for text in ["reconstruction", "75 % hidden", "28×28 → “+ seen”", "Größe, Ωμέγα, Жёлтый"] {
      let found = try #require(Self.ink(text, Self.font))
      #expect(found.columns.lowerBound >= 39)
      #expect(found.columns.upperBound <= 41 + Self.font.width(of: text))
      #expect(found.columns.count > Self.font.width(of: text) * 9 / 10)
      #expect(
        TextFont(size: 17, weight: .semibold).width(of: text) > Self.font.width(of: text))
    }
    #expect(Self.font.width(of: "") == 0)
    #expect(Self.ink(" \t\u{200B}", Self.font) == nil)
  }

  @Test func `letters are smooth, and mixed with what is below them`() {
    var canvas = Canvas(width: 60, height: 40, color: PixelColor(red: 200, green: 0, blue: 100))
    canvas.draw(
      "SO", x: 5, y: 10, font: Self.font, color: PixelColor(red: 0, green: 100, blue: 100))
    let pixels = (0..<40).flatMap { y in (0..<60).map { canvas.pixel($0, y) } }
    #expect(pixels.contains(PixelColor(red: 0, green: 100, blue: 100)))
    let mixed = Set(pixels.filter { $0.red > 0 && $0.red < 200 })
    #expect(mixed.count > 5)
    #expect(mixed.allSatisfy { abs(Int($0.red) + 2 * Int($0.green) - 200) <= 2 && $0.blue == 100 })
  }

  @Test func `text over an edge is cut off`() {
    for (x, y) in [(-8, 3), (50, -9), (3, 38), (55, 5), (-500, 0), (0, 500)] {
      var canvas = Canvas(width: 60, height: 40)
      canvas.draw("Quality", x: x, y: y, font: TextFont(size: 26))
      var large = Canvas(width: 400, height: 400)
      large.draw("Quality", x: x + 150, y: y + 150, font: TextFont(size: 26))
      let cut = large.image.cropped(to: PixelRectangle(x: 150, y: 150, width: 60, height: 40))
      #expect(canvas.image == cut)
    }
  }

  @Test func `letters with marks are the same, composed or not`() {
    var (one, two) = (Canvas(width: 99, height: 50), Canvas(width: 99, height: 50))
    one.draw("Äpfel é Å", x: 5, y: 15, font: Self.font)
    two.draw("A\u{308}pfel e\u{301} A\u{30A}", x: 5, y: 15, font: Self.font)
    #expect(one == two)
    #expect(Self.font.width(of: "x\u{302}") == Self.font.width(of: "x"))
  }

  @Test func `text wraps at spaces, inside a word only where it must, and loses nothing`() {
    let text = "each patch's mean and deviation were taken from the original"
    for width in [1, 20, 60, 100, 1000] {
      let lines = Self.font.lines(of: text, width: width)
      for line in lines where line.count > 1 {
        #expect(Self.font.width(of: line) <= width, "\(line)")
      }
      #expect(lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
    }
    let fit = Self.font.width(of: "one two")
    #expect(Self.font.lines(of: "one two three", width: fit) == ["one two", "three"])
    #expect(Self.font.lines(of: "one two three", width: fit - 1) == ["one", "two", "three"])
    #expect(Self.font.lines(of: "one\n\ntwo", width: 100) == ["one", "", "two"])
    #expect(Self.font.lines(of: "", width: 100) == [""])
  }

  @Test func `long text is shortened at its end`() {
    let text = "a class of a very long name"
    #expect(Self.font.fitted(text, width: 1000) == text)
    #expect(Self.font.fitted(text, width: Self.font.width(of: text)) == text)
    let cut = Self.font.fitted(text, width: 90)
    #expect(cut.hasSuffix("…") && text.hasPrefix(cut.dropLast()) && cut.count > 6)
    #expect(!cut.hasSuffix(" …") && Self.font.width(of: cut) <= 90)
    #expect(Self.font.fitted(text, width: 0) == "…")
    #expect(Self.font.fitted("", width: 0) == "")
  }

  @Test func `a character that no font has is a box, wide where its script is`() {
    var store = GlyphStore { _, _ in nil }
    func width(_ text: String) -> Double { store.width(of: text, in: Self.font) }
    #expect(width("猫") == 17 && width("한글") == 34 && width("👍🏽") == 17)
    #expect(width("\u{7}") == 0.6 * 17 && width("\u{F8FF}") == 0.6 * 17)
    #expect(width("👩‍👩‍👧‍👦") == 17)
    let box = store.placed("猫", in: Self.font)[0].glyph
    #expect(box == GlyphStore.box(in: Self.font, isWide: true))
    #expect(box.rows == Self.font.ascent && box.coverage.first == 255)
    #expect(box.coverage[box.width + 1] == 0)
    let plain = store.pieces(of: "Straße, Ψυχή, Чай €½ → ≤", .regular)
    #expect(plain.allSatisfy { !$0.isMissing })
  }

  @Test func `a character that the carried font lacks comes from a font of the system`() {
    var asked: [UInt32] = []
    var store = GlyphStore { scalar, _ in
      asked.append(scalar)
      return (Self.squares, 0)
    }
    let text = "猫\u{20DD} a犬猫"
    let placed = store.placed(text, in: TextFont(size: 20))
    // The square with its mark, a space, a letter, a box, and the square again.
    #expect(placed.count == 6)
    let square = placed[0].glyph
    #expect(square.width == 20 && square.rows == 20 && square.top == 20)
    #expect(abs(square.advance - 20) < 0.001)
    #expect(square.coverage.allSatisfy { $0 == 255 })
    #expect(placed[1].glyph.advance == 0 && placed[1].glyph.rows == 4)
    #expect(placed[4].glyph == GlyphStore.box(in: TextFont(size: 20), isWide: true))
    #expect(placed[5].glyph.rows == 20)
    // Each is asked for once, and not at all where an open font has it.
    _ = store.width(of: text, in: TextFont(size: 12))
    #expect(asked == [0x732B, 0x72AC])
  }

  @Test func `a font that cannot be opened is done without`() {
    var store = GlyphStore { _, _ in ("/does/not/exist.ttf", 0) }
    #expect(store.width(of: "猫", in: Self.font) == 17)
  }

  @Test func `any text can be drawn, whatever fonts there are`() {
    let texts = [
      "猫と犬", "고양이", "ไทย", "हिन्दी", "العربية", "עברית", "👍🏽 🏳️‍🌈 👩‍👩‍👧‍👦", "\u{0}\u{1B}[0m",
      "\u{FFFF}\u{10FFFF}",
      "a\u{300}\u{301}\u{302}\u{303}", "\u{202E}abc", "𝔘𝔫𝔦", "\r\n",
    ]
    for text in texts {
      var canvas = Canvas(width: 300, height: 60)
      canvas.draw(text, x: 10, y: 20, font: Self.font)
      #expect(Self.font.width(of: text) >= 0)
      #expect(Self.font.lines(of: text, width: 30).allSatisfy { !$0.contains("\n") })
    }
  }

  @Test func `threads may draw at the same time`() async {
    let expected = Self.font.width(of: "Quality of 12 classes")
    await withTaskGroup { group in
      for number in 0..<8 {
        group.addTask {
          for size in 5..<40 { _ = TextFont(size: size + number).placed("Quality of 12 classes") }
          return Self.font.width(of: "Quality of 12 classes")
        }
      }
      for await width in group { #expect(width == expected) }
    }
  }
}
