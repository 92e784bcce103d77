import Foundation
import MaskedAutoencoders
import Recipes

// The paper's Table 1: ViT-Large, 800 epochs, 75 % hidden, pixels that are not normalized.
extension Ablation {
  /// Table 1a.
  static let decoderDepth = Ablation(
    "1a", "Decoder depth", place: "Table 1a",
    finding: "A deep decoder helps the linear probe by 8 points; fine-tuning does with one block.",
    axis: .init("blocks of the decoder")
  ) { scale in
    let paper: [Int: PublishedNumbers] = [
      1: .init(84.8, 65.5), 2: .init(84.9, 70.0), 4: .init(84.9, 71.9), 8: .init(84.9, 73.5),
      12: .init(84.4, 73.3),
    ]
    let own = scale.pretraining.model.decoder?.depth
    return scale.decoderDepths.map { depth in
      AblationRow(
        "decoder-depth-\(depth)", depth == 1 ? "1 block" : "\(depth) blocks", at: Double(depth),
        changes: depth == own ? [] : ["model.decoder.depth=\(depth)"],
        paper: paper[depth] ?? .init())
    }
  }

  /// Table 1b.
  static let decoderWidth = Ablation(
    "1b", "Decoder width", place: "Table 1b",
    finding:
      "A decoder of half the encoder's width probes best, and narrow ones fine-tune as well.",
    axis: .init("width of the decoder")
  ) { scale in
    let paper: [PublishedNumbers] = [
      .init(84.9, 69.1), .init(84.9, 71.3), .init(84.9, 73.5), .init(84.4, 73.1),
      .init(84.3, 73.1),
    ]
    let encoder = scale.pretraining.model.encoder.width
    let own = scale.pretraining.model.decoder?.width
    return zip(scale.decoderWidths, paper).map { share, paper in
      let width = Int((Double(encoder) * share).rounded())
      let share = AblationRow.text((share * 1000).rounded() / 10)
      return AblationRow(
        "decoder-width-\(width)", "\(width) (\(share) % of the encoder's)", at: Double(width),
        changes: width == own ? [] : ["model.decoder.width=\(width)"], paper: paper)
    }
  }

  /// Table 1c.
  static let encoderMaskTokens = Ablation(
    "1c", "Mask tokens in the encoder", place: "Table 1c",
    finding: "An encoder that sees mask tokens probes 14 points worse and costs 3.3 times as much."
  ) { _ in
    [
      AblationRow(
        "encoder-mask-tokens", "encoder with mask tokens",
        changes: ["model.encodesMaskTokens=true"], paper: .init(84.2, 59.6)),
      AblationRow(
        "encoder-without-mask-tokens", "encoder without mask tokens", paper: .init(84.9, 73.5)),
    ]
  }

  /// Table 1d.
  static let target = Ablation(
    "1d", "Reconstruction target", place: "Table 1d",
    finding: "Normalized pixels do best; a tokenizer is not needed."
  ) { scale in
    // The paper's 96 of 768 numbers of a patch, or a quarter where a patch has few.
    let values = scale.pretraining.model.patchValues
    let components = values >= 768 ? 96 : max(1, values / 4)
    return [
      AblationRow("target-pixels", "pixels", paper: .init(84.9, 73.5)),
      AblationRow(
        "target-normalized-pixels", "normalized pixels",
        changes: ["model.target=normalized-pixels"], paper: .init(85.4, 73.9)),
      AblationRow(
        "target-pca", "PCA",
        changes: ["model.target=pca", "model.target.components=\(components)"],
        paper: .init(84.6, 72.3),
        remark: values == 768
          ? "" : "\(components) of a patch's \(values) coefficients, the paper's are 96 of 768"),
      AblationRow(
        "target-tokens", "dVAE tokens", changes: AblationRow.tokens,
        paper: .init(85.3, 71.6)),
    ]
  }

  /// Table 1e.
  static let augmentation = Ablation(
    "1e", "Data augmentation", place: "Table 1e",
    finding:
      "Crops are enough, and even without augmentation the method works; colour jitter harms."
  ) { _ in
    [
      AblationRow(
        "augmentation-none", "none", changes: ["data.crop=center", "data.flip=0"],
        paper: .init(84.0, 65.7)),
      AblationRow(
        "augmentation-fixed-crop", "crop, fixed size", changes: ["data.crop=random-fixed"],
        paper: .init(84.7, 73.1)),
      AblationRow("augmentation-random-crop", "crop, random size", paper: .init(84.9, 73.5)),
      AblationRow(
        "augmentation-jitter", "crop, random size, colour jitter", changes: ["data.jitter=0.5"],
        paper: .init(84.3, 71.9)),
    ]
  }

  /// Table 1f.
  static let maskSampling = Ablation(
    "1f", "Mask sampling", place: "Table 1f",
    finding: "Random sampling does best at 75 %; blocks need a lower ratio, a grid is too easy."
  ) { _ in
    [
      AblationRow("mask-random-75", "random, 75 %", paper: .init(84.9, 73.5)),
      AblationRow(
        "mask-block-50", "block, 50 %", changes: ["masking.strategy=block", "masking.ratio=0.5"],
        paper: .init(83.9, 72.3)),
      AblationRow(
        "mask-block-75", "block, 75 %", changes: ["masking.strategy=block", "masking.ratio=0.75"],
        paper: .init(82.8, 63.9)),
      AblationRow(
        "mask-grid-75", "grid, 75 %", changes: ["masking.strategy=grid", "masking.ratio=0.75"],
        paper: .init(84.0, 66.0)),
    ]
  }
}
