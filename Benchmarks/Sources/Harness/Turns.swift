/// Something that is measured in turn with others.
public struct Candidate {
  /// What figures are printed under.
  public let name: String
  let measure: () throws -> Double

  /// Names a measurement.
  ///
  /// - Parameter measure: Gives one figure: seconds, or images a second.
  public init(_ name: String, measure: @escaping () throws -> Double) {
    self.name = name
    self.measure = measure
  }
}

/// Candidates that were measured one after the other, round by round.
///
/// What changes on the machine meanwhile (clock, neighbours) meets all of them alike, so the ratios
/// of one round are what to compare.
public struct Turns: Sendable {
  private let figures: [String: [Double]]

  /// Measures every candidate once in each round, in their order.
  ///
  /// - Parameter warmup: Rounds whose figures are dropped.
  /// - Throws: what a candidate throws.
  public init(_ candidates: [Candidate], rounds: Int, warmup: Int = 0) throws {
    precondition(rounds >= 1, "at least one round is needed")
    precondition(
      Set(candidates.map(\.name)).count == candidates.count, "two candidates have one name")
    var figures: [String: [Double]] = [:]
    for round in 0..<warmup + rounds {
      for candidate in candidates {
        let figure = try candidate.measure()
        if round >= warmup { figures[candidate.name, default: []].append(figure) }
      }
    }
    self.figures = figures
  }

  /// The figures of a candidate.
  public subscript(name: String) -> Distribution { Distribution(rounds(of: name)) }

  /// The figures of one candidate over those of another, round by round.
  public func ratio(_ name: String, over other: String) -> Distribution {
    Distribution(zip(rounds(of: name), rounds(of: other)).map { $0 / $1 })
  }

  private func rounds(of name: String) -> [Double] {
    guard let rounds = figures[name] else { preconditionFailure("no candidate is named \(name)") }
    return rounds
  }
}
