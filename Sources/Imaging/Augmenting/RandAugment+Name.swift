extension RandAugment {
  /// A name in timm's form that is not understood.
  public struct NameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name as it was given.
    public let name: String
    /// What was found and what was expected.
    public let reason: String

    /// The name and the reason.
    public var description: String { "'\(name)' \(reason)" }
  }

  /// Reads timm's form, such as `rand-m9-mstd0.5-inc1`: `m` is the magnitude (10 if left out),
  /// `mstd` its noise (0), `n` the operations (2), `p` their probability (0.5). `inc1`, strengths
  /// that increase with the magnitude, is a must.
  ///
  /// - Throws: `NameError` where a part is not understood or a number out of range.
  public init(name: String) throws(NameError) {
    func wrong(_ reason: String) -> NameError { NameError(name: name, reason: reason) }
    let example = "expected something like rand-m9-mstd0.5-inc1"
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.first == "rand" else { throw wrong("does not begin with rand; \(example)") }
    self.init(magnitude: Self.mostMagnitude, noise: 0)
    var increases = false
    for part in parts.dropFirst() {
      let key = part.prefix { !("0"..."9").contains($0) }
      guard let value = Double(part.dropFirst(key.count)), value.isFinite else {
        throw wrong("has a part '\(part)' without a number; \(example)")
      }
      switch key {
      case "m": magnitude = value
      case "mstd": noise = value
      case "p": probability = value
      case "n":
        guard let count = Int(exactly: value) else {
          throw wrong("has a part '\(part)'; expected n and a whole number")
        }
        operations = count
      case "inc": increases = value == 1
      default:
        throw wrong("has a part '\(part)' that is not known; the parts are m, mstd, n, p and inc1")
      }
    }
    guard increases else {
      throw wrong("lacks inc1; only operations that grow stronger with the magnitude are there")
    }
    if let problem = problems.first {
      throw wrong("is out of range: \(problem.path) \(problem.message)")
    }
  }

  /// timm's form of the values. It does not tell the filter, which timm takes from elsewhere.
  public var name: String {
    var parts = ["rand", "m" + short(magnitude)]
    if operations != 2 { parts.append("n\(operations)") }
    if probability != 0.5 { parts.append("p" + short(probability)) }
    if noise != 0 { parts.append("mstd" + short(noise)) }
    return (parts + ["inc1"]).joined(separator: "-")
  }
}

/// A number without `.0`.
private func short(_ x: Double) -> String {
  Int(exactly: x).map(String.init) ?? "\(x)"
}
