import Datasets
import Imaging
import MaskedAutoencoders
import TorchOptim

// Paper:     Bao et al. (2022), arXiv:2106.08254 (BEiT), put together from the parts of this library
//            for the comparison of He et al. (2022), §4.3 and Table 3: mask tokens in the encoder,
//            blocks of patches hidden, a tokenizer's tokens predicted by one linear layer.
// Deviates:  positions are a fixed sine-cosine table, where BEiT learns relative ones; there is no
//            layer scale and no stochastic depth; block masks hide exactly 79 of 196 patches, BEiT's
//            about 75; the jitter of colours has a hue of 0.1, which BEiT's has not; the tokenizer is
//            one's own, BEiT's DALL-E's of 8192 tokens, which `mae tokenizer import` takes.
// Accuracy:  BEiT's on ImageNet-1K top-1 %, fine-tuned: B 83.2, L 85.2 (He et al., 2022, Table 3);
//            not published for these values.
// Hours:     not published.
// Command:   mae tokenizer train IMAGENET/train --out tokenizer
//            mae pretrain IMAGENET/train --out RUN --recipe beit-style-vit-base
extension RecipeBook<PretrainingRecipe>.Entry {
  /// BEiT's setting at its size and on Fashion-MNIST.
  static let beitStyle: [Self] = [
    Self(
      PretrainingRecipe(
        name: "beit-style-vit-base",
        note: "after Bao et al. (2022), BEiT: ViT-Base/16, 800 epochs, tokens of ./tokenizer",
        model: ModelConfiguration(
          encoder: .base, decoder: TransformerShape(width: 768, depth: 0, heads: 12),
          target: tokens, encodesMaskTokens: true),
        masking: Masking(BlockMasking(ratio: 0.4)),
        data: DataRecipe(scale: 0.08...1, jitter: 0.4),
        // 1.5e-3 for 2048 images.
        optimizer: OptimizerRecipe(
          baseLearningRate: 1.875e-4, minimumLearningRate: 1e-5, weightDecay: 0.05, clip: 3),
        batch: BatchRecipe(size: 2048),
        schedule: ScheduleRecipe(epochs: 800, warmupEpochs: 10)),
      summary: "BEiT-style: ViT-Base/16, 800 epochs, blocks hidden, tokens of ./tokenizer",
      header: [
        "Paper:    Bao et al. (2022), arXiv:2106.08254 (BEiT), compared by He et al. (2022), Table 3;",
        "          without relative positions, layer scale and stochastic depth",
        "Accuracy: BEiT's, ImageNet-1K top-1 %, fine-tuned: 83.2; not published for these values",
        "Hours:    not published",
        "Command:  mae tokenizer train IMAGENET/train --out tokenizer",
        "          mae pretrain IMAGENET/train --out RUN --recipe beit-style-vit-base",
        "          Another tokenizer: --set model.target.tokenizer=FOLDER",
      ]),
    Self(
      PretrainingRecipe(
        name: "beit-style-fashion-mnist",
        note: "after Bao et al. (2022), BEiT: 28 × 28, one channel, patch 4, tokens of ./tokenizer",
        model: ModelConfiguration(
          height: 28, width: 28, channels: 1, patch: 4,
          encoder: TransformerShape(width: 128, depth: 4, heads: 4),
          decoder: TransformerShape(width: 128, depth: 0, heads: 4), target: tokens,
          encodesMaskTokens: true),
        masking: Masking(BlockMasking(ratio: 0.4)),
        data: DataRecipe(crop: .none, normalization: .given(mean: [0.286], std: [0.353])),
        optimizer: .pretraining(baseLearningRate: 2e-3), batch: BatchRecipe(size: 128),
        schedule: ScheduleRecipe(epochs: 3, warmupEpochs: 0.5),
        checkpoints: CheckpointRecipe(everyEpochs: 1),
        logging: PretrainingRecipe.Logging(everySteps: 25, reconstructionsEveryEpochs: 1)),
      summary: "BEiT-style: 28 × 28, one channel, patch 4, 3 epochs, tokens of ./tokenizer",
      header: [
        "Paper:    Bao et al. (2022), arXiv:2106.08254 (BEiT); the data are Xiao et al. (2017),",
        "          arXiv:1708.07747",
        "Accuracy: not published for these values",
        "Hours:    depend on the machine; the first lines of a run give an estimate",
        "Command:  mae tokenizer train fashion-mnist --out tokenizer --recipe tokenizer-fashion-mnist",
        "          mae pretrain fashion-mnist --out RUN --recipe beit-style-fashion-mnist",
        "          Another tokenizer: --set model.target.tokenizer=FOLDER",
      ]),
  ]

  /// Tokens of the tokenizer in the folder `tokenizer`.
  private static var tokens: ReconstructionTarget {
    var target = TokenTarget()
    target.tokenizer = "tokenizer"
    return ReconstructionTarget(target)
  }
}
