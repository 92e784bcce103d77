extension RunLengthMask {
  /// Fills polygons by COCO's rule (`rleFrPoly` of pycocotools): vertices on a grid five times as
  /// fine as the pixels, edges walked on it, even–odd along columns; several polygons are united.
  ///
  /// - Parameter polygons: `x0, y0, x1, y1, …` each; pixel i covers [i, i + 1).
  /// - Throws: ``MaskError`` where a list is of odd length, has fewer than 3 points or a number that
  ///   is not finite.
  public init(width: Int, height: Int, polygons: [[Double]]) throws(MaskError) {
    try Self.check(width: width, height: height)
    for polygon in polygons { try Self.checkPolygon(polygon) }
    self = Self.union(
      of: polygons.map { Self(width: width, height: height, polygon: $0) },
      width: width, height: height)
  }

  /// - Throws: ``MaskError`` where a list is no polygon.
  package static func checkPolygon(_ points: some Collection<Double>) throws(MaskError) {
    if let problem = problem(ofPolygon: points) { throw MaskError(problem) }
  }

  /// What keeps a list from being a polygon; nil where it is one.
  package static func problem(ofPolygon points: some Collection<Double>) -> String? {
    if points.count % 2 != 0 {
      return "has a polygon of \(points.count) numbers; expected x and y in turn"
    }
    if points.count < 6 {
      return "has a polygon of \(points.count / 2) points; expected at least 3"
    }
    return points.allSatisfy(\.isFinite)
      ? nil : "has a polygon with a number that is not finite"
  }

  /// Fills one polygon that has been checked.
  init(width: Int, height: Int, polygon: some RandomAccessCollection<Double>) {
    let numbers = Array(polygon)
    let points = stride(from: 0, to: numbers.count - 1, by: 2).map {
      (x: Self.fine(numbers[$0]), y: Self.fine(numbers[$0 + 1]))
    }
    var places: [Int] = []
    for (i, point) in points.enumerated() {
      let next = points[i + 1 == points.count ? 0 : i + 1]
      Self.addCrossings(from: point, to: next, width: width, height: height, to: &places)
    }
    places.sort()
    var builder = RunBuilder()
    var (last, inside) = (0, false)
    for place in places {
      builder.add(UInt32(place - last), inside: inside)
      (last, inside) = (place, !inside)
    }
    builder.add(UInt32(width * height - last), inside: inside)
    self.init(width: width, height: height, canonical: builder.counts)
  }

  /// A coordinate on the grid that is five times as fine: rounded as C does it, towards 0 after a
  /// half is added.
  private static func fine(_ value: Double) -> Int {
    Int(min(max(5 * value + 0.5, -1e9), 1e9))
  }

  /// Adds the places, counted column by column, at which an edge crosses the middles of columns.
  ///
  /// - Complexity: O(columns that the edge crosses)
  ///
  /// COCO walks the edge step by step along its longer axis, always from its smaller end. Of the
  /// steps only those matter that go from 5x + 2 to 5x + 3, one in each column x; they are found
  /// here without walking, so that an edge far outside costs nothing.
  private static func addCrossings(
    from start: (x: Int, y: Int), to end: (x: Int, y: Int), width: Int, height: Int,
    to places: inout [Int]
  ) {
    let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
    let isWide = dx >= dy
    let isFlipped = isWide ? start.x > end.x : start.y > end.y
    let (from, to) = isFlipped ? (end, start) : (start, end)
    guard dx > 0 else { return }
    let slope =
      isWide ? Double(to.y - from.y) / Double(dx) : Double(to.x - from.x) / Double(dy)
    /// The coordinate along the shorter axis after so many steps.
    func other(_ base: Int, _ step: Int) -> Int { Int(Double(base) + slope * Double(step) + 0.5) }
    let (low, high) = (min(start.x, end.x), max(start.x, end.x))
    // The columns whose 5x + 2 and 5x + 3 both lie on the edge.
    let first = max(0, (low - 2 + 4) / 5)
    let last = min(width - 1, (high - 3 < 0 ? -1 : (high - 3) / 5))
    guard first <= last else { return }
    for column in first...last {
      let u = 5 * column + 2
      guard u >= low, u + 1 <= high else { continue }
      let v: Int
      if isWide {
        v = min(other(from.y, u - from.x), other(from.y, u + 1 - from.x))
      } else {
        // The first step that has reached the other side: about where the line does, give or take
        // what was rounded.
        let rises = to.x > from.x
        func hasCrossed(_ step: Int) -> Bool {
          let x = other(from.x, step)
          return rises ? x > u : x <= u
        }
        var step = Int((Double(u - from.x) + 0.5) / slope)
        step = min(max(step, 1), dy)
        while step > 1, hasCrossed(step - 1) { step -= 1 }
        while step < dy, !hasCrossed(step) { step += 1 }
        v = from.y + step - 1
      }
      let y = min(max((Double(v) + 0.5) / 5 - 0.5, 0), Double(height)).rounded(.up)
      places.append(column * height + Int(y))
    }
  }

  /// Fills a box `x, y, w, h` as COCO does: as a polygon of its corners.
  public init(width: Int, height: Int, box: [Double]) throws(MaskError) {
    guard box.count == 4 else {
      throw MaskError("has a box of \(box.count) numbers; expected x, y, width and height")
    }
    let (left, top, right, bottom) = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    try self.init(
      width: width, height: height,
      polygons: [[left, top, left, bottom, right, bottom, right, top]])
  }
}
