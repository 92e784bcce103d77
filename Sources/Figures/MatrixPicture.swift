public import Imaging

/// A picture of a table of counts, such as a confusion matrix: each row's cells are the darker, the
/// larger their part of the row.
///
/// Small tables have their cells' parts written in them, in percent; of tables of more than 960
/// rows several share a pixel. Equal tables give equal bytes.
public struct MatrixPicture: Hashable, Sendable {
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

  /// The picture as a PNG file.
  public func encodedAsPNG(compression: Int = 6) throws(ImageError) -> [UInt8] {
    try image().encodedAsPNG(compression: compression)
  }

  /// The picture, RGB.
  public func image() -> ByteImage {
    let layout = Layout(self)
    var canvas = Canvas(
      width: layout.width, height: layout.height, color: PictureSheet.Paint.paper)
    layout.drawText(of: self, on: &canvas)
    let parts = layout.parts(of: self)
    for row in 0..<layout.cells {
      for column in 0..<layout.cells {
        let place = layout.place(row, column)
        guard let part = parts[row * layout.cells + column] else {
          canvas.fill(place, color: Self.empty)
          continue
        }
        canvas.fill(place, color: Self.color(of: part))
        if layout.writesParts { layout.write(part, in: place, on: &canvas) }
      }
    }
    canvas.outline(layout.frame, color: PictureSheet.Paint.rule)
    return canvas.image
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
    private let texts: [(text: String, y: Int, scale: Int)]

    private static let margin = 28
    private static let widest = 960
    private static let nameScale = 1
    /// The part that each field of the legend stands for.
    private static let legend = [0, 0.01, 0.05, 0.25, 0.5, 1]

    init(_ picture: MatrixPicture) {
      let count = picture.names.count
      group = (count + Self.widest - 1) / Self.widest
      cells = (count + group - 1) / group
      side = cells <= 12 ? 44 : cells <= 30 ? 30 : max(1, Self.widest / cells)
      let step = Self.step(side)
      let labels = stride(from: 0, to: cells, by: step).map { [group] in
        Self.label($0 * group, picture.names)
      }
      let widestName = labels.map { BitmapFont.width(of: $0, scale: Self.nameScale) }
      left = Self.margin + min(widestName.max() ?? 0, 240) + 8
      let table = cells * side
      let content = left - Self.margin + max(table, 200)
      var texts: [(text: String, y: Int, scale: Int)] = []
      var y = Self.margin
      func add(_ paragraph: String, scale: Int) {
        for line in BitmapFont.lines(of: paragraph, width: content, scale: scale) {
          texts.append((line, y, scale))
          y += BitmapFont.lineHeight * scale
        }
      }
      if !picture.title.isEmpty {
        add(picture.title, scale: 3)
        y += 12
      }
      y += BitmapFont.lineHeight
      top = y
      y += table + 16 + 14 + BitmapFont.lineHeight + 12
      for paragraph in picture.footer { add(paragraph, scale: 2) }
      self.texts = texts
      width = Self.margin + content + Self.margin
      height = y + Self.margin - 12
    }

    /// Every how manieth row is named, so that names stay apart.
    private static func step(_ side: Int) -> Int { (BitmapFont.lineHeight + side - 1) / side }

    private static func label(_ row: Int, _ names: [String]) -> String {
      names[row] == "\(row)" ? names[row] : "\(row) \(names[row])"
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

    func drawText(of picture: MatrixPicture, on canvas: inout Canvas) {
      for line in texts {
        let color = line.scale == 3 ? PictureSheet.Paint.ink : PictureSheet.Paint.note
        canvas.draw(line.text, x: Layout.margin, y: line.y, color: color, scale: line.scale)
      }
      let step = Layout.step(side)
      for row in stride(from: 0, to: cells, by: step) {
        let name = Layout.fitted(Layout.label(row * group, picture.names))
        let x = left - 8 - BitmapFont.width(of: name, scale: Layout.nameScale)
        let y = top + row * side + max(0, (side - BitmapFont.height) / 2)
        canvas.draw(name, x: x, y: y, color: PictureSheet.Paint.ink)
      }
      var right = 0
      for column in 0..<cells {
        let number = String(column * group)
        let width = BitmapFont.width(of: number)
        let x = left + column * side + (side - width) / 2
        guard x >= right || column == 0 else { continue }
        canvas.draw(number, x: x, y: top - BitmapFont.lineHeight, color: PictureSheet.Paint.note)
        right = x + width + 6
      }
      drawLegend(on: &canvas)
    }

    private func drawLegend(on canvas: inout Canvas) {
      let y = top + cells * side + 16
      for (i, part) in Layout.legend.enumerated() {
        let place = PixelRectangle(x: left + i * 32, y: y, width: 32, height: 14)
        canvas.fill(place, color: MatrixPicture.color(of: part))
        let text = "\(Int((part * 100).rounded())) %"
        let x = place.x + (32 - BitmapFont.width(of: text)) / 2
        canvas.draw(text, x: x, y: y + 17, color: PictureSheet.Paint.note)
      }
      let bar = PixelRectangle(x: left, y: y, width: 32 * Layout.legend.count, height: 14)
      canvas.outline(bar, color: PictureSheet.Paint.rule)
    }

    func write(_ part: Double, in place: PixelRectangle, on canvas: inout Canvas) {
      let percent = Int((part * 100).rounded())
      guard part > 0 else { return }
      let text = percent == 0 ? "<1" : String(percent)
      let scale = side >= 44 ? 2 : 1
      let x = place.x + (side - BitmapFont.width(of: text, scale: scale)) / 2
      let y = place.y + (side - BitmapFont.ascent * scale) / 2
      let color = part > 0.2 ? PixelColor.white : PictureSheet.Paint.ink
      canvas.draw(text, x: x, y: y, color: color, scale: scale)
    }

    /// A name cut to what there is room for.
    private static func fitted(_ name: String) -> String {
      var name = name
      guard BitmapFont.width(of: name, scale: nameScale) > 240 else { return name }
      while !name.isEmpty, BitmapFont.width(of: name + "…", scale: nameScale) > 240 {
        name.removeLast()
      }
      return name + "…"
    }
  }
}
