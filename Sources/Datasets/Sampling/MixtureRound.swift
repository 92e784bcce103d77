/// The turns of a mixture's parts in one round, which is repeated for ever: spread so evenly that
/// the number of images drawn from a part is less than one away from its share at every moment.
///
/// Chairman assignment (Tijdeman, The chairman assignment problem, 1980).
struct MixtureRound: Sendable {
  /// Images of a round.
  var count: Int { turns.count }
  /// For each turn the part, and how many turns of the round the part had before.
  private let turns: [(part: Int32, before: Int32)]
  private let draws: [Int]

  /// - Parameter draws: turns of each part.
  init(draws: [Int]) {
    self.draws = draws
    let total = draws.reduce(0, +)
    // In units of 1 / total: what a part is owed, and the slack that the bound leaves.
    let slack = draws.count > 1 ? Double(total) / Double(2 * draws.count - 2) : 0
    var taken = [Int](repeating: 0, count: draws.count)
    var turns: [(part: Int32, before: Int32)] = []
    turns.reserveCapacity(total)
    for turn in 1...max(total, 1) where total > 0 {
      var best = 0
      var earliest = Double.infinity
      for part in draws.indices {
        let owed = Double(turn * draws[part] - taken[part] * total)
        guard owed >= slack else { continue }
        let deadline = (Double(total) - slack - owed) / Double(draws[part])
        if deadline < earliest {
          best = part
          earliest = deadline
        }
      }
      turns.append((Int32(best), Int32(taken[best])))
      taken[best] += 1
    }
    self.turns = turns
  }

  /// The part that an image of the mixture is drawn from, and how many were drawn from it before.
  subscript(position: Int) -> (part: Int, before: Int) {
    let (round, turn) = position.quotientAndRemainder(dividingBy: turns.count)
    let (part, before) = turns[turn]
    return (Int(part), round * draws[Int(part)] + Int(before))
  }

  /// Most images of a round: shares are kept to a ten-thousandth.
  static let most = 10_000

  /// Whole numbers of draws a round in the proportions of `weights`: exact where a round of at most
  /// ``most`` images has them, else rounded; nil where a share would be nothing.
  static func draws(for weights: [Double]) -> [Int]? {
    let total = weights.reduce(0, +)
    let shares = weights.map { $0 / total }
    for count in weights.count...max(most, weights.count) {
      let exact = shares.map { $0 * Double(count) }
      let whole = exact.map { $0.rounded() }
      guard whole.allSatisfy({ $0 >= 1 }), zip(exact, whole).allSatisfy({ abs($0 - $1) < 1e-6 })
      else { continue }
      return whole.map { Int($0) }
    }
    let exact = shares.map { $0 * Double(most) }
    var draws = exact.map { Int($0) }
    let byRemainder = exact.indices.sorted {
      (exact[$1] - Double(draws[$1]), $0) < (exact[$0] - Double(draws[$0]), $1)
    }
    for part in byRemainder.prefix(most - draws.reduce(0, +)) { draws[part] += 1 }
    return draws.allSatisfy { $0 >= 1 } ? draws : nil
  }
}
