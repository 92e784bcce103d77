/// A name that equals another only byte by byte. Swift's strings are equal where they mean the same
/// characters; files and classes are not: `é` can be one character or two.
struct ExactName: Hashable {
  private let bytes: [UInt8]

  init(_ name: some StringProtocol) { bytes = Array(name.utf8) }
}

/// How the classes of one part of a set are numbered in another.
struct ClassNumbers {
  /// For each class its number in the other part; −1 for one that is neither there nor used.
  let numbers: [Int32]

  /// - Parameters:
  ///   - names: the part's own classes.
  ///   - wanted: the other part's.
  ///   - used: which of `names` some image has.
  /// - Throws: `DatasetError` where an image has a class that is not among `wanted`.
  init(
    _ names: [String], among wanted: [String], used: (Int) -> Bool = { _ in true }, path: String
  ) throws(DatasetError) {
    let places = Dictionary(
      wanted.enumerated().map { (ExactName($1), Int32($0)) },
      uniquingKeysWith: { first, _ in first }
    )
    numbers = names.map { places[ExactName($0)] ?? -1 }
    let extra = names.indices.filter { numbers[$0] < 0 && used($0) }.map { names[$0] }
    if !extra.isEmpty { throw Self.differ(path, extra: extra, wanted: wanted, names: names) }
  }

  /// The error that names the first few on each side.
  static func differ(
    _ path: String, extra: [String], wanted: [String], names: [String]
  ) -> DatasetError {
    let known = Set(names)
    let missing = wanted.filter { !known.contains($0) }
    return DatasetError(
      .malformed, path: path,
      "has \(listed(extra, "a class", "classes")) that the other part of the set lacks; that part has "
        + listed(missing.isEmpty ? wanted : missing))
  }

  /// Names in quotes, the first few of them.
  static func listed(_ names: [String], _ one: String? = nil, _ many: String? = nil) -> String {
    let head = names.count == 1 ? one : many
    let shown = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
    let more = names.count > 3 ? " and \(names.count - 3) more" : ""
    return (head.map { $0 + " " } ?? "") + shown + more
  }
}
