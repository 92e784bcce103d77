/// Some of a model's classes, such as the 200 of ImageNet's that ImageNet-A and ImageNet-R have.
///
/// These sets are judged as their makers do (Hendrycks et al., 2021, arXiv:1907.07174 and arXiv:2006.16241):
/// only the subset's logits compete, and labels number the subset.
public struct ClassSubset: Hashable, Sendable {
  /// The classes' names, in the subset's order.
  public let names: [String]
  /// The classes' numbers among the model's.
  public let indices: [Int]
  /// Number of the model's classes, `K`.
  public let classes: Int

  /// Names that the model's classes lack.
  public struct UnknownClasses: Error, Hashable, Sendable, CustomStringConvertible {
    /// The names.
    public let names: [String]
    /// The first of the model's classes.
    public let known: [String]

    /// One line.
    public var description: String {
      func listed(_ names: [String]) -> String {
        names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
      }
      let what = names.count == 1 ? "a class" : "\(names.count) classes"
      return "has \(what) that the model lacks (\(listed(names))); the model's are \(listed(known))"
    }
  }

  /// Finds classes by their names.
  ///
  /// - Parameters:
  ///   - names: the subset's classes: the names of its folders, sorted.
  ///   - all: the model's classes, for published classifiers ``ImageNetClasses/wordNetIDs``.
  public init(_ names: [String], among all: [String]) throws(UnknownClasses) {
    let places = Dictionary(
      all.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let unknown = names.filter { places[$0] == nil }
    guard unknown.isEmpty else { throw UnknownClasses(names: unknown, known: Array(all.prefix(4))) }
    self.names = names
    indices = names.compactMap { places[$0] }
    classes = all.count
  }

  /// Number of the subset's classes, `S`.
  public var count: Int { indices.count }

  /// Whether it is all of the model's classes in the model's order.
  public var isWhole: Bool { indices.elementsEqual(0..<classes) }

  /// The subset's logits. `[B, K]` row by row → `[B, S]`
  public func restricted(_ logits: [Float]) -> [Float] {
    precondition(
      logits.count.isMultiple(of: classes), "\(logits.count) logits of \(classes) classes")
    if isWhole { return logits }
    return stride(from: 0, to: logits.count, by: classes).flatMap { row in
      indices.map { logits[row + $0] }
    }
  }
}

/// What a classifier makes of a set that has some of its classes.
public struct SubsetScores: Hashable, Sendable {
  /// The set's classes among the model's.
  public let subset: ClassSubset
  /// Accuracy among the subset's classes.
  public private(set) var tally: ClassificationTally
  /// Calibration of the softmax over the subset's classes.
  public private(set) var calibration: Calibration

  /// Starts counting.
  public init(_ subset: ClassSubset) {
    self.subset = subset
    tally = ClassificationTally(classes: subset.count)
    calibration = Calibration()
  }

  /// Counts a batch: `logits` of all the model's classes, `[B, K]` row by row; `labels` among the
  /// subset's, `[B]`.
  public mutating func add(logits: [Float], labels: [Int]) {
    let restricted = subset.restricted(logits)
    tally.add(scores: restricted, labels: labels)
    calibration.add(logits: restricted, labels: labels)
  }
}
