#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Whether a classifier is right as often as it says: confidence against accuracy in bins of equal
/// width (Guo et al., 2017).
public struct Calibration: Hashable, Sendable {
  /// Predictions of about the same confidence.
  public struct Bin: Hashable, Sendable {
    /// Number of predictions.
    public internal(set) var count = 0
    /// Those that were right.
    public internal(set) var correct = 0
    /// Sum of the confidences.
    public internal(set) var confidence = 0.0
  }

  /// Bins of growing confidence; bin `i` of `M` holds confidences above `i / M` up to `(i + 1) /
  /// M`.
  public private(set) var bins: [Bin]

  /// Creates empty bins; 15 are customary.
  public init(bins count: Int = 15) {
    precondition(count >= 1, "\(count) bins")
    bins = Array(repeating: Bin(), count: count)
  }

  /// Counts a prediction made with a confidence of 0...1.
  public mutating func add(confidence: Double, isCorrect: Bool) {
    precondition((0...1).contains(confidence), "a confidence of \(confidence)")
    let index = Int((confidence * Double(bins.count)).rounded(.up)) - 1
    let bin = min(max(index, 0), bins.count - 1)
    bins[bin].count += 1
    bins[bin].correct += isCorrect ? 1 : 0
    bins[bin].confidence += confidence
  }

  /// Counts a batch of predictions by their softmax: `logits` is `[B, K]` row by row, `labels` is
  /// `[B]`.
  ///
  /// A row with a value that is not finite has no confidence and is left out.
  public mutating func add(logits: [Float], labels: [Int]) {
    guard !labels.isEmpty else { return }
    precondition(
      logits.count.isMultiple(of: labels.count) && logits.count >= labels.count,
      "\(logits.count) logits for \(labels.count) examples")
    let classes = logits.count / labels.count
    for (row, label) in labels.enumerated() {
      let values = logits[row * classes..<(row + 1) * classes]
      guard values.allSatisfy(\.isFinite), let highest = values.max(),
        let best = values.firstIndex(of: highest)
      else { continue }
      let sum = values.reduce(0.0) { $0 + exp(Double($1) - Double(highest)) }
      add(confidence: 1 / sum, isCorrect: best - values.startIndex == label)
    }
  }

  /// Number of predictions.
  public var total: Int { bins.reduce(0) { $0 + $1.count } }

  /// The expected calibration error: the distance of accuracy and mean confidence, a mean over bins
  /// weighted by their predictions; 0 without predictions.
  public var expectedError: Double {
    guard total > 0 else { return 0 }
    return bins.reduce(0) { $0 + abs(Double($1.correct) - $1.confidence) } / Double(total)
  }
}
