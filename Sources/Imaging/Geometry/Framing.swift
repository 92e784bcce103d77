/// Where each pixel of an output comes from: the image's rectangle (`x`, `y`, `width`, `height`) is
/// resized to `resized`, and the output is the window of that at `origin`, which reflects where it
/// reaches outside.
struct Framing: Hashable {
  var x = 0.0
  var y = 0.0
  var width: Double
  var height: Double
  /// Pixels that may be read.
  var bounds: PixelRectangle
  var resized: PixelSize
  var origin = (x: 0, y: 0)
  var flipped = false

  /// The rectangle, and nothing around it, resized to the output.
  init(_ rectangle: PixelRectangle, to output: PixelSize) {
    x = Double(rectangle.x)
    y = Double(rectangle.y)
    width = Double(rectangle.width)
    height = Double(rectangle.height)
    bounds = rectangle
    resized = output
  }

  static func == (a: Framing, b: Framing) -> Bool {
    (a.x, a.y, a.width, a.height) == (b.x, b.y, b.width, b.height) && a.bounds == b.bounds
      && a.resized == b.resized && a.origin == b.origin && a.flipped == b.flipped
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(bounds)
    hasher.combine(resized)
  }

  /// The axes for a picture that is decoded at `eighths` eighths of its sides to `scaled`.
  func axes(
    output: PixelSize, eighths: Int, scaled: PixelSize, kernel: ResamplingKernel
  ) -> (columns: ResamplingAxis, rows: ResamplingAxis) {
    let scale = Double(eighths) / 8
    func limit(_ low: Int, _ high: Int, _ end: Int) -> Range<Int> {
      let lower = min(low * eighths / 8, end - 1)
      return lower..<max(min((high * eighths + 7) / 8, end), lower + 1)
    }
    let across = origin.x..<origin.x + output.width
    let columns = ResamplingAxis(
      start: x * scale, length: width * scale, resized: resized.width,
      outputs: flipped ? Array(across.reversed()) : Array(across),
      bounds: limit(bounds.x, bounds.maxX, scaled.width), kernel: kernel)
    let rows = ResamplingAxis(
      start: y * scale, length: height * scale, resized: resized.height,
      outputs: origin.y..<origin.y + output.height,
      bounds: limit(bounds.y, bounds.maxY, scaled.height), kernel: kernel)
    return (columns, rows)
  }

  /// The smallest of 8, 4, 2 and 1 eighths at which no output pixel has less than one pixel to be
  /// made from.
  var sufficientEighths: Int {
    for eighths in [1, 2, 4] {
      let scale = Double(eighths) / 8
      if width * scale >= Double(resized.width), height * scale >= Double(resized.height) {
        return eighths
      }
    }
    return 8
  }
}
