public import Imaging

/// An object on an example for training, in the example's pixels.
public struct DetectionObject: Sendable {
  /// Left, top, right, bottom.
  public var box: SIMD4<Float>
  /// The number of its class.
  public var category: Int
  /// Its shape.
  public var shape: Shape

  /// An object's shape.
  public enum Shape: Sendable {
    /// A box alone.
    case none
    /// Polygons, `x0, y0, x1, y1, …` each.
    case polygons([[Double]])
    /// Pixels.
    case mask(RunLengthMask)
  }

  /// The smallest side of a box that is learned from.
  static let smallest = 1e-5

  /// An object of a file as a view of its picture shows it; nil where nothing of it is left. Its box is
  /// that of what is left of its mask, as in detectron2.
  init?(_ object: COCOAnnotations.Object, of set: COCOAnnotations, in view: DetectionView) {
    category = object.category
    if let polygons = set.polygons(of: object) {
      let left = polygons.compactMap { view.clipped($0) }
      guard let box = Self.box(of: left) else { return nil }
      self.box = box
      shape = .polygons(left)
    } else if let mask = set.mask(of: object) {
      let seen = view.mask(mask)
      guard let box = seen.box else { return nil }
      self.box = SIMD4(Float(box.x), Float(box.y), Float(box.maxX), Float(box.maxY))
      shape = .mask(seen)
    } else {
      let box = object.box
      let (a, b) = (
        view.place(x: box.x, y: box.y), view.place(x: box.x + box.z, y: box.y + box.w)
      )
      let bounds = view.bounds
      let edges = SIMD4(
        max(min(a.x, b.x), bounds.x0), max(a.y, bounds.y0), min(max(a.x, b.x), bounds.x1),
        min(b.y, bounds.y1))
      guard edges.z - edges.x > Self.smallest, edges.w - edges.y > Self.smallest else {
        return nil
      }
      self.box = SIMD4<Float>(edges)
      shape = .none
    }
  }

  /// The smallest box around polygons; nil where it has no size.
  private static func box(of polygons: [[Double]]) -> SIMD4<Float>? {
    guard !polygons.isEmpty else { return nil }
    var edges = SIMD4(Double.infinity, .infinity, -.infinity, -.infinity)
    for polygon in polygons {
      for index in stride(from: 0, to: polygon.count - 1, by: 2) {
        edges.x = min(edges.x, polygon[index])
        edges.z = max(edges.z, polygon[index])
        edges.y = min(edges.y, polygon[index + 1])
        edges.w = max(edges.w, polygon[index + 1])
      }
    }
    guard edges.z - edges.x > smallest, edges.w - edges.y > smallest else { return nil }
    return SIMD4<Float>(edges)
  }

  /// The mask's cells within a box that is divided into `side` × `side`: 0 or 1, row by row. Polygons
  /// are filled by COCO's rule; of pixels each cell is 1 whose centre lies in the mask.
  ///
  /// - Returns: Zeros for an object without a mask.
  public func cells(within box: SIMD4<Float>, side: Int) -> [Float] {
    let (width, height) = (
      max(Double(box.z - box.x), 0.1), max(Double(box.w - box.y), 0.1)
    )
    switch shape {
    case .none: return [Float](repeating: 0, count: side * side)
    case .polygons(let polygons):
      let moved = polygons.map { polygon in
        polygon.enumerated().map { index, value in
          index % 2 == 0
            ? (value - Double(box.x)) * Double(side) / width
            : (value - Double(box.y)) * Double(side) / height
        }
      }
      guard let mask = try? RunLengthMask(width: side, height: side, polygons: moved) else {
        return [Float](repeating: 0, count: side * side)
      }
      return mask.pixels.map(Float.init)
    case .mask(let mask):
      let pixels = mask.pixels
      var cells = [Float](repeating: 0, count: side * side)
      for row in 0..<side {
        let y = Int((Double(box.y) + (Double(row) + 0.5) * height / Double(side)).rounded(.down))
        guard (0..<mask.height).contains(y) else { continue }
        for column in 0..<side {
          let x = Int(
            (Double(box.x) + (Double(column) + 0.5) * width / Double(side)).rounded(.down))
          guard (0..<mask.width).contains(x) else { continue }
          cells[row * side + column] = Float(pixels[y * mask.width + x])
        }
      }
      return cells
    }
  }
}

extension DetectionView {
  /// What of a polygon lies in the square's part with the picture (Sutherland and Hodgman, 1974); nil
  /// for nothing.
  func clipped(_ polygon: [Double]) -> [Double]? {
    var points = stride(from: 0, to: polygon.count - 1, by: 2).map {
      place(x: polygon[$0], y: polygon[$0 + 1])
    }
    let bounds = bounds
    /// Keeps the side of a line on which `distance` is not negative.
    func cut(_ distance: ((x: Double, y: Double)) -> Double) {
      var kept: [(x: Double, y: Double)] = []
      for (index, point) in points.enumerated() {
        let last = points[index == 0 ? points.count - 1 : index - 1]
        let (a, b) = (distance(last), distance(point))
        if a * b < 0 {
          let share = a / (a - b)
          kept.append((last.x + (point.x - last.x) * share, last.y + (point.y - last.y) * share))
        }
        if b >= 0 { kept.append(point) }
      }
      points = kept
    }
    cut { $0.x - bounds.x0 }
    cut { bounds.x1 - $0.x }
    cut { $0.y - bounds.y0 }
    cut { bounds.y1 - $0.y }
    guard points.count >= 3 else { return nil }
    var area = 0.0
    for (index, point) in points.enumerated() {
      let next = points[index + 1 == points.count ? 0 : index + 1]
      area += point.x * next.y - next.x * point.y
    }
    return area == 0 ? nil : points.flatMap { [$0.x, $0.y] }
  }

  /// A mask in the square: of each pixel the nearest one of the mask's.
  func mask(_ mask: RunLengthMask) -> RunLengthMask {
    let pixels = mask.pixels
    var seen = [UInt8](repeating: 0, count: side * side)
    let columns = (0..<inside.width).map { column in
      let place = (column + x) * 2 + 1
      let own = min(mask.width - 1, place * mask.width / (2 * resized.width))
      return isFlipped && !keepsPadding ? mask.width - 1 - own : own
    }
    for row in 0..<inside.height {
      let own = min(mask.height - 1, ((row + y) * 2 + 1) * mask.height / (2 * resized.height))
      for (column, source) in columns.enumerated() where pixels[own * mask.width + source] != 0 {
        seen[row * side + (isFlipped && keepsPadding ? side - 1 - column : column)] = 1
      }
    }
    return RunLengthMask(width: side, height: side, pixels: seen)
  }
}
