import FileSystem
public import Imaging

/// A figure as a list of what is drawn, the last on top: pixels or an SVG file are made of it.
///
/// Equal drawings give equal files where the same fonts are installed; those whose characters are
/// Latin, Greek or Cyrillic everywhere.
public struct Drawing: Hashable, Sendable {
  /// A line of text.
  public struct Text: Hashable, Sendable {
    /// What is written.
    public var string: String
    /// Pixels from the left to the text.
    public var x: Int
    /// Pixels from the top to the top of its capitals.
    public var y: Int
    /// Size and weight.
    public var font: TextFont
    /// Colour of the letters.
    public var color: PixelColor

    /// Describes a line of text.
    public init(_ string: String, x: Int, y: Int, font: TextFont, color: PixelColor = .black) {
      self.string = string
      self.x = x
      self.y = y
      self.font = font
      self.color = color
    }
  }

  /// What can be drawn.
  public enum Element: Hashable, Sendable {
    /// A rectangle of one colour; the note is what an SVG file shows of it under the pointer.
    case fill(PixelRectangle, PixelColor, note: String = "")
    /// The edge of a rectangle, one pixel wide, inside of it.
    case outline(PixelRectangle, PixelColor)
    /// A picture that fills a rectangle: of squares where it is enlarged by a whole factor, else
    /// resampled. The note says what it is, to those who cannot see it.
    case picture(ByteImage, PixelRectangle, note: String = "")
    /// A line of text.
    case text(Text)
  }

  /// Pixels from left to right and from top to bottom.
  public let size: PixelSize
  /// What the figure is called; empty for none.
  public let title: String
  /// The colour below everything.
  public let paper: PixelColor
  /// What is drawn, from the bottom to the top.
  public var elements: [Element]

  /// Creates a drawing.
  ///
  /// - Precondition: the sides are at least 1.
  public init(
    size: PixelSize, title: String = "", paper: PixelColor = .white, _ elements: [Element] = []
  ) {
    precondition(size.width >= 1 && size.height >= 1, "a drawing of \(size) has no pixels")
    self.size = size
    self.title = title
    self.paper = paper
    self.elements = elements
  }

  /// The drawing in pixels, RGB.
  public func image() -> ByteImage {
    var canvas = Canvas(width: size.width, height: size.height, color: paper)
    for element in elements {
      switch element {
      case .fill(let place, let color, _): canvas.fill(place, color: color)
      case .outline(let place, let color): canvas.outline(place, color: color)
      case .picture(let picture, let place, _):
        if let factor = Self.factor(of: picture, in: place) {
          canvas.draw(picture, x: place.x, y: place.y, factor: factor)
        } else {
          canvas.draw(picture, in: place)
        }
      case .text(let text):
        canvas.draw(text.string, x: text.x, y: text.y, font: text.font, color: text.color)
      }
    }
    return canvas.image
  }

  /// The drawing as a file.
  ///
  /// - Throws: ``/Imaging/ImageError`` of kind `tooLarge` where the format does not hold as many pixels.
  public func encoded(as format: FigureFormat = .png) throws(ImageError) -> [UInt8] {
    switch format {
    case .png: try image().encodedAsPNG()
    case .jpeg: try image().encodedAsJPEG()
    case .webp: try image().encodedAsWebP()
    case .svg: Array(try svg().utf8)
    }
  }

  /// By how much a picture is enlarged to fill a place; nil where not by one whole factor.
  static func factor(of picture: ByteImage, in place: PixelRectangle) -> Int? {
    let factor = place.width / picture.width
    return factor >= 1 && factor * picture.width == place.width
      && factor * picture.height == place.height ? factor : nil
  }
}

/// Something that is drawn as one figure: a sheet of pictures, a table.
public protocol Figure {
  /// What is drawn.
  var drawing: Drawing { get }
}

extension Drawing: Figure {
  /// Itself.
  public var drawing: Drawing { self }
}

extension Figure {
  /// The figure in pixels, RGB.
  ///
  /// - Complexity: O(pixels of the picture), in time and in memory.
  public func image() -> ByteImage { drawing.image() }

  /// The figure as a PNG file.
  ///
  /// - Throws: `ImageError` where the picture is more than PNG takes: libpng's limit is a million
  ///   rows of pixels, about 4,000 rows of a sheet's tiles.
  public func encodedAsPNG() throws(ImageError) -> [UInt8] { try encoded(as: .png) }

  /// The figure as a file.
  ///
  /// - Throws: `ImageError` of kind `tooLarge` where the format does not hold as many pixels.
  public func encoded(as format: FigureFormat) throws(ImageError) -> [UInt8] {
    try drawing.encoded(as: format)
  }

  /// Writes the figure in the format that the name's ending says, PNG where it says none: a whole
  /// file or none, and the folders above it.
  ///
  /// - Throws: `ImageError` with the path; `FileError`.
  package func write(to path: String) throws {
    let bytes: [UInt8]
    do throws(ImageError) {
      bytes = try encoded(as: FigureFormat(path: path) ?? .png)
    } catch {
      throw ImageError(error.kind, name: path, error.reason)
    }
    try makeFolder(above: path)
    try replaceFile(at: path) { (file) throws(FileError) in try file.write(bytes) }
  }
}
