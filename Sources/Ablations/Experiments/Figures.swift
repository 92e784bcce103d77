import MaskedAutoencoders
import Recipes

// The paper's figures that vary one thing.
extension Ablation {
  /// Figure 5.
  static let maskingRatio = Ablation(
    "figure5", "Masking ratio", place: "Figure 5",
    finding:
      "A high ratio works well: the linear probe peaks at 75 %, fine-tuning from 40 to 80 %.",
    axis: .init("patches hidden, per cent")
  ) { scale in
    let paper: [(Double, Double, Double)] = [
      (10, 83.2, 54.6), (20, 83.4, 58.9), (30, 83.4, 61.7), (40, 84.7, 67.0), (50, 84.9, 69.9),
      (60, 85.0, 71.8), (70, 84.9, 73.2), (75, 84.9, 73.5), (80, 84.5, 71.8), (90, 83.0, 66.1),
    ]
    return paper.map { percent, finetuned, probed in
      let ratio = percent / 100
      return AblationRow(
        "ratio-\(Int(percent))", "\(Int(percent)) %", at: percent,
        changes: ratio == scale.pretraining.masking.ratio ? [] : ["masking.ratio=\(ratio)"],
        paper: .init(finetuned, probed))
    }
  }

  /// Figure 7.
  static let trainingLength = Ablation(
    "figure7", "Training length", place: "Figure 7",
    finding: "Accuracy rises with the length of pre-training and has not saturated at 1600 epochs.",
    axis: .init("epochs of pre-training", isLogarithmic: true)
  ) { scale in
    let paper: [(epochs: Double, numbers: PublishedNumbers)] = [
      (100, .init(82.3, 57.3)), (200, .init(83.3, 64.4)), (400, .init(84.3, 69.7)),
      (800, .init(84.9, 73.5)), (1600, .init(85.1, 75.1)),
    ]
    let base = scale.pretraining.schedule
    return scale.lengths.enumerated().map { index, share in
      let epochs = Double(base.epochs) * share
      let words = AblationRow.text(epochs)
      // The paper's row of the same rank.
      let published = paper[min(index, paper.count - 1)]
      let remark =
        published.epochs == epochs ? "" : "the paper's row has \(Int(published.epochs)) epochs"
      return AblationRow(
        "epochs-\(words)", epochs == 1 ? "1 epoch" : "\(words) epochs", at: epochs, length: share,
        paper: published.numbers, remark: remark)
    }
  }

  /// Figure 9.
  static let partialFinetuning = Ablation(
    "figure9", "Partial fine-tuning", place: "Figure 9",
    finding: "Tuning one block already gives most of the gain over a linear probe (73.5 to 81.0).",
    axis: .init("blocks fine-tuned, counted from the last")
  ) { scale in
    let masked: [Double: Double] = [
      0: 73.5, 0.5: 79.1, 1: 81.0, 2: 83.1, 4: 84.2, 6: 84.4, 12: 84.6, 18: 84.7, 24: 84.9,
    ]
    let contrastive: [Double: Double] = [
      0: 77.6, 1: 79.9, 2: 80.8, 4: 81.6, 6: 81.9, 12: 83.2, 18: 83.8, 24: 84.1,
    ]
    let depth = Double(scale.pretraining.model.encoder.depth)
    func rows(
      _ origin: EncoderOrigin, _ series: String, _ prefix: String, _ paper: [Double: Double]
    ) -> [AblationRow] {
      let partial = scale.partialBlocks.map { blocks in
        let words = AblationRow.text(blocks)
        return AblationRow(
          "\(prefix)blocks-\(words)", blocks == 0 ? "0 (the head alone)" : words, at: blocks,
          series: series, origin: origin, finetuning: ["trainableBlocks=\(words)"],
          measures: [.finetuned], paper: .init(paper[blocks]))
      }
      let all = AblationRow(
        "\(prefix)blocks-all", "all (\(Int(depth)))", at: depth, series: series, origin: origin,
        measures: [.finetuned], paper: .init(paper[24]),
        remark: depth == 24 ? "" : "all of the paper's are 24")
      return partial + [all]
    }
    return rows(.masked, "MAE", "", masked) + rows(.contrastive, "MoCo v3", "moco-", contrastive)
  }
}
