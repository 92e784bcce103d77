/// The shape of an object on a picture.
public enum ObjectShape: Hashable, Sendable {
  /// A box alone.
  case none
  /// Polygons, `x0, y0, x1, y1, …` each.
  case polygons([[Double]])
  /// The pixels of a mask of the picture's size.
  case mask(RunLengthMask)
}

/// An object on a picture.
public struct PictureObject: Hashable, Sendable {
  /// The number of its class.
  public var label: Int
  /// Left, top, width and height.
  public var box: SIMD4<Double>
  /// Its mask.
  public var shape: ObjectShape

  /// Creates an object.
  public init(label: Int, box: SIMD4<Double>, shape: ObjectShape) {
    self.label = label
    self.box = box
    self.shape = shape
  }
}

/// Large-scale jitter (Ghiasi et al., 2021, arXiv:2012.07177) as Detectron2 has it: the picture
/// fitted into a square times a random scale, a square cut out of that, flipped half of the time;
/// boxes, polygons and masks move with the pixels.
public struct LargeScaleJitter: Codable, Hashable, Sendable {
  /// Side of the result in pixels.
  public var side: Int
  /// Smallest scale.
  public var minScale: Double
  /// Largest scale.
  public var maxScale: Double
  /// Probability of mirroring left to right.
  public var flip: Double

  /// Creates a jitter; what is left out is ViTDet's: 1024 pixels, scales of 0.1 to 2.
  public init(side: Int = 1024, minScale: Double = 0.1, maxScale: Double = 2, flip: Double = 0.5) {
    self.side = side
    self.minScale = minScale
    self.maxScale = maxScale
    self.flip = flip
  }

  /// What was drawn for one picture.
  package struct Draw: Hashable, Sendable {
    package var scale: Double
    /// Where the part begins, as part of what is left over; one number for both axes.
    package var place: Double
    package var isFlipped: Bool
    package init(scale: Double, place: Double, isFlipped: Bool) {
      self.scale = scale
      self.place = place
      self.isFlipped = isFlipped
    }
  }

  /// A picture and its objects after the jitter.
  public struct Result: Hashable, Sendable {
    /// The picture, padded right and below to the square.
    public var image: ByteImage
    /// The part of the square that is picture.
    public var size: PixelSize
    /// The objects that are left.
    public var objects: [PictureObject]
  }

  /// Makes an example.
  ///
  /// - Parameter fill: the colour of the padding; black where it is empty.
  public func apply(
    _ image: ByteImage, _ objects: [PictureObject], fill: [UInt8] = [],
    using random: inout SampleRandom
  ) -> Result {
    let draw = Draw(
      scale: random.uniform(minScale, maxScale), place: random.uniform(),
      isFlipped: random.uniform() < flip)
    return apply(image, objects, fill: fill, draw)
  }

  /// Makes the example of what was drawn.
  package func apply(
    _ image: ByteImage, _ objects: [PictureObject], fill: [UInt8] = [], _ draw: Draw
  ) -> Result {
    let (width, height) = (Double(image.width), Double(image.height))
    let target = Double(side) * draw.scale
    let factor = min(target / height, target / width)
    func scaled(_ length: Double) -> Int {
      max(1, Int((length * factor).rounded(.toNearestOrEven)))
    }
    let resized = PixelSize(width: scaled(width), height: scaled(height))
    func start(_ length: Int) -> Int {
      Int((Double(max(0, length - side)) * draw.place).rounded(.toNearestOrEven))
    }
    let part = PixelRectangle(
      x: start(resized.width), y: start(resized.height), width: min(side, resized.width),
      height: min(side, resized.height))
    var picture = image.resized(to: resized, filter: .bilinear).cropped(to: part)
    if draw.isFlipped { picture = picture.flippedHorizontally }
    let move = Move(
      scale: (Double(resized.width) / width, Double(resized.height) / height), part: part,
      resized: resized, isFlipped: draw.isFlipped)
    return Result(
      image: picture.padded(to: PixelSize(width: side, height: side), fill: fill),
      size: PixelSize(width: part.width, height: part.height),
      objects: objects.compactMap(move.moved))
  }
}

