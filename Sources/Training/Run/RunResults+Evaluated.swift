import Evaluation

extension RunResults {
  /// How a trained classifier does on a set, as `mae evaluate` measured.
  public struct Evaluated: Codable, Hashable, Sendable {
    /// What was loaded, in words.
    public var model: String
    /// The set as the user named it.
    public var data: String
    /// Share of images whose class is the first prediction, 0…1.
    public var top1: Double?
    /// Share of images whose class is among the first `k` predictions, by `k`.
    public var topK: [Int: Double]?
    /// The mean of the classes' own shares, so that rare ones count as much as frequent ones.
    public var meanClassAccuracy: Double?
    /// The expected calibration error, 0…1.
    public var calibrationError: Double?
    /// Images that were evaluated.
    public var images: Int
    /// Images that could not be decoded.
    public var broken: Int
    /// Classes that competed.
    public var classes: Int?
    /// Images evaluated in a second, reading and decoding included.
    public var imagesPerSecond: Double
    /// Top-1 errors by corruption, of severities 1 to 5; only of sets of corruptions.
    public var corruptionErrors: [String: [Double?]]?
    /// The mean of the fifteen corruptions' errors; nil where some are missing.
    public var meanError: Double?
    /// The same relative to AlexNet's errors: mCE, 1 for AlexNet.
    public var meanCorruptionError: Double?

    /// Records the evaluation of a labelled set.
    ///
    /// - Parameter top: The `k` besides 1.
    public init(_ result: EvaluationResult, top k: Int, model: String, data: String) {
      let tally = result.tally
      self.model = model
      self.data = data
      top1 = tally.top1
      if k > 1, k < tally.classes { topK = [k: tally.accuracy(top: k)] }
      meanClassAccuracy = tally.confusion.meanClassAccuracy
      calibrationError = result.calibration.expectedError
      images = tally.total
      broken = result.broken.count
      classes = tally.classes
      imagesPerSecond = result.imagesPerSecond
    }

    /// Records the evaluation of a set of corruptions.
    public init(_ result: RobustnessEvaluation, model: String, data: String) {
      self.model = model
      self.data = data
      images = result.images
      broken = result.broken.count
      imagesPerSecond = result.imagesPerSecond
      let scores = result.scores
      corruptionErrors = Dictionary(
        uniqueKeysWithValues: scores.corruptions.map { name in
          (name, CorruptionScores.severities.map { scores.error(of: name, severity: $0) })
        })
      meanError = scores.meanError
      meanCorruptionError = scores.meanCorruptionError
    }
  }
}

extension RunPage {
  /// The evaluations by `mae evaluate`; nil where there are none.
  static func evaluatedTable(_ results: RunResults) -> RunReport.Table? {
    guard !results.evaluated.isEmpty else { return nil }
    func share(_ value: Double?) -> String { value.map(percent) ?? "–" }
    let rows = results.evaluated.sorted { $0.key < $1.key }.map { name, result in
      let top = (result.topK ?? [:]).sorted { $0.key < $1.key }.map {
        "top-\($0.key) \(percent($0.value))"
      }
      return [
        name, share(result.top1), top.isEmpty ? "–" : top.joined(separator: ", "),
        share(result.meanClassAccuracy), share(result.calibrationError),
        share(result.meanCorruptionError), "\(result.images)",
        Readable.fixed(result.imagesPerSecond, 1),
      ]
    }
    return RunReport.Table(
      title: "Evaluated on other sets",
      columns: [
        "data", "top-1", "among the first", "mean of classes", "calibration error", "mCE", "images",
        "images/s",
      ],
      rows: rows,
      note: "By mae evaluate. mCE is the mean corruption error of ImageNet-C, 100 % for AlexNet.")
  }
}
