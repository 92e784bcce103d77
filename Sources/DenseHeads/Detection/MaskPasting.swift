/// A mask within a picture: pixels of a rectangle, row by row; all others are empty.
public struct PastedMask: Hashable, Sendable {
  /// The rectangle's left column.
  public let x: Int
  /// Its upper row.
  public let y: Int
  /// Its columns.
  public let width: Int
  /// Its rows.
  public let height: Int
  /// Whether each pixel is covered.
  public let pixels: [Bool]

  /// Puts a mask of a box into a picture: a pixel is covered where the mask, interpolated bilinearly at
  /// the pixel's centre and 0 outside, is at least one half.
  ///
  /// - Parameters:
  ///   - mask: Shares from 0 to 1 of `side` × `side` cells of the box, row by row.
  ///   - box: In pixels of the picture.
  ///   - width: Of the picture.
  ///   - height: Of the picture.
  public init(
    _ mask: [Float], side: Int, in box: Box, width: Int, height: Int, threshold: Float = 0.5
  ) {
    precondition(mask.count == side * side, "\(mask.count) values are no mask of \(side) cells")
    func span(_ from: Float, _ to: Float, _ size: Int) -> Range<Int> {
      let low = min(max(Int(from.rounded(.down)) - 1, 0), size)
      return low..<max(low, min(Int(to.rounded(.up)) + 1, size))
    }
    let (columns, rows) = (span(box.x0, box.x1, width), span(box.y0, box.y1, height))
    (x, y) = (columns.lowerBound, rows.lowerBound)
    (self.width, self.height) = (columns.count, rows.count)
    /// Two cells of an axis and the share of the second, for each pixel.
    func places(
      _ pixels: Range<Int>, _ from: Float, _ length: Float
    ) -> [(low: Int, share: Float)] {
      pixels.map { pixel in
        // In cells, counted from the first one's centre.
        let place = (Float(pixel) + 0.5 - from) / length * Float(side) - 0.5
        let low = place.rounded(.down)
        return (Int(max(-2, min(low, Float(side)))), place - low)
      }
    }
    let across = places(columns, box.x0, box.width)
    let down = places(rows, box.y0, box.height)
    var pixels = [Bool](repeating: false, count: columns.count * rows.count)
    mask.withUnsafeBufferPointer { mask in
      func cell(_ row: Int, _ column: Int) -> Float {
        row >= 0 && row < side && column >= 0 && column < side ? mask[row * side + column] : 0
      }
      for (row, y) in down.enumerated() {
        for (column, x) in across.enumerated() {
          let upper =
            cell(y.low, x.low) * (1 - x.share) + cell(y.low, x.low + 1) * x.share
          let lower =
            cell(y.low + 1, x.low) * (1 - x.share) + cell(y.low + 1, x.low + 1) * x.share
          pixels[row * columns.count + column] =
            upper * (1 - y.share) + lower * y.share >= threshold
        }
      }
    }
    self.pixels = pixels
  }
}
