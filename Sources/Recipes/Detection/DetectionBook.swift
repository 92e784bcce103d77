import Datasets
import DenseHeads
import Foundation
import Imaging
import MaskedAutoencoders
import TorchOptim

extension RecipeBooks {
  /// Recipes of detection.
  public static let detection = RecipeBook<DetectionRecipe>(
    commands: ["mae detect train"], purpose: "detection of objects: boxes and masks",
    entries: [.detectSmall] + RecipeBook<DetectionRecipe>.Entry.vitDet
      + RecipeBook<DetectionRecipe>.Entry.paperTable4)
}

extension RecipeBook<DetectionRecipe>.Entry {
  // Paper:     the method of Li et al. (2022); sizes for small pictures on one machine.
  // Accuracy:  what was measured is in Documentation/Results.
  // Hours:     0.5 on two cores.
  // Command:   mae detect train RUN DATA --out OUT
  /// The recipe of a run that names none: small pictures, narrow heads.
  static let detectSmall = Self(
    DetectionRecipe(
      name: "detect-small", note: "pictures of 64 × 64, narrow heads, for one machine",
      model: nil, size: 64,
      backbone: .init(window: nil, relativePositions: .none, dropPath: 0),
      heads: .init(
        channels: 64, convolutions: 2, proposalConvolutions: 1, hidden: 256,
        anchorSizes: [8, 16, 32, 64, 128]),
      rules: small, labels: .init(keepsEmpty: true), augmentation: .init(scale: 0.8...1.25),
      optimizer: OptimizerRecipe(
        baseLearningRate: 3.2e-2, layerDecay: 0.9, weightDecay: 0.05, clip: 5),
      decayedWeights: .matrices, batch: .init(size: 8),
      schedule: .init(epochs: 8, steps: 4000),
      rate: .init(decay: .wholeCosine, warmupSteps: 100, warmupFactor: 0.01),
      checkpoints: .init(everyEpochs: nil, everySteps: 500, keep: 1),
      logging: .init(everySteps: 20)),
    summary: "pictures of 64 × 64, narrow heads, 4,000 steps: a start on one machine",
    header: [
      "Paper:    the method of Li et al. (2022), arXiv:2203.16527, with sizes for one machine",
      "Accuracy: not published; what was measured is in Documentation/Results",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae detect train RUN DATA --out OUT",
    ])

  private static var small: DetectionRules {
    var rules = DetectionRules()
    (rules.anchors, rules.regions) = (64, 32)
    (rules.trainingCandidates, rules.candidates, rules.proposals) = (200, 200, 100)
    return rules
  }

  // Paper:     Li et al. (2022), Table 4 (ViTDet): the values are detectron2's projects/ViTDet.
  //            See Documentation/Decisions/18-detection.md.
  // Accuracy:  COCO val2017 box / mask AP: B 51.6 / 45.9, L 55.5 / 49.2, H 56.7 / 50.2.
  // Hours:     not published; detectron2's page has seconds an image: 0.314, 0.603, 1.098.
  // Command:   mae detect train RUN COCO --out OUT --recipe vitdet-base
  /// ViTDet on COCO.
  static let vitDet: [Self] = [
    vitDet(
      "base", accuracy: "51.6 / 45.9", memory: "10.9", seconds: "0.314", layerDecay: 0.7,
      dropPath: 0.1),
    vitDet(
      "large", accuracy: "55.5 / 49.2", memory: "20.9", seconds: "0.603", layerDecay: 0.8,
      dropPath: 0.4),
    vitDet(
      "huge", accuracy: "56.7 / 50.2", memory: "31.5", seconds: "1.098", layerDecay: 0.9,
      dropPath: 0.5, decay: .all, steps: 138_281, epochs: 75),
  ]

  private static func vitDet(
    _ size: String, accuracy: String, memory: String, seconds: String, layerDecay: Double,
    dropPath: Double, decay: DecayedWeights = .vitDet, steps: Int = 184_375,
    epochs: Int = 100
  ) -> Self {
    let name = "vitdet-\(size)"
    let title = "ViTDet, ViT-\(size.capitalized), 1024 × 1024, \(epochs) epochs"
    return Self(
      DetectionRecipe(
        name: name, note: "Li et al. (2022), arXiv:2203.16527: \(title)",
        backbone: .init(dropPath: dropPath), data: .init(normalization: .imageNet),
        optimizer: OptimizerRecipe(
          baseLearningRate: 4e-4, layerDecay: layerDecay, weightDecay: 0.1),
        decayedWeights: decay, schedule: .init(epochs: epochs, steps: steps)),
      summary: "\(title); COCO \(accuracy)",
      header: [
        "Paper:    Li et al. (2022), arXiv:2203.16527; every value is detectron2's projects/ViTDet",
        "Accuracy: COCO val2017, box / mask AP %: \(accuracy)",
        "Cost:     \(seconds) s an image and \(memory) GB in training, as detectron2's page has it;",
        "          theirs is in float16, which is not here: float32, or --set precision=bfloat16",
        "Command:  mae detect train RUN COCO --out OUT --recipe \(name)",
        "          64 pictures a step: where they do not fit, add",
        "          --set batch.size=1 --set batch.accumulation=64 --set memory.recompute=true",
      ])
  }

  // Paper:     He et al. (2022), Table 4, with Li et al. (2021), arXiv:2111.11429; the values are
  //            MIMDet's models/benchmarking.py. See Documentation/Decisions/18-detection.md.
  // Accuracy:  COCO val2017 box / mask AP of ViT-B: 25 epochs 48.0 / 43.0, 50 50.2 / 44.9,
  //            100 50.4 / 44.9.
  // Hours:     not published.
  // Command:   mae detect train RUN COCO --out OUT --recipe table-4-base-100
  /// Detection as in the paper's Table 4.
  static let paperTable4: [Self] = [
    table4(25, accuracy: "48.0 / 43.0", steps: 46_093),
    table4(50, accuracy: "50.2 / 44.9", steps: 92_187),
    table4(100, accuracy: "50.4 / 44.9", steps: 184_375),
  ]

  private static func table4(_ epochs: Int, accuracy: String, steps: Int) -> Self {
    let name = "table-4-base-\(epochs)"
    let title = "Mask R-CNN on ViT-Base, 1024 × 1024, \(epochs) epochs"
    return Self(
      DetectionRecipe(
        name: name, note: "He et al. (2022), Table 4: \(title)",
        backbone: .init(window: 16, relativePositions: .shared, dropPath: 0.1),
        heads: .init(pyramid: .topDown, norm: .batch),
        augmentation: .init(padding: .gray), data: .init(normalization: .imageNet),
        optimizer: OptimizerRecipe(baseLearningRate: 3.2e-4, layerDecay: 1, weightDecay: 0.1),
        decayedWeights: .table4, schedule: .init(epochs: epochs, steps: steps),
        rate: .init(decay: .wholeCosine, warmupSteps: 461, warmupFactor: 0.001)),
      summary: "Table 4: \(title); COCO \(accuracy)",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 4; Li et al. (2021), arXiv:2111.11429",
        "Accuracy: COCO val2017, box / mask AP %: \(accuracy) (MIMDet's reproduction; Table 4: 50.3 /",
        "          44.9)",
        "Known:    every value is MIMDet's; for ViT-L nobody has published any: take vitdet-large",
        "Command:  mae detect train RUN COCO --out OUT --recipe \(name)",
        "          64 pictures a step: where they do not fit, add",
        "          --set batch.size=2 --set batch.accumulation=32 --set memory.recompute=true",
        "          (batch normalisation then sees 2 pictures at a time)",
      ])
  }
}
