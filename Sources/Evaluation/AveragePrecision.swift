import Dispatch
import Synchronization

/// Average precision and recall of detections as COCO defines them (Lin et al., 2014; pycocotools'
/// `COCOeval`): ten thresholds of overlap, four ranges of area, 1, 10 and 100 detections for each
/// class and picture.
///
/// It takes scores, areas and overlaps, not boxes or masks, so that one code judges both. The order
/// of everything is pycocotools': equal scores keep the order of the file, pictures go by their
/// ids, of equal overlaps the later true object is taken.
public struct AveragePrecision: Sendable {
  /// Overlaps from which on a detection counts as right: 0.5, 0.55, …, 0.95.
  public static let thresholds: [Double] = linearSpace(0.5, 0.95, 10)
  /// Recalls at which precision is read: 0, 0.01, …, 1.
  public static let recalls: [Double] = linearSpace(0, 1, 101)
  /// Ranges of true areas in pixels, both ends included: all, small, medium, large.
  public static let areas: [ClosedRange<Double>] = [
    0...1e10, 0...1024, 1024...9216, 9216...1e10,
  ]
  /// Most detections of each class and picture that count.
  public static let limits = [1, 10, 100]

  /// Number of classes.
  public let classes: Int
  /// Precision at each threshold, recall, class, range of areas and limit; −1 for a class without
  /// true objects there. `[T, R, K, A, M]`
  public let precision: [Double]
  /// The largest recall at each threshold, class, range of areas and limit; −1 likewise.
  /// `[T, K, A, M]`
  public let recall: [Double]
  /// True objects of each class that count in the range of all areas.
  public let truths: [Int]

  /// What is known of one class on one picture, in the file's order.
  public struct Picture: Sendable {
    /// The scores of the detections, at most 100 of the highest; equal ones in the file's order.
    public var scores: [Double]
    /// The areas of the detections.
    public var areas: [Double]
    /// The areas of the true objects.
    public var truthAreas: [Double]
    /// Which true objects are crowds.
    public var crowds: [Bool]
    /// Overlap of each detection with each true object. `[D, G]`
    public var overlaps: [Double]

    /// Describes a class on a picture.
    ///
    /// - Precondition: the lists fit each other, and scores do not rise.
    public init(
      scores: [Double], areas: [Double], truthAreas: [Double], crowds: [Bool], overlaps: [Double]
    ) {
      precondition(
        scores.count == areas.count && truthAreas.count == crowds.count
          && overlaps.count == scores.count * crowds.count, "lists of different lengths")
      self.scores = scores
      self.areas = areas
      self.truthAreas = truthAreas
      self.crowds = crowds
      self.overlaps = overlaps
    }
  }

  /// Which detections found something, for one class, picture and range of areas.
  package struct Matches {
    /// For each threshold and detection the true object, or −1. `[T, D]`
    package var truth: [Int32]
    /// Detections that do not count, either way. `[T, D]`
    package var ignored: [Bool]
    /// True objects that count.
    var count: Int
  }

  /// Scores detections.
  ///
  /// - Parameters:
  ///   - classes: number of classes.
  ///   - pictures: for each class what is known of it on each picture that has detections or true
  ///     objects of it, in the order of the pictures' ids.
  public init(classes: Int, pictures: @Sendable (Int) -> [Picture]) {
    self.classes = classes
    let parts = Mutex([ClassPart?](repeating: nil, count: classes))
    DispatchQueue.concurrentPerform(iterations: classes) { k in
      let part = ClassPart(pictures(k))
      parts.withLock { $0[k] = part }
    }
    let found = parts.withLock { $0.compactMap { $0 } }
    let (t, r, n) = (
      Self.thresholds.count, Self.recalls.count, Self.areas.count * Self.limits.count
    )
    var precision = [Double](repeating: -1, count: t * r * classes * n)
    var recall = [Double](repeating: -1, count: t * classes * n)
    for (k, part) in found.enumerated() {
      for i in 0..<t * n {
        let (threshold, cell) = i.quotientAndRemainder(dividingBy: n)
        recall[(threshold * classes + k) * n + cell] = part.recall[i]
        for place in 0..<r {
          precision[((threshold * r + place) * classes + k) * n + cell] =
            part.precision[(threshold * r + place) * n + cell]
        }
      }
    }
    self.precision = precision
    self.recall = recall
    truths = found.map(\.truths)
  }

  /// What comes of one class: `[T, R, A, M]` and `[T, A, M]`.
  private struct ClassPart: Sendable {
    var precision: [Double]
    var recall: [Double]
    var truths = 0

