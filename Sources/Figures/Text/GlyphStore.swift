import CFonts
import Foundation

/// The picture of a character.
struct Glyph: Hashable, Sendable {
  /// Pixels from the pen to the first column.
  var left: Int
  /// Pixels from the line that letters stand on up to the first row.
  var top: Int
  /// Pixels from left to right.
  var width: Int
  /// Pixels from top to bottom.
  var rows: Int
  /// How much of each pixel is covered, of 255, row by row.
  var coverage: [UInt8]
  /// Pixels from the pen to the next character's.
  var advance: Double
}

/// Fonts that are open, and the pictures that were made with them.
struct GlyphStore {
  /// Asks for a font of the system with a character: its path, and its place in the file.
  typealias Search = (_ scalar: UInt32, _ weight: TextFont.Weight) -> (path: String, index: Int32)?

  /// A font that is open, by its place in ``fonts``.
  typealias FontIndex = Int

  /// A character, or a part of one that is drawn over it.
  enum Piece {
    case glyph(FontIndex, UInt32)
    /// A box, as no font has the character; some are as wide as high.
    case box(isWide: Bool)

    var isMissing: Bool { if case .box = self { true } else { false } }
  }

  private struct Key: Hashable {
    var font: FontIndex
    var scalar: UInt32
    var size: Int
    var quarters: Int
  }

  private struct Wanted: Hashable {
    var scalar: UInt32
    var weight: TextFont.Weight
  }

  private let search: Search
  private var fonts: [OpaquePointer] = []
  private var carried: [TextFont.Weight: FontIndex] = [:]
  private var opened: [String: FontIndex?] = [:]
  private var chosen: [Wanted: FontIndex?] = [:]
  private var drawn: [Key: Glyph] = [:]

  /// Creates an empty store.
  init(search: @escaping Search = fontOfTheSystem) { self.search = search }

  /// Pixels that a line of text takes.
  mutating func width(of text: String, in font: TextFont) -> Double {
    pieces(of: text, font.weight).reduce(0) { $0 + glyph($1, in: font, quarters: 0).advance }
  }

  /// The pictures of a line of text and the pixels from its beginning to their first columns.
  mutating func placed(_ text: String, in font: TextFont) -> [(glyph: Glyph, left: Int)] {
    var pen = 0.0
    return pieces(of: text, font.weight).map { piece in
      // Letters are placed to a quarter of a pixel.
      let (pixels, quarters) = Int((pen * 4).rounded()).quotientAndRemainder(dividingBy: 4)
      let glyph = glyph(piece, in: font, quarters: quarters)
      pen += glyph.advance
      return (glyph, pixels + glyph.left)
    }
  }

  /// What a text is made of.
  mutating func pieces(of text: String, _ weight: TextFont.Weight) -> [Piece] {
    text.precomposedStringWithCanonicalMapping.flatMap { character -> [Piece] in
      if character.isWhitespace, let font = self.font(with: 0x20, weight) {
        return [.glyph(font, 0x20)]
      }
      let scalars = character.unicodeScalars.filter { !$0.properties.isDefaultIgnorableCodePoint }
      guard let first = scalars.first else { return [] }
      guard let font = self.font(with: first.value, weight) else {
        return [.box(isWide: first.isWide)]
      }
      return [.glyph(font, first.value)]
        + scalars.dropFirst().compactMap { mark in
          self.font(with: mark.value, weight).map { .glyph($0, mark.value) }
        }
    }
  }

