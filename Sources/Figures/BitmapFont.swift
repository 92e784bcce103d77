/// A small proportional font for labels in pictures: printable ASCII and the signs that captions
/// need (`× · – — − ± → “ ” ‘ ’ …`), drawn for this project.
///
/// Capitals are 7 pixels tall and descenders 2 more. A character that the font has not is drawn as
/// a box, so a file name of any script takes its place.
public enum BitmapFont {
  /// Pixels from the top of a capital to the line the letters stand on, at scale 1.
  public static let ascent = 7
  /// Pixels from the top of a capital to the bottom of a descender, at scale 1.
  public static let height = 9
  /// Pixels from one line of text to the next, at scale 1.
  public static let lineHeight = 12
  /// Empty pixels between two characters, at scale 1.
  static let spacing = 1

  /// Pixels that a line of text takes from its first dark column to its last.
  public static func width(of text: String, scale: Int = 1) -> Int {
    precondition(scale >= 1, "a text scale of \(scale); expected 1 or more")
    let advances = text.reduce(0) { $0 + glyph(for: $1).width + spacing }
    return max(0, advances - spacing) * scale
  }

  /// The text broken into lines of at most `width` pixels: at line breaks, else at spaces, and
  /// inside a word only where the word alone is wider.
  ///
  /// A character wider than `width` has a line of its own. Empty text is one empty line.
  public static func lines(of text: String, width: Int, scale: Int = 1) -> [String] {
    text.split(omittingEmptySubsequences: false) { $0.isNewline }.flatMap { paragraph in
      wrapped(paragraph, width: width, scale: scale)
    }
  }

  private static func wrapped(_ paragraph: Substring, width: Int, scale: Int) -> [String] {
    let gap = (glyph(for: " ").width + 2 * spacing) * scale
    var lines: [String] = []
    var line = ""
    var used = 0
    for word in paragraph.split(separator: " ") {
      for (index, piece) in pieces(of: word, width: width, scale: scale).enumerated() {
        let needed = self.width(of: piece, scale: scale)
        if !line.isEmpty, index == 0, used + gap + needed <= width {
          line += " " + piece
          used += gap + needed
        } else {
          if !line.isEmpty { lines.append(line) }
          line = piece
          used = needed
        }
      }
    }
    return lines + [line].filter { lines.isEmpty || !$0.isEmpty }
  }

  /// A word, cut where it is wider than a line.
  private static func pieces(of word: Substring, width: Int, scale: Int) -> [String] {
    var pieces: [String] = []
    var piece = ""
    var used = 0
    for character in word {
      let advance = (glyph(for: character).width + spacing) * scale
      if !piece.isEmpty, used + advance - spacing * scale > width {
        pieces.append(piece)
        piece = ""
        used = 0
      }
      piece.append(character)
      used += advance
    }
    return pieces + [piece]
  }
}

extension BitmapFont {
  /// The picture of one character; bit `x` of a row is column `x`.
  struct Glyph: Hashable, Sendable {
    let width: Int
    /// `BitmapFont.height` rows from the top.
    let rows: [UInt8]
  }

  /// The picture of a character; of a box where the font has none.
  static func glyph(for character: Character) -> Glyph { glyphs[character] ?? missing }

  /// What a character that the font lacks looks like.
  static let missing = Glyph(width: 5, rows: [31, 17, 17, 17, 17, 17, 31, 0, 0])

  /// Every character of the font.
  static let glyphs: [Character: Glyph] = {
    var glyphs: [Character: Glyph] = [:]
    let space = Glyph(width: 2, rows: Array(repeating: 0, count: height))
    for blank: Character in [" ", "\t", "\u{a0}"] { glyphs[blank] = space }
    let lines = drawing.split(separator: "\n").map { $0.split(separator: " ") }
    for band in stride(from: 0, to: lines.count, by: height + 1) {
      for (column, name) in lines[band].enumerated() {
        let rows = lines[(band + 1)...(band + height)].map { $0[column] }
        glyphs[Character(String(name))] = Glyph(
          width: rows[0].utf8.count,
          rows: rows.map { row in
            row.utf8.enumerated().reduce(0) { $1.element == 0x23 ? $0 | 1 << $1.offset : $0 }
          })
      }
    }
    return glyphs
  }()

