import Imaging

/// Where everything of a `PictureSheet` is.
///
///     title
///                 ── 75 % hidden ──────────────────   ── 85 % hidden …
///     original    seen    reconstruction    + seen    seen …
///     ┌──────┐    ┌──────┐     ┌──────┐    ┌──────┐
///     └──────┘    └──────┘     └──────┘    └──────┘
///     caption
///     footer
struct SheetLayout {
  /// Measures in pixels.
  enum Measure {
    static let margin = 28
    static let columnGap = 12
    static let groupGap = 36
    static let rowGap = 14
    /// Below a caption, so that it is nearer to its own pictures than to the next.
    static let captionGap = 22
    static let sectionGap = 24
    static let tileSide = 112...224
    /// Enlarged tiles together take about as many columns, where `tileSide` allows it.
    static let comfortableWidth = 1400
    /// Text is not squeezed into less.
    static let narrowest = 420
    static let titleFont = TextFont(size: 26, weight: .semibold)
    static let headingFont = TextFont(size: 17, weight: .semibold)
    static let textFont = TextFont(size: 17)
  }

  private(set) var size = PixelSize(width: 0, height: 0)
  private(set) var texts: [Drawing.Text] = []
  private(set) var rules: [PixelRectangle] = []
  /// Enlargement of the tiles that are not shown smaller.
  let factor: Int

  private let shownSizes: [[PixelSize]]
  private let cellWidth: Int
  private var columnStarts: [Int] = []
  private var rowStarts: [Int] = []

  init(_ sheet: PictureSheet) {
    let factor = Self.factor(of: sheet)
    self.factor = factor
    shownSizes = sheet.rows.map { row in
      row.tiles.map { Self.shownSize(of: $0, factor: factor) }
    }
    let widestTile = shownSizes.joined().reduce(1) { max($0, $1.width) }
    let headings = sheet.groups.flatMap(\.columns)
    let widestHeading = headings.reduce(1) { max($0, Measure.textFont.width(of: $1)) }
    cellWidth = max(widestTile, widestHeading)

    let right = placeColumns(sheet.groups)
    let content = max(right - Measure.margin, Measure.narrowest)
    var y = Measure.margin
    placeTitle(sheet.title, width: content, y: &y)
    placeHeadings(sheet.groups, y: &y)
    placeRows(sheet.rows, width: content, y: &y)
    placeFooter(sheet.footer, width: content, y: &y)
    size = PixelSize(width: content + 2 * Measure.margin, height: y + Measure.margin)
  }

  /// The place of a tile: in the middle of its column, at the top of its row.
  func tile(row: Int, column: Int) -> PixelRectangle {
    let shown = shownSizes[row][column]
    return PixelRectangle(
      x: columnStarts[column] + (cellWidth - shown.width) / 2, y: rowStarts[row],
      width: shown.width, height: shown.height)
  }
}

// MARK: sizes of tiles

extension SheetLayout {
  /// The enlargement that makes the largest of the small images fill its place.
  static func factor(of sheet: PictureSheet) -> Int {
    let sides = sheet.rows.lazy.flatMap(\.tiles).map { max($0.width, $0.height) }
    let largest = sides.reduce(0) { $1 <= Measure.tileSide.upperBound ? max($0, $1) : $0 }
    let columns = sheet.groups.reduce(0) { $0 + $1.columns.count }
    return factor(side: largest, columns: columns)
  }

  /// The enlargement of an image of `side` pixels on a sheet of so many columns: as large as the
  /// sheet's width allows, and no smaller than 112 pixels where 224 allow that.
  static func factor(side: Int, columns: Int) -> Int {
    guard side >= 1 else { return 1 }
    let (least, most) = (Measure.tileSide.lowerBound, Measure.tileSide.upperBound)
    let wanted = min(max(Measure.comfortableWidth / columns, least), most)
    var factor = max(1, wanted / side)
    while side * factor < least, side * (factor + 1) <= most { factor += 1 }
    return factor
  }

