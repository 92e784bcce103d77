/// One of the paper's experiments (He et al., 2022): one thing is varied and everything else stays
/// as it is, and what each variant is worth is measured by labels.
public struct Ablation: Sendable {
  /// What the command calls it: `1a`, `figure5`.
  public let name: String
  /// What is varied: `Decoder depth`.
  public let title: String
  /// Where the paper has it: `Table 1a`.
  public let place: String
  /// What the paper found, a sentence.
  public let finding: String
  /// What rows' positions count, for an axis; nil where rows have no order but that of the table.
  public let axis: Axis?
  private let makeRows: @Sendable (AblationScale) -> [AblationRow]

  /// Describes an experiment.
  ///
  /// - Parameter rows: Its rows at a scale, in the paper's order.
  public init(
    _ name: String, _ title: String, place: String, finding: String, axis: Axis? = nil,
    rows: @escaping @Sendable (AblationScale) -> [AblationRow]
  ) {
    self.name = name
    self.title = title
    self.place = place
    self.finding = finding
    self.axis = axis
    makeRows = rows
  }

  /// The rows at a scale, in the paper's order.
  public func rows(at scale: AblationScale) -> [AblationRow] { makeRows(scale) }

  /// The horizontal axis of a plot.
  public struct Axis: Hashable, Sendable {
    /// What it counts: `blocks of the decoder`.
    public var title: String
    /// Whether equal distances are equal ratios.
    public var isLogarithmic: Bool

    /// Describes an axis.
    public init(_ title: String, isLogarithmic: Bool = false) {
      self.title = title
      self.isLogarithmic = isLogarithmic
    }
  }
}

/// A variant: what it changes in the scale's recipes, how it is measured, what the paper has for it.
public struct AblationRow: Hashable, Sendable {
  /// The row's name, which is also that of its folder: `decoder-depth-2`.
  public var name: String
  /// What tables and plots call it: `2 blocks`.
  public var label: String
  /// Its place on the ablation's axis.
  public var position: Double?
  /// What it belongs to where an ablation compares methods: `MAE`, `MoCo v3`; empty for one method.
  public var series: String
  /// What trains the encoder.
  public var origin: EncoderOrigin
  /// Fields that the encoder's recipe has otherwise than the scale's, each `path=value`.
  public var changes: [String]
  /// The length of the encoder's training as a share of the scale's.
  public var length: Double
  /// The name of its encoder's folder where another row has the same encoder; nil for its own.
  public var encoder: String?
  /// Fields that fine-tuning has otherwise than the scale's, each `path=value`.
  public var finetuning: [String]
  /// What is measured.
  public var measures: [AblationMeasure]
  /// The paper's numbers.
  public var paper: PublishedNumbers
  /// Why the row is not what the paper has at this place; empty where it is.
  public var remark: String

  /// Describes a row; what is not said is the scale's own setting, fine-tuned and probed.
  public init(
    _ name: String, _ label: String, at position: Double? = nil, series: String = "",
    origin: EncoderOrigin = .masked, changes: [String] = [], length: Double = 1,
    encoder: String? = nil, finetuning: [String] = [],
    measures: [AblationMeasure] = [.finetuned, .probed], paper: PublishedNumbers = .init(),
    remark: String = ""
  ) {
    self.name = name
    self.label = label
    self.position = position
    self.series = series
    self.origin = origin
    self.changes = changes
    self.length = length
    self.encoder = encoder
    self.finetuning = finetuning
    self.measures = measures
    self.paper = paper
    self.remark = remark
  }

  /// The changes of a row whose target are tokens; what trains the tokenizer is the scale's.
  static let tokens = ["model.target=tokens", "model.target.tokenizer=\(tokenizer)"]
  /// What stands for the folder of the tokenizer that such a row's step has made.
  static let tokenizer = "TOKENIZER"

  /// The folder of its encoder: rows that change nothing share the baseline's.
  var encoderName: String {
    changes.isEmpty && length == 1 ? origin.baseline : encoder ?? name
  }
  /// The folder of its classifiers.
  var classifierName: String { finetuning.isEmpty ? encoderName : name }
}

/// What an encoder is trained by.
public enum EncoderOrigin: String, Codable, Hashable, Sendable {
  /// Masked pre-training.
  case masked
  /// Contrastive pre-training, MoCo v3.
  case contrastive
  /// Nothing: the classifier starts from random weights.
  case scratch

  /// The folder of the one that changes nothing.
  var baseline: String {
    switch self {
    case .masked: "baseline"
    case .contrastive: "moco"
    case .scratch: "scratch"
    }
  }
}

/// What is measured of a row.
public enum AblationMeasure: String, Codable, Hashable, Sendable, CaseIterable {
  /// Top-1 accuracy after fine-tuning, or after training from scratch.
  case finetuned
  /// Top-1 accuracy of a linear classifier on frozen features.
  case probed
  /// Time of a training step.
  case time
}

/// What the paper reports for a row: ImageNet-1K top-1 in per cent, ViT-Large unless the ablation says
/// otherwise.
public struct PublishedNumbers: Codable, Hashable, Sendable {
  /// Fine-tuned.
  public var finetuned: Double?
  /// With a linear probe.
  public var probed: Double?
  /// Hours of pre-training (Table 2).
  public var hours: Double?

  /// Quotes numbers.
  public init(_ finetuned: Double? = nil, _ probed: Double? = nil, hours: Double? = nil) {
    self.finetuned = finetuned
    self.probed = probed
    self.hours = hours
  }
}
