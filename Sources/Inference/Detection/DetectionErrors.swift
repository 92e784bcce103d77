import Evaluation
import FileSystem

/// What detections get wrong at an overlap of 0.5, and what each kind of mistake costs: how much
/// AP50 would rise if it were corrected and nothing else (TIDE; Bolya et al., 2020,
/// arXiv:2008.08115). The costs do not add up: one correction may uncover another mistake.
public struct DetectionErrors: Hashable, Sendable {
  /// A kind of mistake.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// The place is right, the class is not.
    case classification = "wrong class"
    /// The class is right, the overlap is below 0.5 and at least 0.1.
    case localization = "poor box"
    /// Neither the class nor the place is right.
    case both = "both"
    /// The object was found by a detection with a higher score.
    case duplicate = "duplicate"
    /// There is nothing: the overlap with any object is below 0.1.
    case background = "background"
    /// An object that no detection found, and none of the first two kinds was meant for.
    case missed = "missed"
  }

  /// How often each kind occurs.
  public private(set) var counts: [Kind: Int] = [:]
  /// What each kind costs, in AP50 from 0 to 1.
  public private(set) var costs: [Kind: Double] = [:]
  /// AP50 as it is.
  public private(set) var averagePrecision = 0.0

  private static let least = 0.5
  private static let nothing = 0.1

  /// A line for each kind.
  public var lines: [String] {
    Kind.allCases.map { kind in
      let name = kind.rawValue + String(repeating: " ", count: 12 - kind.rawValue.count)
      return
        "  \(name) \(counts[kind] ?? 0), costs \(Formatted.fixed(100 * (costs[kind] ?? 0), 2)) AP50"
    }
  }

  /// A detection with what became of it.
  private struct Scored {
    var score: Double
    var place: Int
    var category: Int
    var isRight: Bool
    var mistake: Kind?
    /// The object that it was meant for.
    var meant: Int?
  }

  init(_ pictures: [[JudgedDetection]], _ truths: [[JudgedTruth]], classes: Int) {
    var all: [Scored] = []
    var counted = [Int](repeating: 0, count: classes)
    var missedOf = [Int](repeating: 0, count: classes)
    var offset = 0
    for (detections, objects) in zip(pictures, truths) {
      var meant = Set<Int>()
      for object in objects where !object.isCrowd { counted[object.category] += 1 }
      var matched = Set<Int>()
      for detection in detections {
        if let truth = detection.match { matched.insert(truth) }
      }
      for detection in detections where !detection.isIgnored {
        var scored = Scored(
          score: detection.score, place: all.count, category: detection.category,
          isRight: detection.match != nil)
        if detection.match == nil {
          let (kind, truth) = Self.mistake(detection, objects)
          scored.mistake = kind
          scored.meant = truth.map { $0 + offset }
          if let truth, kind == .classification || kind == .localization { meant.insert(truth) }
          counts[kind, default: 0] += 1
        }
        all.append(scored)
      }
      for (number, object) in objects.enumerated()
      where !object.isCrowd && !matched.contains(number) && !meant.contains(number) {
        counts[.missed, default: 0] += 1
        missedOf[object.category] += 1
      }
      offset += objects.count
    }
    let categories = truths.flatMap { $0.map(\.category) }
    var taken = Set<Int>()
    offset = 0
    for (detections, objects) in zip(pictures, truths) {
      for detection in detections {
        if let truth = detection.match { taken.insert(truth + offset) }
      }
      offset += objects.count
    }
    all.sort { $0.score != $1.score ? $0.score > $1.score : $0.place < $1.place }
    averagePrecision = Self.score(all, counted)
    for kind in Kind.allCases {
      if kind == .missed {
        let fewer = zip(counted, missedOf).map { $0 - $1 }
        costs[kind] = Self.score(all, fewer) - averagePrecision
        continue
      }
      var corrected: [Scored] = []
      var used = taken
      for var item in all {
        guard item.mistake == kind else {
          corrected.append(item)
          continue
        }
        guard kind == .classification || kind == .localization, let truth = item.meant,
          used.insert(truth).inserted
        else { continue }
        item.isRight = true
        item.category = categories[truth]
        corrected.append(item)
      }
      costs[kind] = Self.score(corrected, counted) - averagePrecision
    }
  }

  /// What a detection that found nothing did wrong, and the object it was meant for.
  private static func mistake(
    _ detection: JudgedDetection, _ objects: [JudgedTruth]
  ) -> (Kind, Int?) {
    var (own, other): ((overlap: Double, truth: Int)?, (overlap: Double, truth: Int)?)
    for (number, object) in objects.enumerated() where !object.isCrowd {
      let overlap = detection.overlaps[number]
      if object.category == detection.category {
        if overlap > own?.overlap ?? -1 { own = (overlap, number) }
      } else if overlap > other?.overlap ?? -1 {
        other = (overlap, number)
      }
    }
    if let own, own.overlap >= nothing, own.overlap < least { return (.localization, own.truth) }
    if let other, other.overlap >= least { return (.classification, other.truth) }
    if let own, own.overlap >= least { return (.duplicate, nil) }
    if max(own?.overlap ?? 0, other?.overlap ?? 0) < nothing { return (.background, nil) }
    return (.both, nil)
  }

  /// The mean over classes that have objects of precision at 101 recalls.
  private static func score(_ detections: [Scored], _ counts: [Int]) -> Double {
    var lists = [[Bool]](repeating: [], count: counts.count)
    for detection in detections { lists[detection.category].append(detection.isRight) }
    var sum = 0.0
    var known = 0
    for (hits, count) in zip(lists, counts) where count > 0 {
      known += 1
      sum += AveragePrecision.averagePrecision(hits: hits, count: count)
    }
    return known > 0 ? sum / Double(known) : 0
  }
}

/// A detection on a picture, with its overlap with each true object there.
struct JudgedDetection {
  var score: Double
  var category: Int
  var match: Int?
  var isIgnored: Bool
  var overlaps: [Double]
}

/// A true object of a picture.
struct JudgedTruth {
  var category: Int
  var isCrowd: Bool
}
