import ContrastiveLearning
import Datasets
import DenseHeads
import FileSystem
import Foundation
import MaskedAutoencoders
public import Runs
import Torch

/// `report.html` of a run: one page with everything that is known about it, made anew from the
/// folder's files by every command that finds something out.
public enum RunPage {
  /// Writes the page; nothing happens where the folder is not a run's.
  ///
  /// - Throws: `FileError`, or `FileError` when the metrics cannot be read.
  public static func write(for run: String) throws {
    guard FileManager.default.fileExists(atPath: run + "/recipe.yaml") else { return }
    // The page of the results that were written last is the last to be written.
    let lock = try FileLock(folder: run)
    let results = try RunResults.read(run)
    let metrics = try MetricsLog.records(at: URL(fileURLWithPath: run + "/metrics.jsonl"))
    let description = try? JSONFile.read(ModelDescription.self, from: run + "/model.json")
    let report = RunReport(
      title: run.lastName,
      subtitle: subtitle(description?.kind),
      summary: summary(results) + segmentationSummary(results) + detectionSummary(results)
        + tokenizerSummary(results),
      highlights: highlights(results) + segmentationHighlights(results)
        + detectionHighlights(results) + tokenizerHighlights(results),
      tables: tables(results) + [evaluatedTable(results)].compactMap(\.self)
        + segmentationTables(results) + detectionTables(results),
      pictures: pictures(in: run) + segmentationPictures(in: run) + detectionPictures(in: run),
      charts: [partialChart(results, depth: description?.model.encoder.depth)].compactMap(\.self)
        + charts(metrics, description), facts: facts(results, description))
    try replaceFile(at: run + "/report.html") { (file) throws(FileError) in
      try file.write(report.html)
    }
    _ = consume lock
  }

  /// Adds a result to a run's and writes its page anew.
  ///
  /// - Returns: A note where the run may only be read, and its results stay as they are.
  public static func record(
    in run: String, _ change: (inout RunResults) -> Void
  ) throws -> [String] {
    do {
      try RunResults.update(run, change)
      try write(for: run)
      return []
    } catch let error as FileError where error.kind == .unwritable {
      return ["note: \(error); the result is not kept in \(run)"]
    }
  }

  private static func subtitle(_ kind: ModelDescription.Kind?) -> String {
    switch kind {
    case .classifier?: "classifier, trained with swift-mae"
    case .segmenter?: "segmenter, trained with swift-mae"
    case .detector?: "detector, trained with swift-mae"
    case .contrastive?: "encoder, pre-trained by contrast with swift-mae"
    case .tokenizer?: "image tokenizer, trained with swift-mae"
    case .maskedAutoencoder?, nil: "masked autoencoder, pre-trained with swift-mae"
    }
  }

  static func percent(_ share: Double) -> String { "\(Formatted.fixed(share * 100, 1)) %" }

  /// `75.0 %`, and how where not at random.
  private static func hidden(by masking: Masking) -> String {
    percent(masking.ratio) + (masking.name == RandomMasking.name ? "" : ", \(masking.name) masking")
  }

  private static func summary(_ results: RunResults) -> [String] {
    var sentences: [String] = []
    if let done = results.pretraining {
      sentences.append(
        "Trained on \(done.images) images for \(Formatted.fixed(done.epochs, 1)) epochs, "
          + "\(done.steps) steps, in \(Formatted.duration(done.seconds)). No label was used.")
    }
    if let score = results.reconstruction {
      let fill = min(score.meanFill, score.nearestFill)
      let given =
        score.usesOriginalStatistics
        ? " The model was given each hidden patch's mean and deviation, the fills were not." : ""
      sentences.append(
        "On hidden patches its squared error is \(Formatted.fixed(score.meanSquaredError, 4)), "
          + "\(percent(score.meanSquaredError / fill)) of the better trivial fill's.\(given)")
    }
    if let own = results.ownClassifier {
      sentences.append(
        "\(own.protocolName.prefix(1).uppercased())\(own.protocolName.dropFirst()) on "
          + "\(own.trainingImages) labelled images of \(own.data) for "
          + "\(Formatted.fixed(own.epochs, 0)) epochs: top-1 \(percent(own.top1)) of "
          + "\(own.testImages) images, in \(Formatted.duration(own.seconds)).")
    }
    if let sentence = comparison(results) { sentences.append(sentence) }
    if !results.knn.isEmpty || !results.probe.isEmpty {
      sentences.append(
        "Nearest neighbours and the linear probe evaluate the frozen features. After a short "
          + "pre-training they are modest: such features show their worth when they are fine-tuned."
      )
    }
    return sentences
  }