    init(_ pictures: [Picture]) {
      let (t, r) = (AveragePrecision.thresholds.count, AveragePrecision.recalls.count)
      let m = AveragePrecision.limits.count
      let n = AveragePrecision.areas.count * m
      precision = Array(repeating: -1, count: t * r * n)
      recall = Array(repeating: -1, count: t * n)
      for (area, range) in AveragePrecision.areas.enumerated() {
        let matches = pictures.map { matched($0, area: range) }
        let count = matches.reduce(0) { $0 + $1.count }
        if area == 0 { truths = count }
        guard count > 0 else { continue }
        for (limit, most) in AveragePrecision.limits.enumerated() {
          let curve = Curve(pictures, matches, most: most, count: count)
          let cell = area * m + limit
          for threshold in 0..<t {
            let (best, line) = curve.precisions(at: threshold)
            recall[threshold * n + cell] = best
            for place in 0..<r { precision[(threshold * r + place) * n + cell] = line[place] }
          }
        }
      }
    }
  }

  /// pycocotools' `evaluateImg`.
  static func matched(
    _ picture: Picture, area range: ClosedRange<Double>, at thresholds: [Double] = thresholds
  ) -> Matches {
    let (d, g) = (picture.scores.count, picture.crowds.count)
    let outside = picture.truthAreas.indices.map {
      picture.crowds[$0] || !range.contains(picture.truthAreas[$0])
    }
    // Those that count first, otherwise in their order.
    let order = (0..<g).filter { !outside[$0] } + (0..<g).filter { outside[$0] }
    var truth = [Int32](repeating: -1, count: thresholds.count * d)
    var ignored = [Bool](repeating: false, count: thresholds.count * d)
    var taken = [Bool](repeating: false, count: g)
    for (t, threshold) in thresholds.enumerated() {
      for i in 0..<g { taken[i] = false }
      for i in 0..<d {
        var best = min(threshold, 1 - 1e-10)
        var match = -1
        for j in order {
          if taken[j], !picture.crowds[j] { continue }
          // From a real one to an ignored one: no better comes.
          if match >= 0, !outside[match], outside[j] { break }
          let overlap = picture.overlaps[i * g + j]
          if overlap < best { continue }
          best = overlap
          match = j
        }
        if match >= 0 {
          truth[t * d + i] = Int32(match)
          ignored[t * d + i] = outside[match]
          taken[match] = true
        } else {
          ignored[t * d + i] = !range.contains(picture.areas[i])
        }
      }
    }
    return Matches(truth: truth, ignored: ignored, count: outside.count { !$0 })
  }
}

extension AveragePrecision {
  /// The matches of all areas at an overlap of 0.5. `[1, D]`
  package static func matchedAtHalf(_ picture: Picture) -> Matches {
    matched(picture, area: areas[0], at: [thresholds[0]])
  }

  /// Precision and recall of one class over all pictures, best score first.
  struct Curve {
    /// Each detection's picture and number there.
    private let order: [(picture: Int, detection: Int)]
    private let pictures: [Picture]
    private let matches: [Matches]
    private let count: Int

    init(_ pictures: [Picture], _ matches: [Matches], most: Int, count: Int) {
      var all: [(score: Double, place: Int, picture: Int, detection: Int)] = []
      for (number, picture) in pictures.enumerated() {
        for i in 0..<min(most, picture.scores.count) {
          all.append((picture.scores[i], all.count, number, i))
        }
      }
      all.sort { $0.score != $1.score ? $0.score > $1.score : $0.place < $1.place }
      order = all.map { ($0.picture, $0.detection) }
      self.pictures = pictures
      self.matches = matches
      self.count = count
    }

    /// Right and wrong detections in the order of scores, those left out that do not count.
    func hits(at threshold: Int) -> some Sequence<Bool?> {
      order.lazy.map { picture, detection in
        let place = threshold * pictures[picture].scores.count + detection
        return matches[picture].ignored[place] ? nil : matches[picture].truth[place] >= 0
      }
    }

    /// The largest recall, and the precision at each of ``AveragePrecision/recalls``.
    func precisions(at threshold: Int) -> (recall: Double, precision: [Double]) {
      AveragePrecision.precisions(of: hits(at: threshold), count: count)
    }
  }

