/// The environment, read by name; an empty variable counts as none.
struct LaunchVariables {
  private let values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  subscript(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Which of some variables are set, and which are not.
  func presence(of names: [String]) -> (found: [String], missing: [String]) {
    (names.filter { self[$0] != nil }, names.filter { self[$0] == nil })
  }

  /// A whole number within bounds; nil where the variable is not set.
  func number(_ name: String, in range: ClosedRange<Int>) throws(LaunchError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let expected =
        range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)"
        : range.lowerBound == range.upperBound
          ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
      throw LaunchError("\(name) is \(text.excerpt); expected \(expected)")
    }
    return value
  }

  /// A place and how many there are; both variables are set.
  func place(_ rank: String, of ranks: String) throws(LaunchError) -> (rank: Int, ranks: Int) {
    let count = try number(ranks, in: 1...1_000_000) ?? 1
    guard let place = try number(rank, in: 0...Int.max), place < count else {
      throw LaunchError(
        "\(rank) is \(self[rank] ?? "not set"), but \(ranks) is \(count); expected "
          + (count == 1 ? "0" : "a whole number from 0 to \(count - 1)"))
    }
    return (place, count)
  }

  /// The place on a host, where both variables are set; nil where one of them is not.
  func localPlace(
    _ rank: String, of ranks: String, world: Int
  ) throws(LaunchError) -> (rank: Int, ranks: Int)? {
    guard self[rank] != nil, self[ranks] != nil else { return nil }
    let local = try place(rank, of: ranks)
    guard local.ranks <= world else {
      throw LaunchError("\(ranks) is \(local.ranks), more than the \(world) processes there are")
    }
    return local
  }
}

extension String {
  /// At most 60 characters of a value, for a message.
  var excerpt: String { count > 60 ? prefix(57) + "…" : self }
}
