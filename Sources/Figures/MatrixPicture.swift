public import Imaging

/// A picture of a table of counts, such as a confusion matrix: each row's cells are the darker, the
/// larger their part of the row.
///
/// Small tables have their cells' parts written in them, in percent; of tables of more than 960
/// rows several share a pixel. Equal tables give equal bytes.
public struct MatrixPicture: Figure, Hashable, Sendable {
  /// The picture's first line; nothing where it is empty.
  public let title: String
  /// The names of the rows, and of the columns in the same order.
  public let names: [String]
  /// `counts[row · names + column]`.
  public let counts: [Int]
  /// What the rows and columns are, below the table.
  public let footer: [String]

  /// Creates a picture.
  ///
  /// - Precondition: there is a name, and the square of the number of names many counts, none
  ///   negative.
  public init(title: String = "", names: [String], counts: [Int], footer: [String] = []) {
    precondition(
      !names.isEmpty && counts.count == names.count * names.count,
      "\(counts.count) counts for a table of \(names.count) rows")
    precondition(counts.allSatisfy { $0 >= 0 }, "a negative count")
    self.title = title
    self.names = names
    self.counts = counts
    self.footer = footer
  }

  /// Everything that is drawn. In an SVG file a cell says its classes and count under the pointer,
  /// where cells are large enough to be pointed at.
  public var drawing: Drawing {
    let layout = Layout(self)
    let parts = layout.parts(of: self)
    var elements = layout.texts(of: self).map(Drawing.Element.text)
    elements += layout.writesParts ? cells(layout, parts) : [layout.picture(of: parts)]
    elements.append(.outline(layout.frame, PictureSheet.Paint.rule))
    elements += layout.legend
    return Drawing(
      size: PixelSize(width: layout.width, height: layout.height), title: title,
      paper: PictureSheet.Paint.paper, elements)
  }

  private func cells(_ layout: Layout, _ parts: [Double?]) -> [Drawing.Element] {
    parts.enumerated().flatMap { cell, part -> [Drawing.Element] in
      let (row, column) = cell.quotientAndRemainder(dividingBy: layout.cells)
      let place = layout.place(row, column)
      guard let part else { return [.fill(place, Self.empty, note: "\(names[row]): none")] }
      let percent = Int((part * 100).rounded())
      let note = "\(names[row]) → \(names[column]): \(counts[cell]), \(percent) %"
      return [.fill(place, Self.color(of: part), note: note)] + layout.written(part, in: place)
    }
  }

  /// Of a row without counts.
  static let empty = PixelColor(gray: 238)

  /// White for 0 to a dark blue for 1; of small parts differences show more.
  static func color(of part: Double) -> PixelColor {
    let depth = min(max(part, 0), 1).squareRoot()
    func channel(_ dark: Double) -> UInt8 { UInt8((255 - (255 - dark) * depth).rounded()) }
    return PixelColor(red: channel(8), green: channel(48), blue: channel(107))
  }
}

extension MatrixPicture {
  /// Where everything is.
  private struct Layout {
    /// Rows and columns that are drawn.
    let cells: Int
    /// Rows of the table in one drawn row.
    let group: Int
    /// Side of a cell in pixels.
    let side: Int
    let left: Int
    let top: Int
    let width: Int
    let height: Int
    private let lines: [Drawing.Text]

    private static let margin = 28
    private static let widest = 960
    private static let widestName = 260
    private static let titleFont = TextFont(size: 26, weight: .semibold)
    private static let textFont = TextFont(size: 17)
    private static let nameFont = TextFont(size: 13)
    /// The part that each field of the legend stands for, and the size of a field.
    private static let legendParts = [0, 0.01, 0.05, 0.25, 0.5, 1]
    private static let legendField = PixelSize(width: 44, height: 14)

    init(_ picture: MatrixPicture) {
      let count = picture.names.count
      group = (count + Self.widest - 1) / Self.widest
      cells = (count + group - 1) / group
      side = cells <= 12 ? 44 : cells <= 30 ? 30 : max(1, Self.widest / cells)
      let step = Self.step(side)
      let labels = stride(from: 0, to: cells, by: step).map { [group] in
        Self.label($0 * group, picture.names)
      }
      let widestLabel = labels.map { Self.nameFont.width(of: $0) }.max() ?? 0
      left = Self.margin + min(widestLabel, Self.widestName) + 10
      let table = cells * side
      let legend = Self.legendField.width * Self.legendParts.count
      let content = left - Self.margin + max(table, legend)
      var lines: [Drawing.Text] = []
      var y = Self.margin
      func add(_ paragraph: String, _ font: TextFont, _ color: PixelColor) {
        for line in font.lines(of: paragraph, width: content) {
          lines.append(.init(line, x: Self.margin, y: y, font: font, color: color))
          y += font.lineHeight
        }
      }
      if !picture.title.isEmpty {
        add(picture.title, Self.titleFont, PictureSheet.Paint.ink)
        y += 10
      }
      y += Self.nameFont.lineHeight
      top = y
      y += table + 16 + Self.legendField.height + Self.nameFont.lineHeight + 18
      for paragraph in picture.footer { add(paragraph, Self.textFont, PictureSheet.Paint.note) }
      self.lines = lines
      width = Self.margin + content + Self.margin
      height = y + Self.margin - 12
    }

