import Foundation
import Synchronization

/// A size and weight of the letters in figures: Inter, which the program carries.
///
/// A character that it lacks is taken from a font of the system, where fontconfig is installed and
/// knows one with that character; otherwise it is a box. Characters are set one after the other from
/// left to right: scripts whose letters join or turn round are not shaped.
public struct TextFont: Hashable, Sendable {
  /// How heavy the letters are.
  public enum Weight: Hashable, Sendable {
    /// That of running text.
    case regular
    /// That of headings.
    case semibold
  }

  /// Pixels of an em.
  public var size: Int
  /// How heavy the letters are.
  public var weight: Weight

  /// Creates a font.
  ///
  /// - Precondition: `size` is 1 to 512.
  public init(size: Int, weight: Weight = .regular) {
    precondition((1...512).contains(size), "a font of \(size) pixels; expected 1 to 512")
    self.size = size
    self.weight = weight
  }

  /// Pixels from the top of a capital to the line the letters stand on.
  public var ascent: Int { (size * 2048 + 2815) / 2816 }
  /// Pixels from the line the letters stand on to the bottom of a descender.
  public var descent: Int { (size * 600 + 2815) / 2816 }
  /// Pixels from the top of a capital to the bottom of a descender.
  public var height: Int { ascent + descent }
  /// Pixels from one line of text to the next.
  public var lineHeight: Int { (size * 27 + 10) / 20 }

  /// Pixels that a line of text takes.
  public func width(of text: String) -> Int {
    Int(Self.glyphs.withLock { $0.width(of: text, in: self) }.rounded(.up))
  }

  /// The text broken into lines of at most `width` pixels: at line breaks, else at spaces, and
  /// inside a word only where the word alone is wider.
  ///
  /// A character wider than `width` has a line of its own. Empty text is one empty line.
  public func lines(of text: String, width: Int) -> [String] {
    text.split(omittingEmptySubsequences: false) { $0.isNewline }.flatMap { paragraph in
      wrapped(paragraph, width: width)
    }
  }

  /// The text on one line of at most `width` pixels: its beginning and `…` where it is wider.
  public func fitted(_ text: String, width: Int) -> String {
    guard self.width(of: text) > width else { return text }
    var text = text
    while !text.isEmpty, self.width(of: text + "…") > width { text.removeLast() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text + "…"
  }

  /// Whether every character of a text has a picture, here, now.
  func hasAll(of text: String) -> Bool {
    Self.glyphs.withLock { $0.pieces(of: text, self.weight).allSatisfy { !$0.isMissing } }
  }

  /// The pictures of a line of text and the pixels from its beginning to their first columns.
  func placed(_ text: String) -> [(glyph: Glyph, left: Int)] {
    Self.glyphs.withLock { $0.placed(text, in: self) }
  }

  /// What has been drawn so far, by any thread.
  private static let glyphs = Mutex(GlyphStore())
}

extension TextFont {
  private func wrapped(_ paragraph: Substring, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in paragraph.split(separator: " ") {
      for (index, piece) in pieces(of: word, width: width).enumerated() {
        if !line.isEmpty, index == 0, self.width(of: line + " " + piece) <= width {
          line += " " + piece
        } else {
          if !line.isEmpty { lines.append(line) }
          line = piece
        }
      }
    }
    return lines + [line].filter { lines.isEmpty || !$0.isEmpty }
  }

  /// A word, cut where it is wider than a line.
  private func pieces(of word: Substring, width: Int) -> [String] {
    guard self.width(of: String(word)) > width else { return [String(word)] }
    var pieces: [String] = []
    var piece = ""
    for character in word {
      if !piece.isEmpty, self.width(of: piece + String(character)) > width {
        pieces.append(piece)
        piece = ""
      }
      piece.append(character)
    }
    return pieces + [piece]
  }
}