  /// The largest recall, and the precision at each of ``recalls``, of detections in the order of
  /// their scores: right, wrong, or not counted (nil).
  static func precisions(
    of hits: some Sequence<Bool?>, count: Int
  ) -> (recall: Double, precision: [Double]) {
    var (right, wrong) = (0.0, 0.0)
    var reached: [Double] = []
    var precisions: [Double] = []
    for hit in hits {
      if let hit {
        if hit { right += 1 } else { wrong += 1 }
      }
      reached.append(right / Double(count))
      precisions.append(right / (wrong + right + 0x1p-52))
    }
    for i in stride(from: precisions.count - 1, to: 0, by: -1)
    where precisions[i] > precisions[i - 1] {
      precisions[i - 1] = precisions[i]
    }
    var line = [Double](repeating: 0, count: recalls.count)
    var place = 0
    for (i, wanted) in recalls.enumerated() {
      while place < reached.count, reached[place] < wanted { place += 1 }
      guard place < reached.count else { break }
      line[i] = precisions[place]
    }
    return (reached.last ?? 0, line)
  }

  /// Precision averaged over ``recalls`` of detections in the order of their scores, right or wrong,
  /// where there are so many true objects.
  public static func averagePrecision(hits: [Bool], count: Int) -> Double {
    precondition(count > 0, "no true objects")
    let line = precisions(of: hits, count: count).precision
    return line.reduce(0, +) / Double(line.count)
  }
}

extension AveragePrecision {
  /// COCO's twelve numbers, in its order; −1 where there are no true objects.
  public struct Summary: Hashable, Sendable {
    /// What each number is called.
    public static let names = [
      "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
    ]
    /// The numbers.
    public let values: [Double]
  }

  /// The twelve numbers.
  public var summary: Summary {
    let all = Array(Self.thresholds.indices)
    return Summary(
      values: [
        averagePrecision(), averagePrecision(at: [0]), averagePrecision(at: [5]),
        averagePrecision(area: 1), averagePrecision(area: 2), averagePrecision(area: 3),
        averageRecall(all, limit: 0), averageRecall(all, limit: 1), averageRecall(all, limit: 2),
        averageRecall(all, area: 1), averageRecall(all, area: 2), averageRecall(all, area: 3),
      ])
  }

  /// The mean of precision over recalls, thresholds and classes that have true objects; −1 where
  /// none has.
  ///
  /// - Parameters:
  ///   - thresholds: numbers of ``thresholds``; all unless given.
  ///   - area: number of a range of ``areas``.
  ///   - limit: number of ``limits``.
  ///   - label: one class alone; all unless given.
  public func averagePrecision(
    at thresholds: [Int]? = nil, area: Int = 0, limit: Int = 2, of label: Int? = nil
  ) -> Double {
    let (r, a, m) = (Self.recalls.count, Self.areas.count, Self.limits.count)
    var values: [Double] = []
    for t in thresholds ?? Array(Self.thresholds.indices) {
      for place in 0..<r {
        for k in label.map({ $0..<$0 + 1 }) ?? 0..<classes {
          let value = precision[(((t * r + place) * classes + k) * a + area) * m + limit]
          if value > -1 { values.append(value) }
        }
      }
    }
    return values.isEmpty ? -1 : pairwiseSum(values[...]) / Double(values.count)
  }

  /// The mean of the largest recall over thresholds and classes; −1 where there are no true objects.
  public func averageRecall(
    _ thresholds: [Int]? = nil, area: Int = 0, limit: Int = 2, of label: Int? = nil
  ) -> Double {
    let (a, m) = (Self.areas.count, Self.limits.count)
    var values: [Double] = []
    for t in thresholds ?? Array(Self.thresholds.indices) {
      for k in label.map({ $0..<$0 + 1 }) ?? 0..<classes {
        let value = recall[((t * classes + k) * a + area) * m + limit]
        if value > -1 { values.append(value) }
      }
    }
    return values.isEmpty ? -1 : pairwiseSum(values[...]) / Double(values.count)
  }

  /// Precision at each of ``recalls`` for a class, all areas and 100 detections; nil without true
  /// objects.
  public func curve(of label: Int, threshold: Int = 0) -> [Double]? {
    guard truths[label] > 0 else { return nil }
    let (r, a, m) = (Self.recalls.count, Self.areas.count, Self.limits.count)
    return (0..<r).map { precision[(((threshold * r + $0) * classes + label) * a) * m + 2] }
  }
}

/// A sum in pairs, whose error does not grow with the number of terms.
private func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
  if values.count <= 64 { return values.reduce(0, +) }
  let middle = values.startIndex + values.count / 2
  return pairwiseSum(values[..<middle]) + pairwiseSum(values[middle...])
}

/// numpy's `linspace`: the start and whole multiples of the step, the end as it is given.
private func linearSpace(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
  let step = (end - start) / Double(count - 1)
  return (0..<count).map { $0 == count - 1 ? end : Double($0) * step + start }
}
