import Datasets
import Imaging
import MaskedAutoencoders
public import Recipes
import TorchOptim

/// A size at which the paper's experiments are run: the recipes that rows vary.
public struct AblationScale: Sendable {
  /// What the command calls it: `demo`.
  public var name: String
  /// What it is made for, in words.
  public var purpose: String
  /// The set of images that is taken where none is named; nil where one must be.
  public var data: String?
  /// Pre-training.
  public var pretraining: PretrainingRecipe
  /// The training of a tokenizer, for rows whose target are its tokens.
  public var tokenizer: TokenizerRecipe
  /// Contrastive pre-training, to compare with; its model is the encoder of ``pretraining``.
  public var contrastive: ContrastiveRecipe
  /// Fine-tuning of what was pre-trained.
  public var finetuning: FinetuningRecipe
  /// Training from random weights; its model is the encoder of ``pretraining``.
  public var scratch: FinetuningRecipe
  /// How frozen features are measured.
  public var probe: FrozenProbe
  /// Depths of the decoder (Table 1a).
  public var decoderDepths: [Int]
  /// Widths of the decoder as shares of the encoder's (Table 1b).
  public var decoderWidths: [Double]
  /// Lengths of pre-training as shares of the base's (Figure 7).
  public var lengths: [Double]
  /// Numbers of last blocks that are fine-tuned, less than all (Figure 9).
  public var partialBlocks: [Double]

  /// A linear classifier on frozen features.
  public enum FrozenProbe: Sendable {
    /// Solved to the end by L-BFGS on features of so many images.
    case exact(images: Int?)
    /// Trained with augmentation by a recipe (Table 10).
    case trained(FinetuningRecipe)
  }

  /// Creates a scale.
  public init(
    _ name: String, purpose: String, data: String? = nil, pretraining: PretrainingRecipe,
    tokenizer: TokenizerRecipe, contrastive: ContrastiveRecipe, finetuning: FinetuningRecipe,
    scratch: FinetuningRecipe,
    probe: FrozenProbe,
    decoderDepths: [Int], decoderWidths: [Double] = [0.125, 0.25, 0.5, 0.75, 1],
    lengths: [Double], partialBlocks: [Double]
  ) {
    self.name = name
    self.purpose = purpose
    self.data = data
    self.pretraining = pretraining
    self.tokenizer = tokenizer
    self.contrastive = contrastive
    self.finetuning = finetuning
    self.scratch = scratch
    self.probe = probe
    self.decoderDepths = decoderDepths
    self.decoderWidths = decoderWidths
    self.lengths = lengths
    self.partialBlocks = partialBlocks
  }

  /// Those that have a name.
  public static let named: [AblationScale] = [.demo, .small, .paper]
}

extension AblationScale {
  /// Fashion-MNIST on two cores, a minute a row: one epoch of pre-training, 600 labels.
  public static let demo: AblationScale = {
    let pretraining = PretrainingRecipe(
      name: "ablate-demo", note: "28 × 28, one channel, patch 4, one epoch: a minute on two cores",
      model: ModelConfiguration(
        height: 28, width: 28, channels: 1, patch: 4,
        encoder: TransformerShape(width: 64, depth: 4, heads: 4),
        decoder: TransformerShape(width: 32, depth: 2, heads: 4), target: .pixels),
      data: DataRecipe(normalization: .given(mean: [0.286], std: [0.353])),
      optimizer: .pretraining(baseLearningRate: 2e-3), batch: BatchRecipe(size: 128),
      schedule: ScheduleRecipe(epochs: 1, warmupEpochs: 0.1),
      checkpoints: CheckpointRecipe(everyEpochs: nil, everySteps: 200, keep: 1),
      logging: .init(everySteps: 25, reconstructionsEveryEpochs: nil))
    let finetuning = FinetuningRecipe(
      name: "ablate-demo-1-percent", note: "1 % of the labels, 20 epochs",
      labels: .init(fraction: 0.01),
      regularization: .init(dropPath: 0, mixup: 0, cutmix: 0, randAugment: nil),
      data: .init(crop: .none, normalization: .inherited, valueRange: .inherited),
      optimizer: .finetuning(baseLearningRate: 8e-3), batch: .init(size: 32),
      schedule: .init(epochs: 20, warmupEpochs: 2),
      checkpoints: .init(everyEpochs: nil, everySteps: 100, keep: 1), logging: .init(everySteps: 25)
    )
    // Each image costs several times as much as a masked one: half of the epochs.
    var contrastive = book(RecipeBooks.contrastive, "moco-v3-fashion-mnist")
    contrastive.name = "ablate-demo-contrastive"
    contrastive.batch.size = 128
    contrastive.schedule = ScheduleRecipe(epochs: 1, steps: 234, warmupEpochs: 0.05)
    contrastive.optimizer.baseLearningRate = 2e-3
    contrastive.checkpoints = CheckpointRecipe(everyEpochs: nil, everySteps: 100, keep: 1)
    var scratch = finetuning
    scratch.name = "ablate-demo-scratch"
    scratch.data.normalization = pretraining.data.normalization
    scratch.data.valueRange = .full
    scratch.optimizer.layerDecay = 1
    return AblationScale(
      "demo", purpose: "Fashion-MNIST on two cores, about a minute a row", data: "fashion-mnist",
      pretraining: pretraining,
      tokenizer: book(RecipeBooks.tokenizer, "tokenizer-fashion-mnist"), contrastive: contrastive,
      finetuning: finetuning, scratch: scratch,
      probe: .exact(images: 6000), decoderDepths: [1, 2, 4, 8], lengths: [0.25, 0.5, 1, 2, 4],
      partialBlocks: [0, 0.5, 1, 2, 3])
  }()

