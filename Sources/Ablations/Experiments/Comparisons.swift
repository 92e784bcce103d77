import MaskedAutoencoders
import Recipes

// What the paper measures in several ways at once.
extension Ablation {
  /// Table 2.
  static let trainingTime = Ablation(
    "table2", "Time of pre-training", place: "Table 2",
    finding:
      "Without mask tokens in the encoder and with a light decoder training is 3.7 times as fast."
  ) { scale in
    let own = scale.pretraining.model.decoder?.depth ?? 0
    let shallow = scale.decoderDepths.first ?? 1
    return [
      AblationRow(
        "encoder-mask-tokens", "mask tokens in the encoder",
        changes: ["model.encodesMaskTokens=true"], measures: [.finetuned, .time],
        paper: .init(84.2, hours: 42.4)),
      AblationRow(
        "decoder-depth-\(own)", "decoder of \(own) blocks", measures: [.finetuned, .time],
        paper: .init(84.9, hours: 15.4), remark: own == 8 ? "" : "the paper's has 8 blocks"),
      AblationRow(
        "decoder-depth-\(shallow)", "decoder of \(shallow == 1 ? "1 block" : "\(shallow) blocks")",
        changes: ["model.decoder.depth=\(shallow)"], measures: [.finetuned, .time],
        paper: .init(84.8, hours: 11.6)),
    ]
  }

  /// Table 7.
  static let targetsByProtocol = Ablation(
    "table7", "Targets by how they are used", place: "Table 7",
    finding:
      "Normalized pixels are as good as tokens for classification, detection and segmentation alike."
  ) { _ in
    // The paper's numbers of ViT-Large on ImageNet-1K after 1600 epochs.
    let targets: [(String, String, [String], Double)] = [
      ("pixels", "pixels", [], 85.1),
      ("normalized-pixels", "normalized pixels", ["model.target=normalized-pixels"], 85.9),
      ("tokens", "dVAE tokens", AblationRow.tokens, 85.7),
    ]
    return targets.flatMap { name, label, changes, finetuned in
      [
        AblationRow(
          "target-\(name)", label, series: "all blocks", changes: changes,
          paper: .init(finetuned)),
        AblationRow(
          "target-\(name)-last-block", label, series: "last block", changes: changes,
          encoder: "target-\(name)", finetuning: ["trainableBlocks=1"], measures: [.finetuned]),
      ]
    }
  }

  /// Section 5, “Masked autoencoders …”: what each method gets from augmentation.
  static let augmentationByMethod = Ablation(
    "augmentation", "Augmentation by method", place: "Section 4.1, Tables 1e and 3",
    finding:
      "Contrastive learning depends on augmentation: with crops only, BYOL and SimCLR lose 13 and 28 "
      + "points, and masked autoencoders lose next to nothing."
  ) { scale in
    let encoder = scale.pretraining.model.encoder
    return [
      AblationRow(
        "augmentation-none", "MAE, no augmentation", series: "MAE",
        changes: ["data.crop=center", "data.flip=0"], paper: .init(84.0, 65.7)),
      AblationRow(
        "augmentation-random-crop", "MAE, crop only", series: "MAE", paper: .init(84.9, 73.5)),
      AblationRow(
        "augmentation-jitter", "MAE, crop and colour jitter", series: "MAE",
        changes: ["data.jitter=0.5"], paper: .init(84.3, 71.9)),
      AblationRow(
        "moco-crop", "MoCo v3, crop only", series: "MoCo v3", origin: .contrastive,
        changes: ["augmentation=crop"]),
      AblationRow(
        "moco-full", "MoCo v3, its own augmentation", series: "MoCo v3", origin: .contrastive,
        paper: .init(84.1, 77.6)),
      AblationRow(
        "beit-style", "BEiT-style", series: "BEiT",
        changes: [
          "model.encodesMaskTokens=true",
          "model.decoder={width: \(encoder.width), depth: 0, heads: \(encoder.heads)}",
          "masking.strategy=block", "masking.ratio=0.4",
        ] + AblationRow.tokens, paper: .init(85.2, 52.1),
        remark: "mask tokens in the encoder, blocks, tokens, a linear layer as decoder"),
      AblationRow(
        "scratch", "from scratch", series: "supervised", origin: .scratch, measures: [.finetuned],
        paper: .init(82.5)),
    ]
  }
}
