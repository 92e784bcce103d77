/// Random changes of place that leave every pixel a pixel.
public struct RandomTurning: Codable, Hashable, Sendable {
  /// Probability of mirroring top to bottom.
  public var verticalFlip: Double
  /// Probability of a turn by 0°, 90°, 180° or 270°, each as likely; examples are square then.
  public var rotate90: Double

  /// Creates changes; what is left out is off.
  public init(verticalFlip: Double = 0, rotate90: Double = 0) {
    self.verticalFlip = verticalFlip
    self.rotate90 = rotate90
  }

  /// What is wrong with the values, each as the field's path and a sentence.
  var problems: [(path: String, message: String)] {
    [("verticalFlip", verticalFlip), ("rotate90", rotate90)]
      .filter { !(0...1).contains($0.1) }
      .map { ($0.0, "is \($0.1); expected a probability between 0 and 1") }
  }

  /// Draws a vertical flip, then a turn by quarters of a circle, counter-clockwise; nil where nothing
  /// is changed.
  func draw(using random: inout SampleRandom) -> ImageOrientation? {
    let isFlipped = verticalFlip > 0 && random.uniform() < verticalFlip
    let isTurned = rotate90 > 0 && random.uniform() < rotate90
    switch (isTurned ? random.integer(below: 4) : 0, isFlipped) {
    case (0, false): return nil
    case (1, false): return .rotated270
    case (2, false): return .rotated180
    case (_, false): return .rotated90
    case (0, true): return .flippedVertically
    case (1, true): return .transversed
    case (2, true): return .flippedHorizontally
    case (_, true): return .transposed
    }
  }
}

extension ImageOrientation {
  /// Turns an example in place. `[C, H, W]`
  ///
  /// - Precondition: The example is square where its sides change places.
  func apply<Value>(to planes: UnsafeMutablePointer<Value>, channels: Int, size: PixelSize) {
    let (width, height) = (size.width, size.height)
    precondition(width == height || !swapsSides, "an example of \(size) turned by 90°")
    let count = width * height
    let source = UnsafeMutablePointer<Value>.allocate(capacity: count)
    defer { source.deallocate() }
    // Stored positions are linear in shown ones.
    func place(_ x: Int, _ y: Int) -> Int {
      let stored = stored(x: x, y: y, in: size)
      return stored.y * width + stored.x
    }
    let start = place(0, 0)
    let (perColumn, perRow) = (place(1, 0) - start, place(0, 1) - start)
    for c in 0..<channels {
      let plane = planes + c * count
      source.initialize(from: plane, count: count)
      for y in 0..<height {
        var from = start + y * perRow
        for x in 0..<width {
          plane[y * width + x] = source[from]
          from += perColumn
        }
      }
    }
  }
}
