import Datasets
import DenseHeads
import Foundation
import Imaging
import MaskedAutoencoders
import TorchOptim

extension RecipeBooks {
  /// Recipes of semantic segmentation.
  public static let segmentation = RecipeBook<SegmentationRecipe>(
    commands: ["mae segment train"], purpose: "semantic segmentation",
    entries: [.segmentSmall] + RecipeBook<SegmentationRecipe>.Entry.paperTable5)
}

extension RecipeBook<SegmentationRecipe>.Entry {
  // Paper:     the method of He et al. (2022), §5; sizes for small pictures on one machine.
  // Accuracy:  what was measured is in Documentation/Results.
  // Hours:     0.2 on two cores.
  // Command:   mae segment train RUN DATA --out OUT
  /// The recipe of a run that names none: small pictures, a light decoder.
  static let segmentSmall = Self(
    SegmentationRecipe(
      name: "segment-small", note: "pictures of 64 × 64, a light decoder, for one machine",
      model: nil, size: 64,
      backbone: .init(relativePositions: .none, layerScale: nil, dropPath: 0),
      decoder: .init(kind: .pyramid, channels: 64, auxiliaryChannels: nil),
      augmentation: .init(
        longest: 256, shortest: 64, ratio: 1...1.5, maxClassShare: 1, photometric: false),
      optimizer: OptimizerRecipe(baseLearningRate: 1.6e-2, layerDecay: 0.9),
      batch: .init(size: 16), schedule: .init(epochs: 32, steps: 600),
      rate: .init(decay: .cosine, warmupSteps: 60, warmupFactor: 0),
      checkpoints: .init(everyEpochs: nil, everySteps: 200, keep: 1),
      logging: .init(everySteps: 20)),
    summary: "pictures of 64 × 64, a light decoder, 600 steps: a start on one machine",
    header: [
      "Paper:    the method of He et al. (2022), arXiv:2111.06377, §5, with sizes for one machine",
      "Accuracy: not published; what was measured is in Documentation/Results",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae segment train RUN DATA --out OUT",
    ])

  // Paper:     He et al. (2022), Table 5: UperNet on ADE20K; the values are BEiT's code's as
  //            MMSegmentation has them for ViT-B. See Documentation/Decisions/16-semantic-segmentation.md.
  // Accuracy:  mIoU on ADE20K's validation pictures: B 48.1, L 53.6 (Table 5); MMSegmentation B 48.13.
  // Hours:     not published.
  // Command:   mae segment train RUN ADE20K --out OUT --recipe upernet-base
  /// End-to-end fine-tuning on ADE20K.
  static let paperTable5: [Self] = [
    upernet(
      "base", accuracy: "48.1", layerDecay: 0.65, dropPath: 0.1,
      known: ["every value is MMSegmentation's mae-base_upernet_8xb2-amp-160k_ade20k-512x512"]),
    upernet(
      "large", accuracy: "53.6", layerDecay: 0.75, dropPath: 0.2,
      known: [
        "nobody has published the values for ViT-L: layer decay and drop path are those of its",
        "          fine-tuning on ImageNet, the rest is ViT-B's",
      ]),
  ]

  private static func upernet(
    _ size: String, accuracy: String, layerDecay: Double, dropPath: Double, known: [String]
  ) -> Self {
    let name = "upernet-\(size)"
    let title = "UperNet on ViT-\(size.capitalized), 512 × 512, 160,000 steps"
    return Self(
      SegmentationRecipe(
        name: name, note: "He et al. (2022), Table 5: \(title)",
        backbone: .init(dropPath: dropPath), loss: .init(countsIgnored: true),
        inference: .init(stride: 341),
        data: .init(normalization: .imageNet),
        optimizer: OptimizerRecipe(baseLearningRate: 1.6e-3, layerDecay: layerDecay)),
      summary: "Table 5: \(title); \(accuracy)",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 5",
        "Accuracy: ADE20K mIoU %: \(accuracy) after 1600 epochs of pre-training",
        "Known:    " + known[0],
      ] + known.dropFirst() + [
        "Command:  mae segment train RUN ADE20K --out OUT --recipe \(name)",
        "          16 pictures a step: where they do not fit, add",
        "          --set batch.size=2 --set batch.accumulation=8 --set memory.recompute=true",
        "          (batch normalisation then sees 2 pictures at a time, as on the paper's 8 GPUs)",
      ])
  }
}