  /// The characters of a band, then the rows of their pictures from top to bottom; `#` is ink.
  private static let drawing = #"""
    ! "   #     $     %       &     ' (  )  *     +     ,  -   . /    0    1    2    3    4    5
    # #.# .#.#. ..#.. .#....# .##.. # .# #. ..... ..... .. ... . ...# .##. ..#. .##. ###. ...# ####
    # #.# .#.#. .#### #.#..#. #..#. # #. .# ..#.. ..#.. .. ... . ...# #..# .##. #..# ...# ..## #...
    # #.# ##### #.#.. .#..#.. #..#. # #. .# #.#.# ..#.. .. ... . ..#. #..# ..#. ...# ...# .#.# ###.
    # ... .#.#. .###. ...#... .##.. . #. .# .###. ##### .. ... . ..#. #..# ..#. ..#. .##. #..# ...#
    # ... ##### ..#.# ..#..#. #.#.# . #. .# #.#.# ..#.. .. ### . .#.. #..# ..#. .#.. ...# #### ...#
    . ... .#.#. ####. .#..#.# #..#. . #. .# ..#.. ..#.. .. ... . .#.. #..# ..#. #... ...# ...# #..#
    # ... .#.#. ..#.. #....#. .##.# . #. .# ..... ..... .# ... # #... .##. .### #### ###. ...# .##.
    . ... ..... ..... ....... ..... . .# #. ..... ..... #. ... . #... .... .... .... .... .... ....
    . ... ..... ..... ....... ..... . .. .. ..... ..... .. ... . .... .... .... .... .... .... ....

    6    7    8    9    : ;  <    =    >    ?    @      A     B     C     D     E    F    G
    .##. #### .##. .##. . .. ...# .... #... .##. .####. .###. ####. .###. ####. #### #### .###.
    #... ...# #..# #..# . .. ..#. .... .#.. #..# #....# #...# #...# #...# #...# #... #... #...#
    #... ...# #..# #..# # .# .#.. #### ..#. ...# #.##.# #...# #...# #.... #...# #... #... #....
    ###. ..#. .##. .### . .. #... .... ...# ..#. #.##.# ##### ####. #.... #...# ###. ###. #.###
    #..# ..#. #..# ...# . .. .#.. #### ..#. .#.. #.###. #...# #...# #.... #...# #... #... #...#
    #..# .#.. #..# ...# . .. ..#. .... .#.. .... #..... #...# #...# #...# #...# #... #... #...#
    .##. .#.. .##. .##. # .# ...# .... #... .#.. .####. #...# ####. .###. ####. #### #... .###.
    .... .... .... .... . #. .... .... .... .... ...... ..... ..... ..... ..... .... .... .....
    .... .... .... .... . .. .... .... .... .... ...... ..... ..... ..... ..... .... .... .....

    H     I   J    K     L    M     N     O     P     Q     R     S     T     U     V     W
    #...# ### ..## #...# #... #...# #...# .###. ####. .###. ####. .###. ##### #...# #...# #...#
    #...# .#. ...# #..#. #... ##.## ##..# #...# #...# #...# #...# #...# ..#.. #...# #...# #...#
    #...# .#. ...# #.#.. #... #.#.# ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...#
    ##### .#. ...# ##... #... #.#.# #.#.# #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.#
    #...# .#. ...# #.#.. #... #...# #..## #...# #.... #...# #.#.. ....# ..#.. #...# .#.#. #.#.#
    #...# .#. #..# #..#. #... #...# #..## #...# #.... #..#. #..#. #...# ..#.. #...# .#.#. ##.##
    #...# ### .##. #...# #### #...# #...# .###. #.... .##.# #...# .###. ..#.. .###. ..#.. #...#
    ..... ... .... ..... .... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....
    ..... ... .... ..... .... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