  private static func highlights(_ results: RunResults) -> [RunReport.Highlight] {
    var found: [RunReport.Highlight] = []
    if let score = results.reconstruction {
      found.append(
        .init(percent(score.shareOfBetterFill), "of the better trivial fill's error"))
    }
    for (name, evaluated) in [("linear probe", results.probe), ("kNN", results.knn)] {
      for (data, result) in evaluated.sorted(by: { $0.key < $1.key }).prefix(1) {
        found.append(.init(percent(result.top1), "\(name), top-1, \(data)"))
      }
    }
    let trained = results.trained.values.sorted { $0.top1 > $1.top1 }
    if let best = trained.first(where: { !$0.isFromScratch }) {
      found.append(.init(percent(best.top1), "\(best.protocolName), top-1, \(best.data)"))
    }
    if let done = results.pretraining {
      found.append(.init(Formatted.duration(done.seconds), "of training"))
    }
    return found
  }

  private static func tables(_ results: RunResults) -> [RunReport.Table] {
    var tables: [RunReport.Table] = []
    if let score = results.reconstruction {
      tables.append(
        .init(
          title: "Reconstruction of hidden patches", columns: ["", "mean squared error"],
          rows: [
            ["this model", Formatted.fixed(score.meanSquaredError, 5)],
            ["mean of the visible pixels", Formatted.fixed(score.meanFill, 5)],
            ["nearest visible patch", Formatted.fixed(score.nearestFill, 5)],
          ], emphasized: [0],
          note: "Pixels of 0…1, \(score.images) images, \(percent(score.ratio)) hidden."))
    }
    if let table = labelsTable(results) {
      tables.append(table)
      return tables
    }
    let evaluated = [("kNN", results.knn), ("linear probe", results.probe)]
    let rows = evaluated.flatMap { name, results in
      results.sorted { $0.key < $1.key }.map { data, result in
        [
          name, data, percent(result.top1), result.classes > 5 ? percent(result.top5) : "–",
          learnedFrom(result.trainingImages, result.labelShare), "\(result.testImages)",
          result.settings,
        ]
      }
    }
    if !rows.isEmpty {
      tables.append(
        .init(
          title: "What the frozen features are worth",
          columns: ["", "data", "top-1", "top-5", "learned from", "evaluated on", "settings"],
          rows: rows,
          note: "The encoder was not changed; only the classifier saw labels."))
    }
    return tables
  }

  private static func charts(
    _ metrics: [MetricsRecord], _ description: ModelDescription?
  ) -> [RunReport.Chart] {
    let note =
      switch description?.kind {
      case .classifier?: "Cross-entropy on augmented training images."
      case .segmenter?: "Cross-entropy of pixels on augmented training pictures."
      case .detector?: "The sum of the errors below, on jittered training pictures."
      case .contrastive?: "How far two views of an image are from being told from all others."
      case .tokenizer?: "Likelihood and weighted divergence, of the training pictures."
      case .maskedAutoencoder?, nil: "The error on hidden patches of the training images."
      }
    let isSegmenter = [.segmenter, .detector].contains(description?.kind)
    func curve(_ name: String) -> [(x: Double, y: Double)] {
      metrics.compactMap { record in record.values[name].map { (record.epoch, $0) } }
    }
    let share = "share, 0…1"
    let loss =
      switch description?.kind {
      case .classifier?, .segmenter?, .contrastive?: "nats"
      case .maskedAutoencoder?: "mean of the hidden patches"
      case .detector?, .tokenizer?, nil: ""
      }
    return [
      ("Loss", "loss", loss, note),
      ("Right tokens", "accuracy", share, "The share of tokens of training images that are told."),
      (
        "Likelihood", "likelihood", "nats a pixel",
        "Minus the logarithm of the pixels' density, a pixel's mean."
      ),
      ("Divergence", "divergence", "nats", "Of the tokens' distribution from the uniform one."),
      (
        "Error", "validation_mean_squared_error", "squared, of pixels of 0…1",
        "On the validation pictures."
      ),
      (
        "Used tokens", "validation_codebook_usage", share,
        "The share of the vocabulary that occurs."
      ),
      ("Accuracy", "validation_top1", share, "Top-1 on the validation images."),
      ("Objects or not", "rpn_objectness", "nats", "The proposal network's part of the loss."),
      ("Proposals' boxes", "rpn_boxes", "", "The proposal network's part of the loss."),
      ("Classes", "classes", "nats", "The box head's part of the loss."),
      ("Boxes", "boxes", "", "The box head's part of the loss."),
      ("Masks", "masks", "nats a pixel", "The mask head's part of the loss."),
      ("Box AP", "validation_box_ap", share, "COCO's, on the validation pictures."),
      ("Mask AP", "validation_mask_ap", share, "COCO's, on the validation pictures."),
      ("Mean IoU", "validation_mean_iou", share, "Of the classes of the validation pictures."),
      (
        "Learning rate", "rate", "",
        isSegmenter
          ? "Of the decoder, step by step." : "Linear warm-up, then half a cosine, step by step."
      ),
      ("Speed", "images_per_second", "images/s", "Images trained on in a second."),
    ].filter { !curve($0.1).isEmpty }.map { title, name, unit, note in
      .init(
        title: title, xLabel: "epochs", yLabel: unit,
        curves: [.init(name.replacing("_", with: " "), points: curve(name))], note: note)
    }
  }

