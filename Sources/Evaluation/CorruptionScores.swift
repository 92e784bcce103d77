import FileSystem

/// A corruption of ImageNet-C; the raw value is its folder's name.
public enum Corruption: String, CaseIterable, Codable, Hashable, Sendable {
  case gaussianNoise = "gaussian_noise"
  case shotNoise = "shot_noise"
  case impulseNoise = "impulse_noise"
  case defocusBlur = "defocus_blur"
  case glassBlur = "glass_blur"
  case motionBlur = "motion_blur"
  case zoomBlur = "zoom_blur"
  case snow
  case frost
  case fog
  case brightness
  case contrast
  case elasticTransform = "elastic_transform"
  case pixelate
  case jpegCompression = "jpeg_compression"

  /// The published error of AlexNet, a mean over the severities, which the mean corruption error is
  /// relative to (Hendrycks and Dietterich, 2019, arXiv:1903.12261; to more digits in the authors'
  /// programs, https://github.com/hendrycks/robustness).
  public var alexNetError: Double {
    switch self {
    case .gaussianNoise: 0.886428
    case .shotNoise: 0.894468
    case .impulseNoise: 0.922640
    case .defocusBlur: 0.819880
    case .glassBlur: 0.826268
    case .motionBlur: 0.785948
    case .zoomBlur: 0.798360
    case .snow: 0.866816
    case .frost: 0.826572
    case .fog: 0.819324
    case .brightness: 0.564592
    case .contrast: 0.853204
    case .elasticTransform: 0.646056
    case .pixelate: 0.717840
    case .jpegCompression: 0.606500
    }
  }
}

/// What a classifier makes of ImageNet-C: the errors at each severity of each corruption.
///
/// All are parts of 1; published tables have percents.
public struct CorruptionScores: Hashable, Sendable {
  /// The severities that the set has.
  public static let severities = 1...5

  /// Errors by corruption and severity.
  private var errors: [String: [Int: Double]] = [:]

  /// Starts without results.
  public init() {}

  /// Sets the top-1 error, 0...1, at a severity of a corruption, by its folder's name.
  ///
  /// Corruptions besides the fifteen of ``Corruption`` (the published extra ones, or a set's own) are
  /// kept and are no part of the means.
  public mutating func set(_ error: Double, of corruption: String, severity: Int) {
    precondition((0...1).contains(error), "an error of \(error)")
    precondition(Self.severities.contains(severity), "a severity of \(severity)")
    errors[corruption, default: [:]][severity] = error
  }

  /// Sets the error by what was counted.
  public mutating func set(_ tally: TopKAccuracy, of corruption: String, severity: Int) {
    set(1 - tally.top1, of: corruption, severity: severity)
  }

  /// The error at a severity.
  public func error(of corruption: String, severity: Int) -> Double? {
    errors[corruption]?[severity]
  }

  /// The mean error over the five severities; nil where one is missing.
  public func error(of corruption: String) -> Double? {
    guard let found = errors[corruption], found.count == Self.severities.count else { return nil }
    return Self.severities.reduce(0.0) { $0 + (found[$1] ?? 0) } / Double(Self.severities.count)
  }

  /// The corruption error: the mean error relative to AlexNet's; nil where a severity is missing.
  public func corruptionError(of corruption: Corruption) -> Double? {
    error(of: corruption.rawValue).map { $0 / corruption.alexNetError }
  }

  /// The mean of the errors of the fifteen corruptions, not normalised; nil where one is missing.
  public var meanError: Double? { mean { error(of: $0.rawValue) } }

  /// The mean corruption error, mCE, 1 for AlexNet; nil where a corruption or severity is missing.
  public var meanCorruptionError: Double? { mean(corruptionError) }

  /// The corruptions of which a severity is missing.
  public var missing: [Corruption] {
    Corruption.allCases.filter { error(of: $0.rawValue) == nil }
  }

  /// Corruptions with results, in the published order and then the others by name.
  public var corruptions: [String] {
    let known = Corruption.allCases.map(\.rawValue)
    return known.filter { errors[$0] != nil } + errors.keys.filter { !known.contains($0) }.sorted()
  }

  /// The results as the lines of a CSV file; what is missing is left empty.
  public var csvLines: [String] {
    func field(_ value: Double?) -> String { value.map { String($0) } ?? "" }
    let head =
      "corruption,severity 1,severity 2,severity 3,severity 4,severity 5,mean,relative to AlexNet"
    let rows = corruptions.map { name in
      let errors = Self.severities.map { field(error(of: name, severity: $0)) }
      let relative = Corruption(rawValue: name).flatMap(corruptionError)
      let fields = [CSVText.field(name)] + errors + [field(error(of: name)), field(relative)]
      return fields.joined(separator: ",")
    }
    return [head] + rows + ["mean,,,,,,\(field(meanError)),\(field(meanCorruptionError))"]
  }

  private func mean(_ value: (Corruption) -> Double?) -> Double? {
    let values = Corruption.allCases.compactMap(value)
    guard values.count == Corruption.allCases.count else { return nil }
    return values.reduce(0, +) / Double(values.count)
  }
}