/// Where an object's numbers go.
private struct Move {
  let scale: (x: Double, y: Double)
  let part: PixelRectangle
  let resized: PixelSize
  let isFlipped: Bool

  private var width: Double { Double(part.width) }
  private var height: Double { Double(part.height) }

  /// The object where it is now; nil where nothing of it is left.
  func moved(_ object: PictureObject) -> PictureObject? {
    var moved = object
    switch object.shape {
    case .none:
      let (left, top) = (object.box.x * scale.x, object.box.y * scale.y)
      let (right, bottom) = (
        (object.box.x + object.box.z) * scale.x, (object.box.y + object.box.w) * scale.y
      )
      let x0 = clamp(left - Double(part.x), width)
      let x1 = clamp(right - Double(part.x), width)
      let y0 = clamp(top - Double(part.y), height)
      let y1 = clamp(bottom - Double(part.y), height)
      let from = isFlipped ? width - x1 : x0
      moved.box = SIMD4(from, y0, x1 - x0, y1 - y0)
    case .polygons(let polygons):
      var kept: [[Double]] = []
      var bounds: (x0: Double, y0: Double, x1: Double, y1: Double)?
      for polygon in polygons {
        let points = stride(from: 0, to: polygon.count - 1, by: 2).map {
          (
            x: polygon[$0] * scale.x - Double(part.x), y: polygon[$0 + 1] * scale.y - Double(part.y)
          )
        }
        guard let clipped = Clipping(width: width, height: height).clipped(points) else { continue }
        kept.append(clipped.points.flatMap { [isFlipped ? width - $0.x : $0.x, $0.y] })
        let (x0, x1) =
          isFlipped
          ? (width - clipped.box.x1, width - clipped.box.x0) : (clipped.box.x0, clipped.box.x1)
        bounds =
          bounds.map {
            (
              min($0.x0, x0), min($0.y0, clipped.box.y0), max($0.x1, x1), max($0.y1, clipped.box.y1)
            )
          } ?? (x0, clipped.box.y0, x1, clipped.box.y1)
      }
      guard let bounds else { return nil }
      moved.shape = .polygons(kept)
      moved.box = SIMD4(bounds.x0, bounds.y0, bounds.x1 - bounds.x0, bounds.y1 - bounds.y0)
    case .mask(let mask):
      let cut = mask.moved(to: resized, part: part, isFlipped: isFlipped)
      guard let box = cut.box else { return nil }
      moved.shape = .mask(cut)
      moved.box = SIMD4(Double(box.x), Double(box.y), Double(box.width), Double(box.height))
    }
    return moved.box.z > 1e-5 && moved.box.w > 1e-5 ? moved : nil
  }

  private func clamp(_ value: Double, _ most: Double) -> Double { min(max(value, 0), most) }
}

extension RunLengthMask {
  /// A part of the mask at another size, each pixel that of the nearest (Pillow's rule: the pixel in
  /// which the middle lies).
  package func moved(
    to resized: PixelSize, part: PixelRectangle, isFlipped: Bool
  ) -> RunLengthMask {
    let own = pixels
    func sources(_ range: Range<Int>, _ count: Int, of length: Int) -> [Int] {
      let ratio = Double(length) / Double(count)
      return range.map { min(Int((Double($0) + 0.5) * ratio), length - 1) }
    }
    let columns = sources(part.x..<part.maxX, resized.width, of: width)
    let rows = sources(part.y..<part.maxY, resized.height, of: height)
    var cut: [UInt8] = []
    cut.reserveCapacity(part.width * part.height)
    for row in rows {
      let line = row * width
      if isFlipped {
        for column in columns.reversed() { cut.append(own[line + column]) }
      } else {
        for column in columns { cut.append(own[line + column]) }
      }
    }
    return RunLengthMask(width: part.width, height: part.height, pixels: cut)
  }
}

