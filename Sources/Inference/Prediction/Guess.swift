#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A class that an image may be of.
public struct Guess: Codable, Hashable, Sendable {
  /// The class's name.
  public let label: String
  /// Its number among the model's classes.
  public let index: Int
  /// How likely the model takes it to be, 0…1; all classes' add up to 1.
  public let probability: Double

  /// Creates a guess.
  public init(label: String, index: Int, probability: Double) {
    self.label = label
    self.index = index
    self.probability = probability
  }
}

extension Guess {
  /// The likeliest classes by their logits' softmax, the likeliest first; of equal ones that of the
  /// lower number.
  ///
  /// A logit that is not a number is taken for the least.
  ///
  /// - Complexity: O(K · count)
  static func likeliest(
    _ count: Int, of logits: some RandomAccessCollection<Float>, labels: [String]
  ) -> [Guess] {
    precondition(logits.count == labels.count, "\(logits.count) logits, \(labels.count) classes")
    var best: [(index: Int, logit: Float)] = []
    for (index, value) in logits.enumerated() {
      let logit = value.isNaN ? -.infinity : value
      if best.count == count, let last = best.last, logit <= last.logit { continue }
      let place = best.firstIndex { logit > $0.logit } ?? best.count
      best.insert((index, logit), at: place)
      if best.count > count { best.removeLast() }
    }
    guard let highest = best.first?.logit, highest.isFinite else {
      return best.map { Guess(label: labels[$0.index], index: $0.index, probability: 0) }
    }
    func weight(_ logit: Float) -> Double { logit.isNaN ? 0 : exp(Double(logit - highest)) }
    let sum = logits.reduce(0) { $0 + weight($1) }
    return best.map {
      Guess(label: labels[$0.index], index: $0.index, probability: weight($0.logit) / sum)
    }
  }
}
