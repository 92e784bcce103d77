/// The class of every pixel of a picture, row by row. `[H, W]`
public struct LabelMap: Hashable, Sendable {
  /// Pixels from left to right, `W`.
  public let width: Int
  /// Pixels from top to bottom, `H`.
  public let height: Int
  /// Number of the class of each pixel, or ``ignored``.
  public package(set) var labels: [UInt16]

  /// The label of pixels that are not learned from and not counted.
  public static let ignored: UInt16 = .max

  /// Creates a label map.
  ///
  /// - Precondition: the sides are at least 1, and there are `width × height` labels.
  public init(width: Int, height: Int, labels: [UInt16]) {
    precondition(width >= 1 && height >= 1, "a label map of \(width)×\(height) has no pixels")
    precondition(
      labels.count == width * height,
      "\(labels.count) labels of \(width)×\(height) pixels")
    self.width = width
    self.height = height
    self.labels = labels
  }

  /// Creates a label map of one label.
  public init(width: Int, height: Int, of label: UInt16) {
    self.init(
      width: width, height: height, labels: [UInt16](repeating: label, count: width * height))
  }

  /// The label of one pixel.
  public subscript(x: Int, y: Int) -> UInt16 {
    get { labels[y * width + x] }
    set { labels[y * width + x] = newValue }
  }

  /// The size.
  public var size: PixelSize { PixelSize(width: width, height: height) }

  /// The map mirrored left to right.
  public var flippedHorizontally: LabelMap {
    mapped(to: size) { x, y in (width - 1 - x, y) }
  }

  /// The map at another size, each label that of the nearest pixel by OpenCV's rule: pixel i comes
  /// from ⌊i · old / new⌋.
  public func resized(to size: PixelSize) -> LabelMap {
    let columns = Self.sources(size.width, of: width)
    let rows = Self.sources(size.height, of: height)
    return mapped(to: size) { x, y in (columns[x], rows[y]) }
  }

  /// OpenCV 4's `INTER_NEAREST`: the ratio as a double, times the place, rounded down.
  static func sources(_ count: Int, of length: Int) -> [Int] {
    let scale = 1 / (Double(count) / Double(length))
    return (0..<count).map { min(Int((Double($0) * scale).rounded(.down)), length - 1) }
  }

  /// The labels inside a rectangle.
  ///
  /// - Precondition: `rectangle` lies inside the map.
  public func cropped(to rectangle: PixelRectangle) -> LabelMap {
    precondition(
      PixelRectangle(width: width, height: height).contains(rectangle),
      "\(rectangle) is not inside a label map of \(width)×\(height)")
    return mapped(to: PixelSize(width: rectangle.width, height: rectangle.height)) { x, y in
      (x + rectangle.x, y + rectangle.y)
    }
  }

  /// The map turned upright as a picture is by its orientation.
  package func oriented(_ orientation: ImageOrientation) -> LabelMap {
    guard orientation != .upright else { return self }
    // By way of pictures: the low bytes and the high ones.
    func plane(_ shift: UInt16) -> ByteImage {
      ByteImage(
        width: width, height: height, channels: 1,
        pixels: labels.map { UInt8(truncatingIfNeeded: $0 >> shift) }
      ).oriented(orientation)
    }
    let (low, high) = (plane(0), plane(8))
    return LabelMap(
      width: low.width, height: low.height,
      labels: zip(low.pixels, high.pixels).map { UInt16($0) | UInt16($1) << 8 })
  }

  @inline(__always)
  private func mapped(to size: PixelSize, _ source: (Int, Int) -> (Int, Int)) -> LabelMap {
    var out: [UInt16] = []
    out.reserveCapacity(size.width * size.height)
    labels.withUnsafeBufferPointer { labels in
      for y in 0..<size.height {
        for x in 0..<size.width {
          let (column, row) = source(x, y)
          out.append(labels[row * width + column])
        }
      }
    }
    return LabelMap(width: size.width, height: size.height, labels: out)
  }

  /// How often each label occurs; ``ignored`` is among them.
  public var histogram: [UInt16: Int] {
    var counts = [Int](repeating: 0, count: Int(labels.max() ?? 0) + 1)
    for label in labels { counts[Int(label)] += 1 }
    var found: [UInt16: Int] = [:]
    for (label, count) in counts.enumerated() where count > 0 { found[UInt16(label)] = count }
    return found
  }

  /// Gives the pixels of a mask a label.
  ///
  /// - Precondition: the mask has the map's size.
  public mutating func set(_ label: UInt16, in mask: RunLengthMask) {
    precondition(mask.size == size, "a mask of \(mask.size) on a label map of \(size)")
    labels.withUnsafeMutableBufferPointer { labels in
      mask.forEachPixel { x, y in labels[y * width + x] = label }
    }
  }
}
