public import Imaging

extension ByteImage {
  /// The image with its hidden patches painted over: what the encoder saw.
  ///
  /// - Parameters:
  ///   - visible: whether each patch was seen, row by row; `rows × columns` values.
  ///   - rows: patches from top to bottom.
  ///   - columns: patches from left to right.
  ///   - color: paint. A colour that is not gray makes an RGB image of a gray one.
  /// - Precondition: `rows` divides the height and `columns` the width.
  public func masked(
    visible: [Bool], rows: Int, columns: Int, color: PixelColor = .hiddenPatch
  ) -> ByteImage {
    var result = color.isGray ? self : converted(toChannels: 3)
    let bytes = color.bytes(channels: result.channels)
    let paint = Array(repeatElement(bytes, count: width / max(1, columns)).joined())
    result.forEachRow(ofPatches: visible.map(!), rows: rows, columns: columns) { image, range in
      image.pixels.replaceSubrange(range, with: paint)
    }
    return result
  }

  /// The image with the visible patches of another put over it: a reconstruction beside what the
  /// model was given.
  ///
  /// - Parameters:
  ///   - original: an image of the same size and channels.
  ///   - visible: whether each patch is taken from `original`, row by row; `rows × columns` values.
  ///   - rows: patches from top to bottom.
  ///   - columns: patches from left to right.
  /// - Precondition: `rows` divides the height and `columns` the width.
  public func pasted(
    with original: ByteImage, visible: [Bool], rows: Int, columns: Int
  ) -> ByteImage {
    precondition(
      (width, height, channels) == (original.width, original.height, original.channels),
      "patches of \(original.width)×\(original.height)×\(original.channels) do not fit an image"
        + " of \(width)×\(height)×\(channels)")
    var result = self
    result.forEachRow(ofPatches: visible, rows: rows, columns: columns) { image, range in
      image.pixels.replaceSubrange(range, with: original.pixels[range])
    }
    return result
  }

  /// Calls `body` with the bytes of each row of pixels of the chosen patches.
  private mutating func forEachRow(
    ofPatches chosen: [Bool], rows: Int, columns: Int,
    _ body: (_ image: inout ByteImage, _ range: Range<Int>) -> Void
  ) {
    precondition(
      rows >= 1 && columns >= 1 && height % rows == 0 && width % columns == 0,
      "an image of \(width)×\(height) has no grid of \(columns)×\(rows) equal patches")
    precondition(
      chosen.count == rows * columns,
      "\(chosen.count) patches; a grid of \(columns)×\(rows) has \(rows * columns)")
    let tall = height / rows
    let bytes = width / columns * channels
    for patch in chosen.indices where chosen[patch] {
      let (row, column) = patch.quotientAndRemainder(dividingBy: columns)
      for y in row * tall..<(row + 1) * tall {
        let start = y * width * channels + column * bytes
        body(&self, start..<start + bytes)
      }
    }
  }
}
