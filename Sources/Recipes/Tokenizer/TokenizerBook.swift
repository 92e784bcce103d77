import Datasets
import DiscreteVAE
import Imaging

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Darwin)
  private import Darwin
#endif

func cosine(_ x: Double) -> Double { cos(x) }

extension RecipeBooks {
  /// Recipes of image tokenizers.
  public static let tokenizer = RecipeBook<TokenizerRecipe>(
    commands: ["mae tokenizer train"], purpose: "learning to code images in tokens",
    entries: [.tokenizerSmall, .tokenizerFashionMNIST, .tokenizerDALLE])
}

extension RecipeBook<TokenizerRecipe>.Entry {
  // Paper:     the method of Ramesh et al. (2021), arXiv:2102.12092, with sizes for one machine.
  // Accuracy:  not published for these values.
  // Command:   mae tokenizer train DATA --out RUN
  /// The recipe of a run that names none: 14 × 14 tokens, for ViT-B/16 at 224 × 224.
  static let tokenizerSmall = Self(
    TokenizerRecipe(
      name: "tokenizer-small",
      note: "112 × 112, 14 × 14 tokens of 1024, for one machine",
      model: TokenizerConfiguration(
        blocks: 1, hiddenWidth: 64, initialWidth: 64, vocabulary: 1024),
      loss: .init(klShare: 0.5, minimumScale: 0.03),
      optimizer: OptimizerRecipe(baseLearningRate: 2e-3, weightDecay: 1e-4),
      batch: BatchRecipe(size: 64), schedule: ScheduleRecipe(epochs: 50, warmupEpochs: 0.5),
      checkpoints: CheckpointRecipe(everyEpochs: 5)),
    summary: "112 × 112, 14 × 14 tokens of 1024: for models of 14 × 14 patches, on one machine",
    header: [
      "Paper:    Ramesh et al. (2021), arXiv:2102.12092, with sizes for one machine",
      "Accuracy: not published for these values",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae tokenizer train DATA --out RUN",
    ])

  // Paper:     the method of Ramesh et al. (2021); the data are Xiao et al. (2017), arXiv:1708.07747.
  // Hours:     0.1 on two cores.
  // Command:   mae tokenizer train fashion-mnist --out RUN --recipe tokenizer-fashion-mnist
  /// Tokens of 4 × 4 pixels, as many as the demo's model has patches.
  static let tokenizerFashionMNIST = Self(
    TokenizerRecipe(
      name: "tokenizer-fashion-mnist",
      note: "28 × 28, one channel, 7 × 7 tokens of 128; a few minutes on two cores",
      model: TokenizerConfiguration(
        height: 28, width: 28, channels: 1, groups: 3, blocks: 1, hiddenWidth: 16,
        initialWidth: 32, vocabulary: 128),
      loss: .init(klShare: 0.5, minimumScale: 0.05),
      data: DataRecipe(crop: .none, flip: 0, normalization: .none),
      optimizer: OptimizerRecipe(baseLearningRate: 0.064, weightDecay: 1e-4),
      batch: BatchRecipe(size: 16), schedule: ScheduleRecipe(epochs: 1, warmupEpochs: 0.02),
      checkpoints: CheckpointRecipe(everyEpochs: 1), logging: .init(everySteps: 25)),
    summary: "28 × 28, one channel, 7 × 7 tokens of 128: a few minutes on two cores",
    header: [
      "Paper:    Ramesh et al. (2021), arXiv:2102.12092; the data are Xiao et al. (2017), arXiv:1708.07747",
      "Hours:    0.1 on two cores",
      "Command:  mae tokenizer train fashion-mnist --out RUN --recipe tokenizer-fashion-mnist",
    ])

  // Paper:     Ramesh et al. (2021), arXiv:2102.12092, A.2: AdamW, β 0.9 and 0.999, weight decay 1e-4,
  //            learning rate 1e-4 at 512 images falling to 1.25e-6, average of weights 0.999,
  //            temperature 1 to 1/16 over 150,000 of 3,000,000 steps, β 0 to 6.6 over 5,000. The
  //            images here are of 112 × 112 pixels, which 14 × 14 patches need; 256 × 256 there.
  // Command:   mae tokenizer train DATA --out RUN --recipe tokenizer-dalle
  /// The published network and its training.
  static let tokenizerDALLE = Self(
    TokenizerRecipe(
      name: "tokenizer-dalle", note: "Ramesh et al. (2021), A.2: 8192 tokens of 8 × 8 pixels",
      relaxation: .init(share: 0.05), loss: .init(klShare: 5.0 / 3000), ema: 0.999,
      schedule: ScheduleRecipe(epochs: 800, steps: 3_000_000, warmupEpochs: 0)),
    summary: "Ramesh et al. (2021), A.2: the published network, 8192 tokens of 8 × 8 pixels",
    header: [
      "Paper:    Ramesh et al. (2021), arXiv:2102.12092, A.2, on images of 112 × 112",
      "Accuracy: not published",
      "Hours:    not published; 3,000,000 steps of 512 images on 64 V100",
      "Command:  mae tokenizer train DATA --out RUN --recipe tokenizer-dalle",
    ])
}
