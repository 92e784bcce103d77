import RecipeSyntax

/// The paper's experiments: one more is one more line here.
public enum Ablations {
  /// Those that have a name, in the paper's order.
  public static let all: [Ablation] = [
    .decoderDepth,
    .decoderWidth,
    .encoderMaskTokens,
    .target,
    .augmentation,
    .maskSampling,
    .maskingRatio,
    .trainingLength,
    .partialFinetuning,
    .trainingTime,
    .targetsByProtocol,
    .augmentationByMethod,
  ]

  /// Their names.
  public static var names: [String] { all.map(\.name) }

  /// The experiment of a name; nil where none has it.
  public static func named(_ name: String) -> Ablation? { all.first { $0.name == name } }
}

extension AblationRow {
  /// A number as a row's name and label have it.
  static func text(_ number: Double) -> String { ScalarText.written(number) }
}
