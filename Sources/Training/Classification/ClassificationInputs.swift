import MaskedAutoencoders
public import Runs
public import WeightExchange

/// What a user names for training a classifier besides the recipe.
public struct ClassificationInputs: TrainingInputs {
  /// The encoder's run folder, checkpoint or file; nil trains from scratch.
  public var model: String?
  /// What the shape is taken from in a run from scratch whose recipe has no model.
  public var like: String?
  /// What is known of the encoder and not written in its file.
  public var hints: ConfigurationHints
  /// The labelled set, as it is opened.
  public var path: String
  /// The set to validate on, as it is opened; nil for the validation part of the labelled set.
  public var validation: String?
  /// The sets as the user named them, for messages and results.
  public var names: (data: String, validation: String?)

  /// Names data and an encoder.
  public init(
    model: String?, like: String? = nil, hints: ConfigurationHints = .init(), data path: String,
    validation: String? = nil, named names: (data: String, validation: String?)? = nil
  ) {
    self.model = model
    self.like = like
    self.hints = hints
    self.path = path
    self.validation = validation
    self.names = names ?? (path, validation)
  }

  /// Whether weights start at random.
  public var isFromScratch: Bool { model == nil }

  public var kind: RunKind {
    isFromScratch
      ? RunKind(
        name: "from-scratch", command: "mae scratch", title: "a classifier's run from scratch",
        product: "classifier")
      : RunKind(
        name: "fine-tuning", command: "mae finetune", title: "a classifier's run from an encoder",
        product: "classifier", encoder: model)
  }
  public var models: [String] { [model, like].compactMap(\.self) }
  public var images: [String] { [path, validation].compactMap(\.self) }
}
