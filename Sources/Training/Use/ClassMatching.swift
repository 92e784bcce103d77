public import Evaluation
import Torch

/// Which of a model's classes are those of a set, by their names.
public struct ClassMatching: Sendable {
  /// Which classes compete for an image.
  public enum Competing: String, CaseIterable, Codable, Sendable {
    /// All that the model knows.
    case all
    /// Those of the set alone, as ImageNet-A and ImageNet-R are judged by their makers.
    case set
  }

  /// The classes that compete, among the model's.
  public let subset: ClassSubset
  /// For each of the set's classes its number among those that compete.
  public let numbers: [Int]
  /// What was assumed, each as a sentence.
  public let remarks: [String]

  /// Matches the classes that images of a set have with a model's.
  ///
  /// Names have to be the same. Where they are not, two customs help: classifiers of 1,000 classes
  /// number ImageNet's in the order of their WordNet ids, and a set whose classes are called 0, 1, 2, …
  /// may mean the model's numbers.
  ///
  /// - Parameters:
  ///   - own: The set's classes.
  ///   - used: Which of them some image has; the others need not be known.
  ///   - known: The model's classes.
  ///   - name: What the set is called in messages.
  /// - Throws: ``RunFailure`` that names the classes which the model does not know.
  public init(
    _ own: [String], used: [Bool], known: [String], competing: Competing, name: String
  ) throws(RunFailure) {
    var remarks: [String] = []
    let wanted = zip(own, used).filter(\.1).map(\.0)
    var names = known
    var aliases = own
    if !Self.areAll(wanted, in: known) {
      if known.count == ImageNetClasses.wordNetIDs.count,
        Self.areAll(wanted, in: ImageNetClasses.wordNetIDs)
      {
        names = ImageNetClasses.wordNetIDs
        remarks.append(
          "the model's 1000 classes are taken for ImageNet's, in the order of their WordNet ids")
      } else if wanted.allSatisfy({ Int($0).map(known.indices.contains) ?? false }) {
        aliases = own.map { Int($0).flatMap { known.indices.contains($0) ? known[$0] : nil } ?? $0 }
        remarks.append("the set's classes are numbers, and are taken for the model's")
      }
    }
    let chosen = zip(aliases, used).filter(\.1).map(\.0)
    do throws(ClassSubset.UnknownClasses) {
      subset = try ClassSubset(competing == .all ? names : chosen, among: names)
      _ = try ClassSubset(chosen, among: names)
    } catch {
      throw RunFailure(
        .badData,
        "\(name) has classes that the model does not know: \(Self.listed(error.names)); it knows "
          + Self.listed(known))
    }
    let places = Dictionary(
      subset.names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    numbers = aliases.map { places[$0] ?? -1 }
    let absent = Set(names).subtracting(chosen)
    if !absent.isEmpty {
      let which = Self.listed(names.filter(absent.contains))
      remarks.append(
        "no image is of \(absent.count) of the model's \(known.count) classes (\(which)), which "
          + (competing == .all
            ? "compete nevertheless (--competing set leaves them out)" : "do not compete"))
    }
    self.remarks = remarks
  }

  private static func areAll(_ names: [String], in known: [String]) -> Bool {
    let known = Set(known)
    return names.allSatisfy(known.contains)
  }

  /// The first few names, and how many there are.
  private static func listed(_ names: [String]) -> String {
    let shown = names.prefix(3).map { $0.quoted(limit: 40) }.joined(separator: ", ")
    return shown + (names.count > 3 ? " and \(names.count - 3) more" : "")
  }
}
