public import Runs
public import WeightExchange

/// What a user names for training a detector besides the recipe.
public struct DetectionInputs: TrainingInputs {
  /// The encoder's run folder, checkpoint or file, or a detector's; nil trains from scratch.
  public var model: String?
  /// What the shape is taken from in a run from scratch whose recipe has no model.
  public var like: String?
  /// What is known of the encoder and not written in its file.
  public var hints: ConfigurationHints
  /// The pictures with objects, a COCO folder or file, as they are opened.
  public var path: String
  /// The pictures to validate on; nil for the validation part of the set, or a tenth of it.
  public var validation: String?
  /// The folder with the pictures of a file; nil for the one beside it that has them.
  public var pictures: String?
  /// Whether pictures that are not there are left out.
  public var skipsMissing: Bool
  /// The sets as the user named them, for messages and results.
  public var names: (data: String, validation: String?)

  /// Names data and an encoder.
  public init(
    model: String?, like: String? = nil, hints: ConfigurationHints = .init(), data path: String,
    validation: String? = nil, pictures: String? = nil, skipsMissing: Bool = false,
    named names: (data: String, validation: String?)? = nil
  ) {
    self.model = model
    self.like = like
    self.hints = hints
    self.path = path
    self.validation = validation
    self.pictures = pictures
    self.skipsMissing = skipsMissing
    self.names = names ?? (path, validation)
  }

  /// Whether weights start at random.
  public var isFromScratch: Bool { model == nil }

  public var kind: RunKind {
    RunKind(
      name: "detection",
      command: isFromScratch ? "mae detect train --scratch" : "mae detect train",
      title: "a detector's run", product: "detector", encoder: model)
  }
  public var models: [String] { [model, like].compactMap(\.self) }
  public var images: [String] { [path, validation].compactMap(\.self) }
}