/// Cutting polygons to a rectangle at the origin.
private struct Clipping {
  typealias Point = (x: Double, y: Double)
  let width: Double
  let height: Double

  /// What of a polygon lies inside, and its box; nil where nothing does. Pieces that come apart stay
  /// one polygon, joined along the border by edges without an area (Sutherland and Hodgman, 1974).
  func clipped(
    _ points: [Point]
  ) -> (points: [Point], box: (x0: Double, y0: Double, x1: Double, y1: Double))? {
    var result = points
    result = cut(result, isInside: { $0.x >= 0 }) { a, b in (0, across(a, b, x: 0)) }
    result = cut(result, isInside: { $0.x <= width }) { a, b in (width, across(a, b, x: width)) }
    result = cut(result, isInside: { $0.y >= 0 }) { a, b in (along(a, b, y: 0), 0) }
    result = cut(result, isInside: { $0.y <= height }) { a, b in (along(a, b, y: height), height) }
    guard result.count >= 3, abs(area(result)) > 1e-9 else { return nil }
    // Edges on the border may be such joints; corners of the rectangle count only inside.
    var ends: [Point] = []
    for (i, a) in result.enumerated() {
      let b = result[(i + 1) % result.count]
      if !isOnBorder(a, b) { ends += [a, b] }
    }
    for corner in [(0, 0), (width, 0), (width, height), (0, height)] as [Point]
    where contains(points, corner) || isOnEdge(points, corner) {
      ends.append(corner)
    }
    ends += points.filter { (0...width).contains($0.x) && (0...height).contains($0.y) }
    guard let first = ends.first else { return nil }
    var box = (x0: first.x, y0: first.y, x1: first.x, y1: first.y)
    for end in ends {
      box = (min(box.x0, end.x), min(box.y0, end.y), max(box.x1, end.x), max(box.y1, end.y))
    }
    return (result, box)
  }

  private func across(_ a: Point, _ b: Point, x: Double) -> Double {
    a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x)
  }

  private func along(_ a: Point, _ b: Point, y: Double) -> Double {
    a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y)
  }

  private func cut(
    _ points: [Point], isInside: (Point) -> Bool, _ crossing: (Point, Point) -> Point
  ) -> [Point] {
    var kept: [Point] = []
    for (i, point) in points.enumerated() {
      let before = points[i == 0 ? points.count - 1 : i - 1]
      let (wasInside, isIn) = (isInside(before), isInside(point))
      if wasInside != isIn { kept.append(crossing(before, point)) }
      if isIn { kept.append(point) }
    }
    return kept
  }

  private func isOnBorder(_ a: Point, _ b: Point) -> Bool {
    a.x == b.x && (a.x == 0 || a.x == width) || a.y == b.y && (a.y == 0 || a.y == height)
  }

  private func area(_ points: [Point]) -> Double {
    points.indices.reduce(0) { sum, i in
      let (a, b) = (points[i], points[(i + 1) % points.count])
      return sum + (a.x * b.y - b.x * a.y) / 2
    }
  }

  /// Whether a point lies on one of a polygon's edges.
  private func isOnEdge(_ points: [Point], _ point: Point) -> Bool {
    points.indices.contains { i in
      let (a, b) = (points[i], points[(i + 1) % points.count])
      let cross = (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
      return abs(cross) <= 1e-9 * max(1, abs(b.x - a.x) + abs(b.y - a.y))
        && (min(a.x, b.x)...max(a.x, b.x)).contains(point.x)
        && (min(a.y, b.y)...max(a.y, b.y)).contains(point.y)
    }
  }

  /// Whether a point lies inside, even–odd.
  private func contains(_ points: [Point], _ point: Point) -> Bool {
    var isInside = false
    for (i, a) in points.enumerated() {
      let b = points[(i + 1) % points.count]
      if (a.y > point.y) != (b.y > point.y),
        point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x
      {
        isInside.toggle()
      }
    }
    return isInside
  }
}
