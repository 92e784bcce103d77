import Datasets
import DiscreteVAE
import FileSystem
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs

/// An ablation on some data in some folder: its rows for every seed, and the steps that they need.
///
/// Rows that need the same step share it, also with other ablations in the same folder: a step is
/// known by everything that decides its result, see `StepRecord.identity`.
public struct AblationPlan {
  /// What a user decides.
  public struct Settings: Sendable {
    /// The folder: rows in `rows/`, results in a folder of the ablation's name.
    public var out: String
    /// The labelled images, as they are opened.
    public var data: String
    /// The images to validate on; nil for the validation part of the data.
    public var validation: String?
    /// Both as the user named them.
    public var names: (data: String, validation: String?)
    /// How many seeds every row is run with.
    public var seeds: Int
    /// The rows that are run, by their names; empty for all.
    public var rows: [String]
    /// What is measured, where a row measures it.
    public var measures: Set<AblationMeasure>
    /// Fields that pre-training has otherwise than the scale's in every row.
    public var changes: [String]
    /// The same of tokenizers.
    public var tokenizing: [String]
    /// The folder of a tokenizer that is there already; nil trains one where a row needs it.
    public var tokenizer: String?
    /// The same of contrastive pre-training.
    public var contrastive: [String]
    /// The same of fine-tuning and of training from scratch.
    public var finetuning: [String]
    /// The same of the linear probe.
    public var probing: [String]

    /// Names folder and data.
    public init(
      out: String, data: String, validation: String? = nil,
      named names: (data: String, validation: String?)? = nil, seeds: Int = 1,
      rows: [String] = [], measures: Set<AblationMeasure> = Set(AblationMeasure.allCases),
      changes: [String] = [], tokenizing: [String] = [], tokenizer: String? = nil,
      contrastive: [String] = [], finetuning: [String] = [],
      probing: [String] = []
    ) {
      self.out = out
      self.data = data
      self.validation = validation
      self.names = names ?? (data, validation)
      self.seeds = seeds
      self.rows = rows
      self.measures = measures
      self.changes = changes
      self.tokenizing = tokenizing
      self.tokenizer = tokenizer
      self.contrastive = contrastive
      self.finetuning = finetuning
      self.probing = probing
    }
  }

  /// A row with one seed, and its steps by their place in ``steps``.
  struct Row {
    let row: AblationRow
    let seed: Int
    var tokenizer: Int?
    var encoder: Int?
    var finetuned: Int?
    var probed: Int?
    var time: Int?

    /// The places of all its steps.
    var steps: [Int] { [tokenizer, encoder, finetuned, probed, time].compactMap(\.self) }
  }

  /// The experiment.
  public let ablation: Ablation
  /// The size, with what the user has changed of it.
  public let scale: AblationScale
  let settings: Settings
  let data: LabelledData
  let rows: [Row]
  let steps: [AblationStep]

  /// Opens the data and lays the steps out; nothing is trained or written.
  ///
  /// - Throws: `RecipeErrors` where a row's values do not go together, `DatasetError` or
  ///   `RunFailure` with what is wrong with the data or with what is in the folder already.
  public init(_ ablation: Ablation, at scale: AblationScale, _ settings: Settings) throws {
    self.ablation = ablation
    self.settings = settings
    let changed = try scale.changed(by: settings)
    self.scale = changed
    data = try LabelledData(settings, changed)
    let chosen = ablation.rows(at: changed).filter {
      settings.rows.isEmpty || settings.rows.contains($0.name)
    }
    var layout = try StepLayout(in: settings.out + "/rows")
    let making = StepMaking(scale: changed, settings: settings, data: data)
    var rows: [Row] = []
    for seed in 0..<settings.seeds {
      for row in chosen { rows.append(try making.row(row, seed: seed, in: &layout)) }
    }
    self.rows = rows
    steps = layout.steps
  }

  /// The folder of the results.
  public var results: String { "\(settings.out)/\(ablation.name)" }
}

extension AblationScale {
  /// The scale with a user's changes of its recipes.
  fileprivate func changed(
    by settings: AblationPlan.Settings
  ) throws(RecipeErrors) -> AblationScale {
    var scale = self
    scale.pretraining = try pretraining.changed(settings: settings.changes)
    // What is compared has the same encoder, and sees the same pixels.
    let (model, pixels) = (scale.pretraining.model, scale.pretraining.data)
    let stride = tokenizer.model.stride
    scale.tokenizer.model.height = model.grid.rows * stride
    scale.tokenizer.model.width = model.grid.columns * stride
    scale.tokenizer.model.channels = model.channels
    scale.tokenizer = try scale.tokenizer.changed(settings: settings.tokenizing)
    scale.contrastive.model = model
    scale.contrastive.model.decoder = nil
    scale.contrastive.data.normalization = pixels.normalization
    scale.contrastive.data.valueRange = pixels.valueRange
    scale.contrastive = try scale.contrastive.changed(settings: settings.contrastive)
    scale.finetuning = try finetuning.changed(settings: settings.finetuning)
    scale.scratch.model = model
    scale.scratch.model?.decoder = nil
    scale.scratch.data.normalization = pixels.normalization
    scale.scratch.data.valueRange = pixels.valueRange
    scale.scratch = try scale.scratch.changed(settings: settings.finetuning)
    if case .trained(let recipe) = probe {
      scale.probe = .trained(try recipe.changed(settings: settings.probing))
    }
    return scale
  }
}

extension AblationPlan {
  /// What a user may not expect of the data, each as a sentence.
  public var warnings: [String] { data.warnings }
}
