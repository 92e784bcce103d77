/// Counts how often a classifier's scores put the true class first, or among the first five.
///
/// Of equal scores the class of the lower index comes first, where `torch.topk`, and with it timm and
/// torchvision, leaves the order open. A score that is not a number comes after
/// all others.
public struct TopKAccuracy: Hashable, Sendable {
  /// Which class was taken for which.
  public private(set) var confusion: ConfusionMatrix
  /// `ranks[r]` examples had `r` classes before the true one.
  private var ranks: [Int]

  /// Creates an empty tally.
  public init(classes: Int) {
    confusion = ConfusionMatrix(classes: classes)
    ranks = Array(repeating: 0, count: classes)
  }

  /// Number of classes, `K`.
  public var classes: Int { confusion.classes }

  /// Number of examples.
  public var total: Int { confusion.total }

  /// Counts a batch: `scores` is `[B, K]` row by row, higher is likelier; `labels` is `[B]`.
  /// - Complexity: O(B · K)
  public mutating func add(scores: [Float], labels: [Int]) {
    precondition(
      scores.count == labels.count * classes,
      "\(scores.count) scores for \(labels.count) examples of \(classes) classes")
    for (row, label) in labels.enumerated() {
      add(scores: scores[row * classes..<(row + 1) * classes], label: label)
    }
  }

  private mutating func add(scores: ArraySlice<Float>, label: Int) {
    precondition((0..<classes).contains(label), "label \(label) is not among 0..<\(classes)")
    let score = { (index: Int) in Self.comparable(scores[scores.startIndex + index]) }
    let own = score(label)
    var rank = 0
    var best = 0
    for index in 0..<classes {
      let other = score(index)
      if other > own || (other == own && index < label) { rank += 1 }
      if other > score(best) { best = index }
    }
    ranks[rank] += 1
    confusion.add(truth: label, prediction: best)
  }

  private static func comparable(_ score: Float) -> Float { score.isNaN ? -.infinity : score }

  /// The part of the examples whose true class is among the first `k`, 0...1; 0 without examples.
  public func accuracy(top k: Int) -> Double {
    precondition(k >= 1, "accuracy among the first \(k)")
    return total == 0 ? 0 : Double(ranks.prefix(k).reduce(0, +)) / Double(total)
  }

  /// The part of the examples whose true class comes first.
  public var top1: Double { accuracy(top: 1) }

  /// The part of the examples whose true class is among the first five.
  public var top5: Double { accuracy(top: 5) }
}
