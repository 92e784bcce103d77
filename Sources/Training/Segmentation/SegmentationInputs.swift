public import Datasets
public import Runs
public import WeightExchange

/// What a user names for training a segmenter besides the recipe.
public struct SegmentationInputs: TrainingInputs {
  /// The encoder's run folder, checkpoint or file, or a segmenter's; nil trains from scratch.
  public var model: String?
  /// What the shape is taken from in a run from scratch whose recipe has no model.
  public var like: String?
  /// What is known of the encoder and not written in its file.
  public var hints: ConfigurationHints
  /// The pictures with labels, as they are opened.
  public var path: String
  /// The pictures to validate on; nil for the validation part of the set, or a tenth of it.
  public var validation: String?
  /// What the set does not say of itself; what a label of 0 is stands in the recipe.
  public var rules: LabelRules
  /// The sets as the user named them, for messages and results.
  public var names: (data: String, validation: String?)

  /// Names data and an encoder.
  public init(
    model: String?, like: String? = nil, hints: ConfigurationHints = .init(), data path: String,
    validation: String? = nil, rules: LabelRules = .init(),
    named names: (data: String, validation: String?)? = nil
  ) {
    self.model = model
    self.like = like
    self.hints = hints
    self.path = path
    self.validation = validation
    self.rules = rules
    self.names = names ?? (path, validation)
  }

  /// Whether weights start at random.
  public var isFromScratch: Bool { model == nil }

  public var kind: RunKind {
    RunKind(
      name: "segmentation",
      command: isFromScratch ? "mae segment train --scratch" : "mae segment train",
      title: "a segmenter's run", product: "segmenter", encoder: model)
  }
  public var models: [String] { [model, like].compactMap(\.self) }
  public var images: [String] { [path, validation].compactMap(\.self) }
}