    X     Y     Z     [  \    ]  ^     _     `  a    b    c    d    e    f   g    h    i j  k    l
    #...# #...# ##### ## #... ## ..#.. ..... #. .... #... .... ...# .... .## .... #... # .# #... #.
    #...# #...# ....# #. #... .# .#.#. ..... .# .... #... .... ...# .... #.. .... #... . .. #... #.
    .#.#. .#.#. ...#. #. .#.. .# #...# ..... .. .##. ###. .##. .### .##. ### .### ###. # .# #..# #.
    ..#.. ..#.. ..#.. #. .#.. .# ..... ..... .. ...# #..# #..# #..# #..# #.. #..# #..# # .# #.#. #.
    .#.#. ..#.. .#... #. ..#. .# ..... ..... .. .### #..# #... #..# #### #.. #..# #..# # .# ##.. #.
    #...# ..#.. #.... #. ..#. .# ..... ..... .. #..# #..# #..# #..# #... #.. #..# #..# # .# #.#. #.
    #...# ..#.. ##### #. ...# .# ..... ..... .. .### ###. .##. .### .### #.. .### #..# # .# #..# .#
    ..... ..... ..... ## ...# ## ..... ##### .. .... .... .... .... .... ... ...# .... . .# .... ..
    ..... ..... ..... .. .... .. ..... ..... .. .... .... .... .... .... ... .##. .... . #. .... ..

    m     n    o    p    q    r   s    t   u    v     w     x     y    z    {   | }   ~     ×
    ..... .... .... .... .... ... .... ... .... ..... ..... ..... .... .... ..# # #.. ..... .....
    ..... .... .... .... .... ... .... #.. .... ..... ..... ..... .... .... .#. # .#. ..... #...#
    ##.#. ###. .##. ###. .### #.# .### ### #..# #...# #...# #...# #..# #### .#. # .#. ..... .#.#.
    #.#.# #..# #..# #..# #..# ##. #... #.. #..# #...# #...# .#.#. #..# ...# #.. # ..# .#... ..#..
    #.#.# #..# #..# #..# #..# #.. .##. #.. #..# .#.#. #.#.# ..#.. #..# .##. #.. # ..# #.#.# .#.#.
    #.#.# #..# #..# #..# #..# #.. ...# #.. #..# .#.#. #.#.# .#.#. #..# #... .#. # .#. ...#. #...#
    #.#.# #..# .##. ###. .### #.. ###. .## .### ..#.. .#.#. #...# .### #### .#. # .#. ..... .....
    ..... .... .... #... ...# ... .... ... .... ..... ..... ..... ...# .... ..# # #.. ..... .....
    ..... .... .... #... ...# ... .... ... .... ..... ..... ..... .##. .... ... # ... ..... .....

    ·  –     —       −     ±     →       “    ”    ‘  ’  …
    .. ..... ....... ..... ..... ....... .#.# .#.# .# .# .....
    .. ..... ....... ..... ..#.. ....... #.#. .#.# #. .# .....
    .. ..... ....... ..... ..#.. ....#.. #.#. #.#. #. #. .....
    ## ..... ....... ##### ##### .....#. .... .... .. .. .....
    ## ##### ####### ..... ..#.. ####### .... .... .. .. .....
    .. ..... ....... ..... ..#.. .....#. .... .... .. .. .....
    .. ..... ....... ..... ##### ....#.. .... .... .. .. #.#.#
    .. ..... ....... ..... ..... ....... .... .... .. .. .....
    .. ..... ....... ..... ..... ....... .... .... .. .. .....
    """#
}
