/// Some of a model's classes, such as the 200 of ImageNet's that ImageNet-A and ImageNet-R have.
///
/// These sets are evaluated as their makers do (Hendrycks et al., 2021, arXiv:1907.07174 and
/// arXiv:2006.16241): only the subset's logits compete, and labels number the subset.
public struct ClassSubset: Hashable, Sendable {
  /// The classes' names, in the subset's order.
  public let names: [String]
  /// The classes' numbers among the model's.
  public let indices: [Int]
  /// Number of the model's classes, `K`.
  public let classes: Int

  /// Names that do not tell which of the model's classes are meant.
  public enum NameMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The model's classes lack them; `known` are the first of those.
    case unknown([String], known: [String])
    /// More than one of the model's classes has the name: those with these numbers.
    case ambiguous(String, numbers: [Int])

    /// One line.
    public var description: String {
      func listed(_ names: [String]) -> String {
        names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
      }
      switch self {
      case .unknown(let names, let known):
        let what = names.count == 1 ? "a class" : "\(names.count) classes"
        return "has \(what) that the model lacks (\(listed(names))); the model's are "
          + listed(known)
      case .ambiguous(let name, let numbers):
        let places = numbers.map(String.init).joined(separator: ", ")
        return "has a class \"\(name)\", as \(numbers.count) of the model's are called (\(places))"
      }
    }
  }

  /// Finds classes by their names.
  ///
  /// - Parameters:
  ///   - names: the subset's classes: the names of its folders, sorted. All of the model's names in
  ///     their order are all of its classes, also where some are called the same.
  ///   - all: the model's classes, for published classifiers ``ImageNetClasses/wordNetIDs``.
  public init(_ names: [String], among all: [String]) throws(NameMistake) {
    if names == all {
      self.init(Array(all.indices), of: all)
      return
    }
    let places = Dictionary(grouping: all.indices) { all[$0] }
    let unknown = names.filter { places[$0] == nil }
    guard unknown.isEmpty else { throw .unknown(unknown, known: Array(all.prefix(4))) }
    var indices: [Int] = []
    for name in names {
      let found = places[name] ?? []
      guard found.count == 1 else { throw .ambiguous(name, numbers: found) }
      indices += found
    }
    self.init(indices, of: all)
  }

  /// Takes classes by their numbers among the model's.
  ///
  /// - Precondition: the numbers are those of classes.
  public init(_ indices: [Int], of all: [String]) {
    precondition(
      indices.allSatisfy(all.indices.contains), "classes \(indices) of a model with \(all.count)")
    self.indices = indices
    names = indices.map { all[$0] }
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
  public private(set) var tally: TopKAccuracy
  /// Calibration of the softmax over the subset's classes.
  public private(set) var calibration: Calibration

  /// Starts counting.
  public init(_ subset: ClassSubset) {
    self.subset = subset
    tally = TopKAccuracy(classes: subset.count)
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
