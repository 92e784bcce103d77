/// A rectangle of whole pixels; `x` and `y` are its left and top.
public struct PixelRectangle: Hashable, Sendable, CustomStringConvertible {
  /// The leftmost column.
  public var x: Int
  /// The topmost row.
  public var y: Int
  /// Columns.
  public var width: Int
  /// Rows.
  public var height: Int

  /// Creates a rectangle; without an origin, at the top left.
  public init(x: Int = 0, y: Int = 0, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// One past the rightmost column.
  public var maxX: Int { x + width }
  /// One past the bottom row.
  public var maxY: Int { y + height }

  /// Whether every pixel of `other` is in this rectangle.
  public func contains(_ other: PixelRectangle) -> Bool {
    other.x >= x && other.y >= y && other.maxX <= maxX && other.maxY <= maxY
      && other.width >= 1 && other.height >= 1
  }

  /// Width × height and the origin.
  public var description: String { "\(width)×\(height) at (\(x), \(y))" }
}

/// The size of an image.
public struct PixelSize: Codable, Hashable, Sendable, CustomStringConvertible {
  /// Columns.
  public var width: Int
  /// Rows.
  public var height: Int

  /// Creates a size.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// Width × height.
  public var description: String { "\(width)×\(height)" }
}
