public import Imaging

/// A table of pictures with headings, as in the figures of the paper: one row for each image, and
/// columns such as *original*, *seen* and *reconstruction* in groups such as *75 % hidden*.
///
/// Small images are enlarged by a whole factor, so that their pixels stay squares; images of more
/// than 224 pixels are shown smaller. Equal sheets give equal bytes.
///
/// ```swift
/// let sheet = PictureSheet(
///   title: "Reconstructions",
///   groups: [
///     .init(columns: ["original"]),
///     .init("75 % hidden", columns: ["seen", "reconstruction", "+ seen"]),
///   ],
///   rows: [.init("cat.jpg", tiles: [original, seen, reconstruction, pasted])],
///   footer: [PictureSheet.inventedNotice])
/// try Data(sheet.encoded(as: .svg)).write(to: url)
/// ```
public struct PictureSheet: Figure, Hashable, Sendable {
  /// Columns that stand together.
  public struct Group: Hashable, Sendable {
    /// What stands above the columns' headings; nothing where it is empty.
    public var heading: String
    /// One heading for each column.
    public var columns: [String]

    /// Creates a group of columns.
    public init(_ heading: String = "", columns: [String]) {
      self.heading = heading
      self.columns = columns
    }
  }

  /// The pictures of one image.
  public struct Row: Hashable, Sendable {
    /// What stands below the pictures; nothing where it is empty.
    public var caption: String
    /// One picture for each column of the sheet, gray or RGB.
    public var tiles: [ByteImage]

    /// Creates a row.
    public init(_ caption: String = "", tiles: [ByteImage]) {
      self.caption = caption
      self.tiles = tiles
    }
  }

  /// The sheet's first line; nothing where it is empty.
  public let title: String
  /// The columns from left to right.
  public let groups: [Group]
  /// The rows from top to bottom.
  public let rows: [Row]
  /// Paragraphs below the pictures.
  public let footer: [String]

  /// Creates a sheet. Text that is wider than the sheet is wrapped.
  ///
  /// - Precondition: there is a column and a row, no group is without a column, and every row has
  ///   as many tiles as there are columns.
  public init(title: String = "", groups: [Group], rows: [Row], footer: [String] = []) {
    precondition(!groups.isEmpty, "a sheet without columns")
    precondition(groups.allSatisfy { !$0.columns.isEmpty }, "a group without columns")
    precondition(!rows.isEmpty, "a sheet without rows")
    let columns = groups.reduce(0) { $0 + $1.columns.count }
    for row in rows {
      precondition(
        row.tiles.count == columns,
        "a row of \(row.tiles.count) tiles; the sheet has \(columns) columns")
    }
    self.title = title
    self.groups = groups
    self.rows = rows
    self.footer = footer
  }

  /// What has to be said of every reconstruction.
  public static let inventedNotice =
    "Reconstructed patches are invented by the model; they are not part of the photograph."
  /// What has to be said of the reconstructions of a model trained on normalised pixels.
  public static let normalizedTargetNotice =
    "The model predicts normalised pixels: each patch's mean and deviation were taken from the"
    + " original."
}

extension PictureSheet {
  /// The size of the picture.
  public var size: PixelSize { SheetLayout(self).size }

  /// Where each tile is in the picture, by row and column.
  public var tileRectangles: [[PixelRectangle]] {
    let layout = SheetLayout(self)
    return rows.indices.map { row in
      rows[row].tiles.indices.map { layout.tile(row: row, column: $0) }
    }
  }

  /// Everything that is drawn.
  public var drawing: Drawing {
    let layout = SheetLayout(self)
    let headings = groups.flatMap { group in
      group.columns.map { [group.heading, $0].filter { !$0.isEmpty }.joined(separator: ", ") }
    }
    var elements = layout.texts.map(Drawing.Element.text)
    elements += layout.rules.map { .fill($0, Paint.rule) }
    for (row, content) in rows.enumerated() {
      for (column, tile) in content.tiles.enumerated() {
        let place = layout.tile(row: row, column: column)
        let frame = PixelRectangle(
          x: place.x - 1, y: place.y - 1, width: place.width + 2, height: place.height + 2)
        let note = [content.caption, headings[column]].filter { !$0.isEmpty }
        elements += [
          .picture(tile, place, note: note.joined(separator: ": ")), .outline(frame, Paint.frame),
        ]
      }
    }
    return Drawing(size: layout.size, title: title, paper: Paint.paper, elements)
  }

  /// The sheet's colours.
  enum Paint {
    static let paper = PixelColor.white
    static let ink = PixelColor(red: 26, green: 28, blue: 33)
    static let note = PixelColor(red: 96, green: 101, blue: 112)
    static let rule = PixelColor(red: 176, green: 181, blue: 190)
    static let frame = PixelColor(red: 214, green: 217, blue: 223)
  }
}
