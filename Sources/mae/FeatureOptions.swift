import Inference
import Recipes
import ArgumentParser
import Datasets
import Foundation
import Training

/// Options that every judge of frozen features has.
struct FeatureOptions: ParsableArguments {
  @Argument(
    help: "Labelled images: class folders, a list with classes, an IDX folder, or a fetched set.",
    completion: .directory)
  var data: String

  @Option(
    help: """
      Labelled images to judge by; the validation part of DATA unless given, or a tenth of it \
      where it has none.
      """)
  var test: String?

  @Option(help: "What stands for an image: class-token or mean (of the patches).")
  var pooling = Features.Pooling.classToken

  @Option(help: "Learn from so many images of each class only.")
  var perClass: Int?

  @Option(help: "Learn from this share of each class's images only: 0.01 is 1 %.")
  var fraction: Double?

  @Option(help: "Learn from so many images only, of all classes in proportion.")
  var limit: Int?

  @Option(help: "Decides which images are learned from, or held back.")
  var seed: UInt64 = 0

  @Option(help: "Images embedded at a time: on a CPU by each core, on a GPU by all of it.")
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); expected at least 1") }
    if let limit, limit < 2 { throw ValidationError("--limit is \(limit); expected at least 2") }
    if let perClass, perClass < 1 {
      throw ValidationError("--per-class is \(perClass); expected at least 1")
    }
    if let fraction, !(fraction > 0 && fraction <= 1) {
      throw ValidationError("--fraction is \(fraction); expected above 0 and at most 1")
    }
    let given = [
      perClass.map { _ in "--per-class" }, fraction.map { _ in "--fraction" },
      limit.map { _ in "--limit" },
    ].compactMap(\.self)
    if given.count > 1 {
      throw ValidationError("\(given.joined(separator: " and ")) exclude each other")
    }
  }

  /// Opens both parts and says what is not as one may think.
  func open() throws -> LabelledData {
    let found = try LabelledData(
      dataPath(data), validation: test.map { word throws in try dataPath(word) },
      labels: labels, limit: limit, seed: seed, option: "--test")
    for remark in found.remarks { complain("note: \(remark)") }
    return found
  }

  /// Which part of the labels is learned from.
  var labels: FinetuningRecipe.Labels {
    .init(fraction: fraction ?? 1, perClass: perClass)
  }

  /// What a result is called among the run's: the data, and what is not as usual.
  func title(_ settings: [String?]) -> String {
    let own = [
      test.map { "judged by \($0)" }, labels.words, limit.map { "\($0) images" },
      seed == 0 ? nil : "seed \(seed)",
      pooling == .classToken ? nil : pooling.rawValue,
    ]
    return ([data] + (own + settings).compactMap(\.self)).joined(separator: ", ")
  }

  /// Embeds both parts.
  func features(
    by model: LoadedModel, _ sets: LabelledData
  ) throws -> (training: Features, test: Features) {
    let terminal = Terminal.attached(to: 2).isTerminal
    func embed(_ dataset: any ImageDataset, _ name: String) throws -> Features {
      defer { if terminal { show("\r\u{1B}[K") } }
      let count = dataset.count
      return try Features(
        of: dataset, named: name, by: model, pooling: pooling, batch: batch
      ) { done in
        if terminal {
          show("\rembedding \(name): \(done)/\(count)")
        }
      }
    }
    let training = try embed(sets.training, data)
    let test = try embed(sets.validation, self.test ?? data)
    for broken in (training.broken + test.broken).prefix(5) { complain("skipped \(broken)") }
    return (training, test)
  }
}
