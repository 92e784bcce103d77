/// How often each class was taken for each other: `counts[truth · classes + prediction]`.
public struct ConfusionMatrix: Hashable, Sendable {
  /// Number of classes.
  public let classes: Int
  /// Rows are true classes, columns predicted ones.
  public private(set) var counts: [Int]

  /// Creates a matrix of zeros.
  public init(classes: Int) {
    precondition(classes >= 1, "a confusion matrix of \(classes) classes")
    self.classes = classes
    counts = Array(repeating: 0, count: classes * classes)
  }

  /// Counts one example.
  public mutating func add(truth: Int, prediction: Int) {
    precondition(
      (0..<classes).contains(truth) && (0..<classes).contains(prediction),
      "classes \(truth) and \(prediction) are not both among 0..<\(classes)")
    counts[truth * classes + prediction] += 1
  }

  /// Examples of a class that were taken for another, or for itself.
  public subscript(truth truth: Int, prediction prediction: Int) -> Int {
    counts[truth * classes + prediction]
  }

  /// Number of examples.
  public var total: Int { counts.reduce(0, +) }

  /// Examples of each class.
  public var examples: [Int] {
    (0..<classes).map { truth in (0..<classes).reduce(0) { $0 + self[truth: truth, prediction: $1] }
    }
  }

  /// The part of all examples that was recognised, 0...1; 0 without examples.
  public var accuracy: Double { ratio((0..<classes).reduce(0) { $0 + hits($1) }, total) ?? 0 }

  /// The part of each class that was recognised; nil for a class without examples.
  public var classAccuracy: [Double?] { zip(0..<classes, examples).map { ratio(hits($0), $1) } }

  /// The mean over classes that have examples, so that rare ones count as much as frequent ones.
  public var meanClassAccuracy: Double { mean(classAccuracy) }

  /// Intersection over union of each class (true and predicted, of true or predicted); nil for a
  /// class that neither occurs nor was predicted.
  public var intersectionOverUnion: [Double?] {
    zip(0..<classes, examples).map { label, examples in
      let predicted = (0..<classes).reduce(0) { $0 + self[truth: $1, prediction: label] }
      return ratio(hits(label), examples + predicted - hits(label))
    }
  }

  /// The mean over classes that occur or were predicted: mIoU.
  public var meanIntersectionOverUnion: Double { mean(intersectionOverUnion) }

  private func hits(_ label: Int) -> Int { self[truth: label, prediction: label] }

  private func ratio(_ part: Int, _ whole: Int) -> Double? {
    whole > 0 ? Double(part) / Double(whole) : nil
  }

  private func mean(_ values: [Double?]) -> Double {
    let known = values.compactMap { $0 }
    return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
  }
}
