/// Weights that do not fit a model: every name that is wrong, as the file has it.
public struct WeightMismatch: Error, Hashable, Sendable, CustomStringConvertible {
  /// A weight of another shape than the model's.
  public struct WrongShape: Hashable, Sendable {
    /// The weight's name.
    public let name: String
    /// Its shape in the file.
    public let found: [Int]
    /// Its shape in the model.
    public let expected: [Int]

    /// Names a weight and its two shapes.
    public init(name: String, found: [Int], expected: [Int]) {
      self.name = name
      self.found = found
      self.expected = expected
    }
  }

  /// Weights that the model has and the file has not.
  public var missing: [String]
  /// Weights that the file has and the model has not.
  public var unexpected: [String]
  /// Weights that both have, in different shapes.
  public var wrongShape: [WrongShape]

  /// Collects what is wrong.
  public init(
    missing: [String] = [], unexpected: [String] = [], wrongShape: [WrongShape] = []
  ) {
    self.missing = missing
    self.unexpected = unexpected
    self.wrongShape = wrongShape
  }

  /// Compares shapes by name; nil when they agree.
  public init?(found: [String: [Int]], expected: [(name: String, shape: [Int])]) {
    self.init()
    var rest = found
    for (name, shape) in expected {
      guard let other = rest.removeValue(forKey: name) else {
        missing.append(name)
        continue
      }
      if other != shape { wrongShape.append(.init(name: name, found: other, expected: shape)) }
    }
    unexpected = rest.keys.sorted(by: precedesNaturally)
    if isEmpty { return nil }
  }

  /// Whether nothing is wrong.
  public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && wrongShape.isEmpty }

  /// The first names of each kind and how many there are.
  public var description: String {
    let wrong = wrongShape.map { "\($0.name) is \($0.found), expected \($0.expected)" }
    return [
      Self.phrase("missing", missing), Self.phrase("unexpected", unexpected),
      Self.phrase("of another shape", wrong),
    ].compactMap(\.self).joined(separator: "; ")
  }

  private static func phrase(_ fault: String, _ names: [String], shown: Int = 3) -> String? {
    guard !names.isEmpty else { return nil }
    let list = names.prefix(shown).map { $0.count > 120 ? $0.prefix(120) + "…" : $0 }
    let more = names.count > shown ? ", …" : ""
    let noun = names.count == 1 ? "weight is" : "weights are"
    return "\(names.count) \(noun) \(fault) (\(list.joined(separator: ", "))\(more))"
  }
}

/// Orders `blocks.2` before `blocks.10`.
package func precedesNaturally(_ a: String, _ b: String) -> Bool {
  let (left, right) = (a.split(separator: "."), b.split(separator: "."))
  for (x, y) in zip(left, right) where x != y {
    if let m = Int(x), let n = Int(y), m != n { return m < n }
    return x < y
  }
  return left.count < right.count
}
