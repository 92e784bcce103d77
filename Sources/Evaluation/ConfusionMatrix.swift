import FileSystem

/// How often each class was taken for each other.
///
/// Memory is in proportion to the pairs of classes that occur, not to `classes`².
public struct ConfusionMatrix: Hashable, Codable, Sendable {
  /// Number of classes.
  public let classes: Int
  /// `rows[truth][prediction]`, for what occurred.
  private var rows: [[Int: Int]]

  /// Creates a matrix of zeros.
  public init(classes: Int) {
    precondition(classes >= 1, "a confusion matrix of \(classes) classes")
    self.classes = classes
    rows = Array(repeating: [:], count: classes)
  }

  /// The counts, true classes one below the other: `counts[truth · classes + prediction]`.
  public var counts: [Int] { (0..<classes).flatMap(row) }

  /// Counts one example, or so many of them.
  public mutating func add(truth: Int, prediction: Int, count: Int = 1) {
    precondition(
      (0..<classes).contains(truth) && (0..<classes).contains(prediction),
      "classes \(truth) and \(prediction) are not both among 0..<\(classes)")
    rows[truth][prediction, default: 0] += count
  }

  /// Examples of a class that were taken for another, or for itself.
  public subscript(truth truth: Int, prediction prediction: Int) -> Int {
    rows[truth][prediction] ?? 0
  }

  /// Adds what another matrix of the same classes has counted.
  public mutating func add(_ other: ConfusionMatrix) {
    precondition(other.classes == classes, "matrices of \(classes) and \(other.classes) classes")
    for truth in 0..<classes { rows[truth].merge(other.rows[truth], uniquingKeysWith: +) }
  }

  /// Number of examples.
  public var total: Int { examples.reduce(0, +) }

  /// Examples of each class.
  public var examples: [Int] { rows.map { $0.values.reduce(0, +) } }

  /// What the examples of a class were taken for, each class's count.
  private func row(_ truth: Int) -> [Int] {
    var row = Array(repeating: 0, count: classes)
    for (prediction, count) in rows[truth] { row[prediction] = count }
    return row
  }

  /// How often each class was predicted.
  public var predictions: [Int] {
    var sums = Array(repeating: 0, count: classes)
    for row in rows {
      for (label, count) in row { sums[label] += count }
    }
    return sums
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
    let predictions = predictions
    return zip(0..<classes, examples).map { label, examples in
      ratio(hits(label), examples + predictions[label] - hits(label))
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

extension ConfusionMatrix {
  /// A class that was taken for another.
  public struct Mistake: Hashable, Sendable {
    /// The true class.
    public let truth: Int
    /// The class it was taken for.
    public let prediction: Int
    /// How many examples.
    public let count: Int
  }

  /// The most frequent mistakes, at most `limit`; of equally frequent ones those of the lower
  /// classes.
  public func mistakes(limit: Int = 10) -> [Mistake] {
    var found: [Mistake] = []
    for truth in 0..<classes {
      for (prediction, count) in rows[truth] where prediction != truth {
        found.append(Mistake(truth: truth, prediction: prediction, count: count))
      }
    }
    found.sort { a, b in
      a.count != b.count ? a.count > b.count : (a.truth, a.prediction) < (b.truth, b.prediction)
    }
    return Array(found.prefix(limit))
  }

  /// What a class's examples were most often taken for besides itself; nil where there was no
  /// mistake.
  public func mostFrequentMistake(of truth: Int) -> Mistake? {
    rows[truth].filter { $0.key != truth }
      .max { a, b in (a.value, b.key) < (b.value, a.key) }
      .map { Mistake(truth: truth, prediction: $0.key, count: $0.value) }
  }
}

extension ConfusionMatrix {
  /// The matrix as the lines of a CSV file (RFC 4180), made one by one: predicted classes from left
  /// to right, true classes from top to bottom.
  ///
  /// - Precondition: there is a name for each class.
  public func csvLines(names: [String]) -> some Sequence<String> {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    let head = (["true class"] + names).map(CSVText.field).joined(separator: ",")
    return (-1..<classes).lazy.map { truth in
      guard truth >= 0 else { return head }
      return ([CSVText.field(names[truth])] + self.row(truth).map { String($0) }).joined(
        separator: ",")
    }
  }

  /// What became of each class, as the lines of a CSV file: its number and name, examples, those
  /// recognised, their part, and the class it was most often taken for. Classes without examples
  /// have no part.
  ///
  /// - Precondition: there is a name for each class.
  public func classLines(names: [String]) -> some Sequence<String> {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    let examples = examples
    return (-1..<classes).lazy.map { label in
      guard label >= 0 else { return "class,name,examples,correct,accuracy,mistaken for,times" }
      let hits = self.hits(label)
      let accuracy = examples[label] > 0 ? String(Double(hits) / Double(examples[label])) : ""
      let mistake = self.mostFrequentMistake(of: label)
      let fields = [
        String(label), CSVText.field(names[label]), String(examples[label]), String(hits), accuracy,
        mistake.map { CSVText.field(names[$0.prediction]) } ?? "",
        mistake.map { String($0.count) } ?? "",
      ]
      return fields.joined(separator: ",")
    }
  }
}
