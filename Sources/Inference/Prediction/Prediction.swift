#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A class that an image may be of, with its probability.
public struct Prediction: Codable, Hashable, Sendable {
  /// The class's name.
  public let label: String
  /// Its number among the model's classes.
  public let index: Int
  /// The softmax of its logit, 0…1; those of all classes add up to 1.
  public let probability: Double

  /// Creates a prediction.
  public init(label: String, index: Int, probability: Double) {
    self.label = label
    self.index = index
    self.probability = probability
  }
}

extension Prediction {
  /// The `k` most probable classes by their logits' softmax, the most probable first; of equal ones
  /// that of the lower number.
  ///
  /// A logit that is not a number is taken for the least.
  ///
  /// - Complexity: O(K · k)
  static func topK(
    _ k: Int, of logits: some RandomAccessCollection<Float>, labels: [String]
  ) -> [Prediction] {
    precondition(logits.count == labels.count, "\(logits.count) logits, \(labels.count) classes")
    var best: [(index: Int, logit: Float)] = []
    for (index, value) in logits.enumerated() {
      let logit = value.isNaN ? -.infinity : value
      if best.count == k, let last = best.last, logit <= last.logit { continue }
      let place = best.firstIndex { logit > $0.logit } ?? best.count
      best.insert((index, logit), at: place)
      if best.count > k { best.removeLast() }
    }
    guard let highest = best.first?.logit, highest.isFinite else {
      return best.map {
        Prediction(label: labels[$0.index], index: $0.index, probability: 0)
      }
    }
    func weight(_ logit: Float) -> Double { logit.isNaN ? 0 : exp(Double(logit - highest)) }
    let sum = logits.reduce(0) { $0 + weight($1) }
    return best.map {
      Prediction(label: labels[$0.index], index: $0.index, probability: weight($0.logit) / sum)
    }
  }
}
