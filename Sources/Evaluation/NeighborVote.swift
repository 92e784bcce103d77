#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Makes class scores of the nearest neighbours of an example.
public struct NeighborVote: Hashable, Sendable {
  /// How much a neighbour's vote counts.
  public enum Weighting: Hashable, Sendable {
    /// As much as any other's.
    case uniform
    /// `exp(similarity / temperature)` (Wu et al., 2018, §3.4; DINO's protocol has 0.07).
    case exponential(temperature: Double)
  }

  /// Number of classes, `K`.
  public var classes: Int
  /// How much a vote counts.
  public var weighting: Weighting

  /// Creates a vote.
  public init(classes: Int, weighting: Weighting = .exponential(temperature: 0.07)) {
    precondition(classes >= 1, "a vote on \(classes) classes")
    if case .exponential(let temperature) = weighting {
      precondition(temperature > 0, "a temperature of \(temperature)")
    }
    self.classes = classes
    self.weighting = weighting
  }

  /// The classes' parts of all votes, which sum to 1; `[K]`. The neighbours' cosine similarities
  /// and labels are in any order.
  ///
  /// Weights are taken relative to the most similar neighbour's, so that no temperature overflows.
  public func scores(similarities: [Float], labels: [Int]) -> [Float] {
    precondition(
      similarities.count == labels.count && !labels.isEmpty,
      "\(similarities.count) similarities and \(labels.count) labels of neighbours")
    let highest = Double(similarities.max() ?? 0)
    var votes = Array(repeating: 0.0, count: classes)
    for (similarity, label) in zip(similarities, labels) {
      precondition((0..<classes).contains(label), "label \(label) is not among 0..<\(classes)")
      switch weighting {
      case .uniform: votes[label] += 1
      case .exponential(let temperature):
        votes[label] += exp((Double(similarity) - highest) / temperature)
      }
    }
    let sum = votes.reduce(0, +)
    return votes.map { Float($0 / sum) }
  }

  /// The class with most votes; of equal ones that of the lower index.
  public func prediction(similarities: [Float], labels: [Int]) -> Int {
    let scores = scores(similarities: similarities, labels: labels)
    return scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
  }
}
