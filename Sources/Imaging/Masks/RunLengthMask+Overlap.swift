extension RunLengthMask {
  /// The pixels that are in any of some masks.
  ///
  /// - Precondition: all have that size.
  public static func union(of masks: [RunLengthMask], width: Int, height: Int) -> RunLengthMask {
    guard var all = masks.first else { return RunLengthMask(emptyOfWidth: width, height: height) }
    for mask in masks.dropFirst() { all = all.union(mask) }
    return all
  }

  /// The pixels that are in one of two masks or in both.
  ///
  /// - Precondition: they are of one size.
  public func union(_ other: RunLengthMask) -> RunLengthMask { merged(with: other) { $0 || $1 } }

  /// The pixels that are in both masks.
  ///
  /// - Precondition: they are of one size.
  public func intersection(_ other: RunLengthMask) -> RunLengthMask {
    merged(with: other) { $0 && $1 }
  }

  /// The pixels that are in this mask and not in another.
  ///
  /// - Precondition: they are of one size.
  public func subtracting(_ other: RunLengthMask) -> RunLengthMask {
    merged(with: other) { $0 && !$1 }
  }

  /// - Complexity: O(runs of both)
  @inline(__always)
  private func merged(
    with other: RunLengthMask, _ isInside: (Bool, Bool) -> Bool
  ) -> RunLengthMask {
    precondition(size == other.size, "masks of \(size) and \(other.size)")
    var builder = RunBuilder()
    forEachPiece(with: other) { run, a, b in builder.add(run, inside: isInside(a, b)) }
    return RunLengthMask(width: width, height: height, canonical: builder.counts)
  }

  /// Number of pixels that are in both masks.
  ///
  /// - Precondition: they are of one size.
  public func intersectionArea(with other: RunLengthMask) -> Int {
    precondition(size == other.size, "masks of \(size) and \(other.size)")
    var sum = 0
    forEachPiece(with: other) { run, a, b in if a && b { sum += Int(run) } }
    return sum
  }

  /// Intersection over union with a true mask; of a crowd, intersection over this mask's area, as a
  /// detection inside of a crowd is no mistake. 0 where both are empty; −1 for masks of two sizes,
  /// as pycocotools has it.
  public func overlap(with truth: RunLengthMask, isCrowd: Bool = false) -> Double {
    guard size == truth.size else { return -1 }
    let shared = intersectionArea(with: truth)
    guard shared > 0 else { return 0 }
    return Double(shared) / Double(isCrowd ? area : area + truth.area - shared)
  }

  /// Calls `body` with the runs in which neither mask changes.
  @inline(__always)
  private func forEachPiece(
    with other: RunLengthMask, _ body: (_ run: UInt32, _ inThis: Bool, _ inOther: Bool) -> Void
  ) {
    counts.withUnsafeBufferPointer { mine in
      other.counts.withUnsafeBufferPointer { theirs in
        var (i, j) = (0, 0)
        var (left, otherLeft) = (mine.first ?? 0, theirs.first ?? 0)
        while true {
          let run = min(left, otherLeft)
          if run > 0 { body(run, i % 2 == 1, j % 2 == 1) }
          left -= run
          otherLeft -= run
          if left == 0 {
            i += 1
            guard i < mine.count else { return }
            left = mine[i]
          }
          if otherLeft == 0 {
            j += 1
            guard j < theirs.count else { return }
            otherLeft = theirs[j]
          }
        }
      }
    }
  }
}

/// The area that two boxes share, over the area that they cover together; of a crowd, over the
/// first's area. Boxes are `x, y, w, h`.
package func boxOverlap(
  _ a: SIMD4<Double>, _ b: SIMD4<Double>, isCrowd: Bool = false
) -> Double {
  let width = min(a.x + a.z, b.x + b.z) - max(a.x, b.x)
  if width <= 0 { return 0 }
  let height = min(a.y + a.w, b.y + b.w) - max(a.y, b.y)
  if height <= 0 { return 0 }
  let shared = width * height
  let own = a.z * a.w
  return shared / (isCrowd ? own : own + b.z * b.w - shared)
}