  private static func shownSize(of tile: ByteImage, factor: Int) -> PixelSize {
    let side = max(tile.width, tile.height)
    let most = Measure.tileSide.upperBound
    guard side > most else {
      return PixelSize(width: tile.width * factor, height: tile.height * factor)
    }
    func shrunk(_ length: Int) -> Int { max(1, (length * most + side / 2) / side) }
    return PixelSize(width: shrunk(tile.width), height: shrunk(tile.height))
  }
}

// MARK: places

extension SheetLayout {
  private static func width(_ group: PictureSheet.Group, cell: Int) -> Int {
    let columns = group.columns.count * (cell + Measure.columnGap) - Measure.columnGap
    return max(columns, Measure.headingFont.width(of: group.heading))
  }

  /// Places the columns; the result is the right edge of the last.
  private mutating func placeColumns(_ groups: [PictureSheet.Group]) -> Int {
    var x = Measure.margin
    for group in groups {
      let width = Self.width(group, cell: cellWidth)
      let step = cellWidth + Measure.columnGap
      let inset = (width - (group.columns.count * step - Measure.columnGap)) / 2
      columnStarts += group.columns.indices.map { x + inset + $0 * step }
      x += width + Measure.groupGap
    }
    return x - Measure.groupGap
  }

  private mutating func placeTitle(_ title: String, width: Int, y: inout Int) {
    guard !title.isEmpty else { return }
    place(
      [title], x: Measure.margin, width: width, color: PictureSheet.Paint.ink,
      font: Measure.titleFont, y: &y)
    y += Measure.sectionGap
  }

  private mutating func placeHeadings(_ groups: [PictureSheet.Group], y: inout Int) {
    if groups.contains(where: { !$0.heading.isEmpty }) {
      let font = Measure.headingFont
      var x = Measure.margin
      for group in groups {
        let width = Self.width(group, cell: cellWidth)
        if !group.heading.isEmpty {
          center(
            group.heading, x: x, width: width, y: y, color: PictureSheet.Paint.ink, font: font)
          rules.append(PixelRectangle(x: x, y: y + font.height + 4, width: width, height: 1))
        }
        x += width + Measure.groupGap
      }
      y += font.height + 12
    }
    let headings = groups.flatMap(\.columns)
    guard headings.contains(where: { !$0.isEmpty }) else { return }
    let font = Measure.textFont
    for (start, heading) in zip(columnStarts, headings) {
      center(
        heading, x: start, width: cellWidth, y: y, color: PictureSheet.Paint.note, font: font)
    }
    y += font.height + 5
  }

  private mutating func placeRows(_ rows: [PictureSheet.Row], width: Int, y: inout Int) {
    for (row, sizes) in zip(rows, shownSizes) {
      rowStarts.append(y)
      y += sizes.reduce(0) { max($0, $1.height) }
      if !row.caption.isEmpty {
        y += 7
        place(
          [row.caption], x: Measure.margin, width: width, color: PictureSheet.Paint.note,
          font: Measure.textFont, y: &y)
      }
      y += row.caption.isEmpty ? Measure.rowGap : Measure.captionGap
    }
    y -= rows[rows.count - 1].caption.isEmpty ? Measure.rowGap : Measure.captionGap
  }

  private mutating func placeFooter(_ footer: [String], width: Int, y: inout Int) {
    guard !footer.isEmpty else { return }
    y += Measure.sectionGap
    rules.append(PixelRectangle(x: Measure.margin, y: y, width: width, height: 1))
    y += Measure.rowGap
    place(
      footer, x: Measure.margin, width: width, color: PictureSheet.Paint.note,
      font: Measure.textFont, y: &y)
  }

  /// Places wrapped paragraphs and moves `y` below the last line's letters.
  private mutating func place(
    _ paragraphs: [String], x: Int, width: Int, color: PixelColor, font: TextFont, y: inout Int
  ) {
    for paragraph in paragraphs {
      for line in font.lines(of: paragraph, width: width) {
        texts.append(Drawing.Text(line, x: x, y: y, font: font, color: color))
        y += font.lineHeight
      }
    }
    y -= font.lineHeight - font.height
  }

  private mutating func center(
    _ text: String, x: Int, width: Int, y: Int, color: PixelColor, font: TextFont
  ) {
    let left = x + (width - font.width(of: text)) / 2
    texts.append(Drawing.Text(text, x: left, y: y, font: font, color: color))
  }
}