  /// ViT-Small on a set of one's own: some hours a row on one GPU for 100,000 images.
  public static let small: AblationScale = {
    let shape = ModelConfiguration(
      encoder: .small, decoder: TransformerShape(width: 192, depth: 8, heads: 6), target: .pixels)
    let pretraining = PretrainingRecipe(
      name: "ablate-small", note: "ViT-Small/16, 224 × 224, 100 epochs", model: shape,
      batch: BatchRecipe(size: 256), schedule: ScheduleRecipe(epochs: 100, warmupEpochs: 10),
      precision: .bfloat16, checkpoints: CheckpointRecipe(everyEpochs: 5, keep: 1),
      logging: .init(reconstructionsEveryEpochs: nil))
    var contrastive = book(RecipeBooks.contrastive, "moco-v3-vit-base")
    contrastive.name = "ablate-small-contrastive"
    contrastive.batch.size = 256
    contrastive.schedule = ScheduleRecipe(epochs: 40, warmupEpochs: 5)
    contrastive.precision = .bfloat16
    contrastive.checkpoints = CheckpointRecipe(everyEpochs: 5, keep: 1)
    var finetuning = book(RecipeBooks.classification, "finetune")
    finetuning.batch.size = 256
    finetuning.precision = .bfloat16
    finetuning.logging.evaluateEveryEpochs = nil
    var scratch = book(RecipeBooks.classification, "paper-table11-scratch-vit-base")
    scratch.batch.size = 256
    scratch.schedule = ScheduleRecipe(epochs: 100, warmupEpochs: 10)
    scratch.precision = .bfloat16
    var probe = book(RecipeBooks.classification, "linear-probe")
    probe.schedule = ScheduleRecipe(epochs: 50, warmupEpochs: 5)
    probe.precision = .bfloat16
    return AblationScale(
      "small", purpose: "ViT-Small on labelled images of one's own, some hours a row on one GPU",
      pretraining: pretraining, tokenizer: book(RecipeBooks.tokenizer, "tokenizer-small"),
      contrastive: contrastive, finetuning: finetuning, scratch: scratch, probe: .trained(probe),
      decoderDepths: [1, 2, 4, 8, 12], lengths: [0.25, 0.5, 1, 2, 4],
      partialBlocks: [0, 0.5, 1, 2, 4, 6])
  }()

  /// The paper's: ViT-Large, 800 epochs of ImageNet-1K.
  public static let paper: AblationScale = {
    let books = RecipeBooks.classification
    var pretraining = book(RecipeBooks.pretraining, "paper-table1-baseline")
    pretraining.checkpoints = CheckpointRecipe(everyEpochs: 20, keep: 1)
    pretraining.logging.reconstructionsEveryEpochs = nil
    return AblationScale(
      "paper", purpose: "the paper's own: ViT-Large, 800 epochs of ImageNet-1K",
      pretraining: pretraining, tokenizer: book(RecipeBooks.tokenizer, "tokenizer-dalle"),
      contrastive: book(RecipeBooks.contrastive, "moco-v3-vit-large"),
      finetuning: book(books, "paper-table9-vit-large"),
      scratch: book(books, "paper-table11-scratch-vit-large"),
      probe: .trained(book(books, "paper-table10-linear-probe")),
      decoderDepths: [1, 2, 4, 8, 12], lengths: [0.125, 0.25, 0.5, 1, 2],
      partialBlocks: [0, 0.5, 1, 2, 4, 6, 12, 18])
  }()

  /// A recipe that is there under its name.
  private static func book<Recipe: TrainingRecipe>(
    _ book: RecipeBook<Recipe>, _ name: String
  ) -> Recipe {
    guard let entry = try? book.entry(named: name) else {
      preconditionFailure("no recipe is called \(name)")
    }
    return entry.recipe
  }
}