  /// The sheets of the run, the one drawn last first; at most a few, as they are part of the page.
  private static func pictures(in run: String) -> [RunReport.Picture] {
    let folder = run + "/reconstructions"
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".png") }
    let steps = names.filter { $0.hasPrefix("step-") }
      .compactMap { name in Int(name.dropFirst(5).dropLast(4)).map { (name, $0) } }
      .sorted { $0.1 > $1.1 }.map(\.0)
    let others = names.filter { !$0.hasPrefix("step-") }.sorted()
    let shown = others.prefix(4) + steps.prefix(1) + (steps.count > 1 ? steps.suffix(1) : [])
    return shown.compactMap { name in
      FileManager.default.contents(atPath: "\(folder)/\(name)").map {
        .init(
          caption: name.hasPrefix("step-")
            ? "Training images after \(name.dropFirst(5).dropLast(4)) steps" : name, png: $0)
      }
    }
  }

  private static func facts(
    _ results: RunResults, _ description: ModelDescription?
  ) -> [RunReport.Fact] {
    var facts: [RunReport.Fact] = []
    if let tokenizer = description?.tokenizer {
      facts += tokenizerFacts(tokenizer)
    } else if let model = description?.model {
      facts += [
        .init(
          "image",
          "\(model.height) × \(model.width), \(model.channels) channels, patch \(model.patch)"),
        .init("encoder", model.encoder.words),
      ]
      if let segmenter = description?.segmenter {
        facts += [
          .init("decoder", segmenter.shape.decoder.rawValue),
          .init("classes", "\(segmenter.shape.classes)"),
        ]
      } else if let detector = description?.detector {
        facts += [
          .init("pictures", "\(detector.side) × \(detector.side)"),
          .init("pyramid", detector.shape.pyramid.rawValue),
          .init("classes", "\(detector.shape.classes)"),
        ]
      } else if let heads = description?.contrastive {
        facts += [
          .init("projection head", "\(heads.projectionLayers) layers, \(heads.hidden) wide"),
          .init("prediction head", "\(heads.predictionLayers) layers, \(heads.hidden) wide"),
          .init("compared", "\(heads.output) numbers of each view"),
        ]
      } else if let classifier = description?.classifier {
        facts += [
          .init("pooling", classifier.head.pooling.rawValue),
          .init("classes", "\(classifier.head.classes)"),
        ]
      } else {
        facts += [
          .init("decoder", model.decoder?.words ?? "none"), .init("target", model.target.name),
          .init("hidden", hidden(by: description?.masking ?? Masking())),
        ]
      }
    }
    if let done = results.pretraining {
      facts.append(.init("parameters", "\(done.parameters)"))
      if !done.brokenFiles.isEmpty {
        facts.append(.init("files skipped", done.brokenFiles.joined(separator: ", ")))
      }
    }
    facts.append(.init("recipe", "recipe.yaml in the same folder, complete"))
    return facts
  }
}
