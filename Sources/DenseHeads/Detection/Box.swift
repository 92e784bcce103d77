// Coordinates are continuous: pixel i covers [i, i + 1).

/// A rectangle, `x0` to `x1` from left to right and `y0` to `y1` downwards.
public struct Box: Hashable, Sendable {
  /// The left edge.
  public var x0: Float
  /// The upper edge.
  public var y0: Float
  /// The right edge.
  public var x1: Float
  /// The lower edge.
  public var y1: Float

  /// Creates a box of its edges.
  public init(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float) {
    (self.x0, self.y0, self.x1, self.y1) = (x0, y0, x1, y1)
  }

  /// From the left to the right edge.
  public var width: Float { x1 - x0 }
  /// From the upper to the lower edge.
  public var height: Float { y1 - y0 }
  /// Width times height, 0 of a box of no size.
  public var area: Float { max(width, 0) * max(height, 0) }
  /// Whether all edges are numbers.
  public var isFinite: Bool { x0.isFinite && y0.isFinite && x1.isFinite && y1.isFinite }

  /// What two boxes share over what either covers, from 0 to 1; 0 where both have no size.
  public func overlap(with other: Box) -> Float {
    let width = min(x1, other.x1) - max(x0, other.x0)
    let height = min(y1, other.y1) - max(y0, other.y0)
    guard width > 0, height > 0 else { return 0 }
    let both = width * height
    return both / (area + other.area - both)
  }

  /// The part within a picture.
  public func clipped(width: Float, height: Float) -> Box {
    Box(
      min(max(x0, 0), width), min(max(y0, 0), height), min(max(x1, 0), width),
      min(max(y1, 0), height))
  }

  /// The box in a picture that is so many times as large.
  public func scaled(x: Float, y: Float) -> Box { Box(x0 * x, y0 * y, x1 * x, y1 * y) }
}
