import Datasets
public import Evaluation
import FileSystem
public import Runs
import Torch

/// Which of a model's classes are those of a set, by their names or numbers.
public struct ClassMatching: Sendable {
  /// Which classes compete for an image.
  public enum Competing: String, CaseIterable, Codable, Sendable {
    /// All that the model knows.
    case all
    /// Those of the set alone, as the makers of ImageNet-A and ImageNet-R evaluate.
    case set
  }

  /// The classes that compete, among the model's.
  public let subset: ClassSubset
  /// For each of the set's classes its number among those that compete.
  public let numbers: [Int]
  /// What was assumed, each as a sentence.
  public let warnings: [String]

  /// Takes the classes of a set that are the model's own, number by number.
  public init(same classes: [String]) {
    subset = ClassSubset(Array(classes.indices), of: classes)
    numbers = Array(classes.indices)
    warnings = []
  }

  /// Matches the classes that images of a set have with a model's.
  ///
  /// Lists that are the same are matched place by place. Otherwise names have to be the same. Where
  /// they are not, two customs help: classifiers of 1,000 classes number ImageNet's in the order of
  /// their WordNet ids, and a set whose classes are called 0, 1, 2, … may mean the model's numbers.
  ///
  /// - Parameters:
  ///   - own: The set's classes.
  ///   - used: Which of them some image has; the others need not be known.
  ///   - known: The model's classes.
  ///   - name: What the set is called in messages.
  /// - Throws: ``/Runs/RunFailure`` that names the classes which the model does not know, or the
  ///   name that more than one of the model's classes has.
  public init(
    _ own: [String], used: [Bool], known: [String], competing: Competing, name: String
  ) throws(RunFailure) {
    let found = try Self.find(own, used: used, among: known, name)
    var chosen: [Int] = []
    var places: [Int: Int] = [:]
    for case (let number?, true) in zip(found.numbers, used) where places[number] == nil {
      places[number] = chosen.count
      chosen.append(number)
    }
    switch competing {
    case .all:
      subset = ClassSubset(Array(known.indices), of: found.names)
      numbers = found.numbers.map { $0 ?? -1 }
    case .set:
      subset = ClassSubset(chosen, of: found.names)
      numbers = found.numbers.map { $0.flatMap { places[$0] } ?? -1 }
    }
    let absent = known.indices.filter { places[$0] == nil }
    var warnings = found.warnings
    if !absent.isEmpty {
      let which = Self.listed(absent.map { found.names[$0] })
      warnings.append(
        "no image is of \(absent.count) of the model's \(known.count) classes (\(which)), which "
          + (competing == .all
            ? "compete nevertheless (--competing set leaves them out)" : "do not compete"))
    }
    self.warnings = warnings
  }

  /// The model's number of each of the set's classes, nil where it is not known and no image needs
  /// it; what the model's classes are called; and what was assumed.
  private static func find(
    _ own: [String], used: [Bool], among known: [String], _ name: String
  ) throws(RunFailure) -> (numbers: [Int?], names: [String], warnings: [String]) {
    if own == known { return (own.indices.map(\.self), known, []) }
    let wanted = zip(own, used).filter(\.1).map(\.0)
    func isIn(_ places: [String: [Int]]) -> Bool { wanted.allSatisfy { places[$0] != nil } }
    func numbers(_ places: [String: [Int]]) -> [Int?] {
      own.map { places[$0].flatMap { $0.count == 1 ? $0.first : nil } }
    }
    let places = Dictionary(grouping: known.indices) { known[$0] }
    if isIn(places) {
      for (label, isUsed) in zip(own, used) where isUsed {
        guard let same = places[label], same.count > 1 else { continue }
        throw RunFailure(
          .badData,
          "\(name) has a class \(label.quoted(limit: 40)), as \(same.count) of the model's classes "
            + "are called (\(same.map(String.init).joined(separator: ", "))); call the set's "
            + "classes by the model's numbers, from 0 to \(known.count - 1)")
      }
      return (numbers(places), known, [])
    }
    let ids = ImageNetClasses.wordNetIDs
    let idPlaces = Dictionary(grouping: ids.indices) { ids[$0] }
    if known.count == ids.count, isIn(idPlaces) {
      let warning =
        "the model's 1000 classes are taken for ImageNet's, in the order of their WordNet ids"
      return (numbers(idPlaces), ids, [warning])
    }
    let meant = own.map { Int($0).flatMap { known.indices.contains($0) ? $0 : nil } }
    if zip(meant, used).allSatisfy({ $0 != nil || !$1 }) {
      return (meant, known, ["the set's classes are numbers, and are taken for the model's"])
    }
    throw RunFailure(
      .badData,
      "\(name) has classes that the model does not know: "
        + "\(listed(wanted.filter { places[$0] == nil })); it knows \(listed(known))")
  }

  /// The first few names, and how many there are.
  private static func listed(_ names: [String]) -> String {
    let shown = names.prefix(3).map { $0.quoted(limit: 40) }.joined(separator: ", ")
    return shown + (names.count > 3 ? " and \(names.count - 3) more" : "")
  }
}