  private mutating func glyph(_ piece: Piece, in font: TextFont, quarters: Int) -> Glyph {
    guard case .glyph(let index, let scalar) = piece else {
      if case .box(let isWide) = piece { return Self.box(in: font, isWide: isWide) }
      return Self.box(in: font, isWide: false)
    }
    let key = Key(font: index, scalar: scalar, size: font.size, quarters: quarters)
    if let known = drawn[key] { return known }
    var made = mae_font_glyph()
    let isDrawn = mae_font_draw(fonts[index], scalar, Int32(font.size), Int32(quarters), &made)
    var glyph = Self.box(in: font, isWide: false)
    if isDrawn != 0 {
      let (width, rows) = (Int(made.width), Int(made.rows))
      glyph = Glyph(
        left: Int(made.left), top: Int(made.top), width: width, rows: rows,
        coverage: Array(UnsafeBufferPointer(start: made.coverage, count: width * rows)),
        advance: made.advance)
    }
    // Pictures of some hundred bytes; a report in many scripts stays below a few megabytes.
    if drawn.count >= 16_384 { drawn.removeAll() }
    drawn[key] = glyph
    return glyph
  }

  /// What a character that no font has looks like.
  static func box(in font: TextFont, isWide: Bool) -> Glyph {
    let advance = isWide ? Double(font.size) : 0.6 * Double(font.size)
    let left = max(1, font.size / 12)
    let (width, rows) = (max(2, Int(advance) - 2 * left), max(2, font.ascent))
    let coverage = (0..<rows * width).map { place -> UInt8 in
      let (row, column) = place.quotientAndRemainder(dividingBy: width)
      return row == 0 || row == rows - 1 || column == 0 || column == width - 1 ? 255 : 0
    }
    return Glyph(
      left: left, top: rows, width: width, rows: rows, coverage: coverage, advance: advance)
  }
}

// MARK: choosing fonts

extension GlyphStore {
  /// The carried font where it has a character, else one that is open already, else the system's; nil
  /// where none has it.
  private mutating func font(with scalar: UInt32, _ weight: TextFont.Weight) -> FontIndex? {
    let wanted = Wanted(scalar: scalar, weight: weight)
    if let known = chosen[wanted] { return known }
    let font = findFont(with: scalar, weight)
    chosen[wanted] = .some(font)
    return font
  }

  private mutating func findFont(with scalar: UInt32, _ weight: TextFont.Weight) -> FontIndex? {
    if let own = carriedFont(weight), mae_font_has(fonts[own], scalar) != 0 { return own }
    guard Unicode.Scalar(scalar)?.isLettered == true else { return nil }
    let others = opened.values.compactMap(\.self).sorted()
    if let other = others.first(where: { mae_font_has(fonts[$0], scalar) != 0 }) { return other }
    guard let (path, index) = search(scalar, weight), let found = open(path, index),
      mae_font_has(fonts[found], scalar) != 0
    else { return nil }
    return found
  }

  private mutating func carriedFont(_ weight: TextFont.Weight) -> FontIndex? {
    if let known = carried[weight] { return known }
    guard let font = mae_font_carried(weight == .semibold ? 1 : 0) else { return nil }
    fonts.append(font)
    carried[weight] = fonts.count - 1
    return fonts.count - 1
  }

  private mutating func open(_ path: String, _ index: Int32) -> FontIndex? {
    let name = "\(index) \(path)"
    if let known = opened[name] { return known }
    var place: FontIndex?
    if let font = mae_font_open(path, index) {
      fonts.append(font)
      place = fonts.count - 1
    }
    opened[name] = .some(place)
    return place
  }
}

/// Asks fontconfig.
func fontOfTheSystem(
  with scalar: UInt32, _ weight: TextFont.Weight
) -> (path: String, index: Int32)? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { path in
    path.initialize(repeating: 0)
    var index: Int32 = 0
    guard let start = path.baseAddress,
      mae_font_find(scalar, weight == .semibold ? 1 : 0, start, path.count, &index) != 0
    else { return nil }
    return (String(cString: start), index)
  }
}

extension Unicode.Scalar {
  /// Whether a font may have it: not a control character, nor one that is nobody's.
  fileprivate var isLettered: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .unassigned, .privateUse, .lineSeparator,
      .paragraphSeparator:
      false
    default: true
    }
  }

  /// Whether it is as wide as high: the scripts of East Asia, and pictures.
  fileprivate var isWide: Bool {
    switch value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      true
    default: properties.isEmojiPresentation
    }
  }
}
