import Dispatch

/// Boxes that better ones do not stand for already: from the highest score on, a box is dropped that
/// shares more than a threshold with one that is kept.
///
/// It runs on the host, and equal scores keep the order of the list, so that the result depends
/// neither on the device nor on the number of threads.
public struct NonMaximumSuppression: Hashable, Sendable {
  /// A box that shares more than this with a better one is dropped.
  public var threshold: Float

  /// Creates a rule.
  public init(threshold: Float) { self.threshold = threshold }

  /// The numbers of the boxes that are kept, by descending score.
  ///
  /// - Complexity: O(boxes · kept)
  public func kept(_ boxes: [Box], scores: [Float]) -> [Int] {
    precondition(boxes.count == scores.count, "boxes and scores differ")
    return kept(boxes, order: descending(scores))
  }

  /// The same for boxes that are in order: the numbers of `order` that are kept.
  func kept(_ boxes: [Box], order: [Int]) -> [Int] {
    var left = order.map { boxes[$0] }
    var places = Array(order.indices)
    var count = left.count
    var kept: [Int] = []
    left.withUnsafeMutableBufferPointer { left in
      places.withUnsafeMutableBufferPointer { places in
        while count > 0 {
          let best = left[0]
          kept.append(order[places[0]])
          var next = 0
          for index in 1..<max(1, count) where !(best.overlap(with: left[index]) > threshold) {
            left[next] = left[index]
            places[next] = places[index]
            next += 1
          }
          count = next
        }
      }
    }
    return kept
  }

  /// Each group for itself, groups at the same time: levels, or classes, of images.
  ///
  /// - Returns: The kept numbers of each group, by descending score.
  public func kept(_ groups: [(boxes: [Box], scores: [Float])]) -> [[Int]] {
    let results = [[Int]](unsafeUninitializedCapacity: groups.count) { results, count in
      results.initialize(repeating: [])
      // Each writes its own element.
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: groups.count) { index in
        results[index] = kept(groups[index].boxes, scores: groups[index].scores)
      }
      count = groups.count
    }
    return results
  }
}

/// The numbers of scores from the highest to the lowest; equal ones stay in order.
func descending(_ scores: [Float]) -> [Int] {
  scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
}