    /// Every how manieth row is named, so that names stay apart.
    private static func step(_ side: Int) -> Int { (nameFont.lineHeight + side - 1) / side }

    private static func label(_ row: Int, _ names: [String]) -> String {
      names[row] == "\(row)" ? names[row] : "\(row)  \(names[row])"
    }

    var writesParts: Bool { side >= 30 }
    var frame: PixelRectangle {
      PixelRectangle(
        x: left - 1, y: top - 1, width: cells * side + 2, height: cells * side + 2)
    }

    func place(_ row: Int, _ column: Int) -> PixelRectangle {
      PixelRectangle(x: left + column * side, y: top + row * side, width: side, height: side)
    }

    /// For each drawn cell its part of its row; nil in a row without counts.
    func parts(of picture: MatrixPicture) -> [Double?] {
      let count = picture.names.count
      var sums = [Int](repeating: 0, count: cells * cells)
      for row in 0..<count {
        for column in 0..<count {
          sums[row / group * cells + column / group] += picture.counts[row * count + column]
        }
      }
      return (0..<cells).flatMap { row in
        let line = sums[row * cells..<(row + 1) * cells]
        let total = line.reduce(0, +)
        return line.map { total > 0 ? Double($0) / Double(total) : nil }
      }
    }

    /// Title, footer, the rows' names and the columns' numbers.
    func texts(of picture: MatrixPicture) -> [Drawing.Text] {
      var texts = lines
      let font = Self.nameFont
      for row in stride(from: 0, to: cells, by: Self.step(side)) {
        let name = font.fitted(
          Self.label(row * group, picture.names), width: Self.widestName)
        let x = left - 10 - font.width(of: name)
        let y = top + row * side + max(0, (side - font.ascent) / 2)
        texts.append(.init(name, x: x, y: y, font: font, color: PictureSheet.Paint.ink))
      }
      var right = 0
      for column in 0..<cells {
        let number = String(column * group)
        let width = font.width(of: number)
        let x = left + column * side + (side - width) / 2
        guard x >= right || column == 0 else { continue }
        texts.append(
          .init(
            number, x: x, y: top - font.height - 3, font: font, color: PictureSheet.Paint.note))
        right = x + width + 6
      }
      return texts
    }

    /// Cells too small to be written in, as one picture.
    func picture(of parts: [Double?]) -> Drawing.Element {
      let pixels = parts.flatMap { part in
        (part.map(MatrixPicture.color(of:)) ?? MatrixPicture.empty).bytes(channels: 3)
      }
      let image = ByteImage(width: cells, height: cells, channels: 3, pixels: pixels)
      return .picture(
        image, PixelRectangle(x: left, y: top, width: cells * side, height: cells * side))
    }

    /// What the colours stand for.
    var legend: [Drawing.Element] {
      let field = Self.legendField
      let y = top + cells * side + 16
      var elements = Self.legendParts.enumerated().flatMap { i, part -> [Drawing.Element] in
        let place = PixelRectangle(
          x: left + i * field.width, y: y, width: field.width, height: field.height)
        let text = "\(Int((part * 100).rounded())) %"
        let x = place.x + (field.width - Self.nameFont.width(of: text)) / 2
        return [
          .fill(place, MatrixPicture.color(of: part)),
          .text(
            .init(
              text, x: x, y: y + field.height + 5, font: Self.nameFont,
              color: PictureSheet.Paint.note)),
        ]
      }
      let bar = PixelRectangle(
        x: left, y: y, width: field.width * Self.legendParts.count, height: field.height)
      elements.append(.outline(bar, PictureSheet.Paint.rule))
      return elements
    }

    /// The part in percent, in the middle of its cell; nothing of 0.
    func written(_ part: Double, in place: PixelRectangle) -> [Drawing.Element] {
      guard part > 0 else { return [] }
      let percent = Int((part * 100).rounded())
      let text = percent == 0 ? "<1" : String(percent)
      let font = side >= 44 ? Self.textFont : Self.nameFont
      let x = place.x + (side - font.width(of: text)) / 2
      let y = place.y + (side - font.ascent) / 2
      let color = part > 0.2 ? PixelColor.white : PictureSheet.Paint.ink
      return [.text(.init(text, x: x, y: y, font: font, color: color))]
    }
  }
}
