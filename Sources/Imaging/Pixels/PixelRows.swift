/// Pixels somewhere in memory, owned by someone else. `[H, W, C]` with `C` = 1 or 3.
struct PixelRows {
  var first: UnsafePointer<UInt8>
  /// Bytes from one row to the next.
  var stride: Int
  var width: Int
  var height: Int
  var channels: Int
  /// Bytes that may be read from `first` on.
  var readable: Int

  /// The pixels inside a rectangle.
  func cropped(to part: PixelRectangle) -> PixelRows {
    var rows = self
    let skipped = part.y * stride + part.x * channels
    rows.first += skipped
    rows.readable -= skipped
    rows.width = part.width
    rows.height = part.height
    return rows
  }
}
