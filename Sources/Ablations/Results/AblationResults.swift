import FileSystem
import Foundation
import MaskedAutoencoders
import Recipes
import Training

/// What an ablation found: every row's numbers beside the paper's.
public struct AblationResults: Codable, Sendable {
  /// The ablation's name.
  public var ablation: String
  /// What is varied.
  public var title: String
  /// Where the paper has it.
  public var place: String
  /// The scale's name.
  public var scale: String
  /// The set as the user named it.
  public var data: String
  /// What was run and what the paper ran, in words.
  public var setting: Setting
  /// Its rows, in the paper's order.
  public var rows: [Row]

  /// The sizes of this study and of the paper's.
  public struct Setting: Codable, Hashable, Sendable {
    /// This study's.
    public var study: String
    /// The paper's.
    public var paper: String
    /// How the rows are measured.
    public var measures: String
    /// How many seeds.
    public var seeds: Int
  }

  /// A row.
  public struct Row: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What tables and plots call it.
    public var label: String
    /// Its place on the ablation's axis.
    public var position: Double?
    /// What it belongs to; empty for one method.
    public var series: String
    /// What it changes.
    public var changes: String
    /// Top-1 accuracies after fine-tuning, in per cent.
    public var finetuned: Samples
    /// Top-1 accuracies of linear probes, in per cent.
    public var probed: Samples
    /// Seconds of a training step; nil where it was not measured.
    public var secondsPerStep: Double?
    /// Billions of operations of an image's forward and backward pass in pre-training.
    public var gigaflops: Double?
    /// Seconds of pre-training, of all seeds.
    public var seconds: Double
    /// The paper's numbers.
    public var paper: PublishedNumbers
    /// Why the row is not what the paper has at this place; empty where it is.
    public var remark: String
    /// The run folders.
    public var folders: [String]
  }

  /// A number, once for each seed.
  public struct Samples: Codable, Hashable, Sendable {
    /// The values, in the order of seeds.
    public var values: [Double]

    /// Takes values.
    public init(_ values: [Double]) { self.values = values }

    /// Their mean; nil where there are none.
    public var mean: Double? {
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// Their sample standard deviation, over n − 1; nil of less than two.
    public var deviation: Double? {
      guard values.count > 1, let mean else { return nil }
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(values.count - 1)).squareRoot()
    }

    /// `84.93 ± 0.07`; a dash where there are none.
    var text: String {
      guard let mean else { return "–" }
      return Formatted.fixed(mean, 2) + (deviation.map { " ± \(Formatted.fixed($0, 2))" } ?? "")
    }
  }
}

extension AblationResults {
  /// Gathers what the steps of a plan have found so far.
  init(_ plan: AblationPlan) throws {
    ablation = plan.ablation.name
    title = plan.ablation.title
    place = plan.ablation.place
    scale = plan.scale.name
    data = plan.settings.names.data
    setting = Setting(plan)
    let found = try plan.steps.map { step in try step.record()?.result }
    func result(_ place: Int?) -> StepResult? { place.flatMap { found[$0] } }
    var names: [String] = []
    for row in plan.rows where !names.contains(row.row.name) { names.append(row.row.name) }
    rows = names.compactMap { name in
      let seeds = plan.rows.filter { $0.row.name == name }
      guard let first = seeds.first else { return nil }
      let row = first.row
      func samples(_ step: KeyPath<AblationPlan.Row, Int?>) -> Samples {
        Samples(seeds.compactMap { result($0[keyPath: step])?.top1.map { 100 * $0 } })
      }
      let job = first.encoder.flatMap { plan.steps[$0].cost.job }
      let places = seeds.flatMap(\.steps)
      return Row(
        name: name, label: row.label, position: row.position, series: row.series,
        changes: AblationPlan.changes(row), finetuned: samples(\.finetuned),
        probed: samples(\.probed), secondsPerStep: result(first.time)?.secondsPerStep,
        gigaflops: job.map { $0.cost.operations / 1e9 },
        seconds: seeds.compactMap { result($0.encoder)?.seconds }.reduce(0, +),
        paper: row.paper, remark: row.remark, folders: places.map { plan.steps[$0].folder })
    }
  }
}

extension AblationResults.Setting {
  init(_ plan: AblationPlan) {
    let scale = plan.scale
    let recipe = scale.pretraining
    let model = recipe.model
    let data = plan.data
    let epochs =
      recipe.schedule.steps.map {
        Double($0 * recipe.effectiveBatch) / Double(max(1, data.images))
      } ?? Double(recipe.schedule.epochs)
    let length =
      epochs == 1 ? "1 epoch" : "\(AblationRow.text((epochs * 100).rounded() / 100)) epochs"
    let labels = Double(data.labelled) < Double(data.images) * 0.95
    study =
      "an encoder of \(model.encoder.words) on images of \(model.height) × \(model.width) in patches of "
      + "\(model.patch), pre-trained for \(length) on \(data.images) images of "
      + "\(plan.settings.names.data)"
    paper =
      "ViT-Large (1024 × 24, 16 heads) on images of 224 × 224 in patches of 16, pre-trained for 800 "
      + "epochs on 1,281,167 images of ImageNet-1K"
    let probe =
      switch scale.probe {
      case .exact: "an exact linear classifier on frozen features of \(data.probed) images"
      case .trained(let recipe): "a linear classifier trained by \(recipe.name)"
      }
    measures =
      "Fine-tuned with \(data.labelled) labels\(labels ? " of \(data.images)" : ""), "
      + "\(scale.finetuning.schedule.epochs) epochs; probed by \(probe); top-1 of \(data.validated) "
      + "validation images in \(data.classes) classes"
    seeds = plan.settings.seeds
  }
}
