import Datasets
import FileSystem
import Foundation
import MaskedAutoencoders
public import Runs

/// What has to be said of weights that leave the machine: data, recipe, results, use and limits, as a
/// card that Hugging Face shows (`README.md` with a header in YAML).
///
/// It is filled in from the run that the weights are of; what is not known is said to be unknown.
public struct ModelCard: Sendable {
  /// What the model is called.
  public var name: String
  /// The licence's identifier among Hugging Face's; `other` for none that is named.
  public var license: String
  /// The library that loads the weights: `transformers`, `timm`.
  public var library: String
  /// How they are loaded, as lines of code; empty for none.
  public var loading: [String]
  private let description: ModelDescription
  private let results: RunResults
  private let recipe: String?

  /// The first line after the header: a card without it is somebody's own.
  static let mark =
    "<!-- Written by mae weights export. Delete this line, and the card is never replaced. -->"

  /// Describes weights.
  ///
  /// - Parameters:
  ///   - run: The run folder that they are of; other folders and files tell nothing of results and
  ///     recipe.
  ///   - library: The library that loads the weights.
  ///   - loading: How they are loaded, as lines of code.
  /// - Throws: `FileError` where the run's results cannot be read.
  public init(
    _ name: String, of description: ModelDescription, run: String, license: String = "other",
    library: String, loading: [String] = []
  ) throws {
    self.name = name
    self.license = license
    self.library = library
    self.loading = loading
    self.description = description
    let isRun = isFile(run + "/recipe.yaml")
    results = isRun ? try RunResults.read(run) : RunResults()
    recipe = isRun ? try? String(contentsOfFile: run + "/recipe.yaml", encoding: .utf8) : nil
  }

  /// Whether a card that is there may be replaced: it was written by ``markdown`` and nobody has made
  /// it his own.
  public static func isReplaceable(_ path: String) -> Bool {
    (try? String(contentsOfFile: path, encoding: .utf8))?.contains(mark) == true
  }

  /// The card.
  public var markdown: String {
    """
    ---
    \(header.joined(separator: "\n"))
    ---
    \(Self.mark)

    # \(name)

    \(introduction)

    ## Intended use

    \(use)

    ## Limits

    \(limits)

    ## Training

    \(training)
    \(results.ownClassifier == nil && accuracies.isEmpty ? "" : "\n## Results\n\n\(resultTable)\n")
    \(usage)\
    ## Method

    He, Chen, Xie, Li, Dollár and Girshick (2022), *Masked Autoencoders Are Scalable Vision Learners*, \
    arXiv:2111.06377; trained with swift-mae.

    """
  }

  // MARK: header

  private var isClassifier: Bool { description.kind == .classifier }

  private var header: [String] {
    var lines = ["license: \(license.json)", "library_name: \(library.json)"]
    lines.append(
      "pipeline_tag: \(isClassifier ? "image-classification" : "image-feature-extraction")")
    lines += ["tags:", "- vision", "- vit", "- masked-autoencoder", "- swift-mae"]
    let sets = datasets
    if !sets.isEmpty { lines += ["datasets:"] + sets.map { "- \($0.json)" } }
    guard !accuracies.isEmpty else { return lines }
    lines += ["metrics:", "- accuracy", "model-index:", "- name: \(name.json)", "  results:"]
    for result in accuracies {
      lines += [
        "  - task:", "      type: image-classification", "    dataset:",
        "      name: \(result.data.json)", "      type: \(Self.identifier(result.data).json)",
        "    metrics:", "    - type: accuracy",
        "      value: \(Formatted.fixed(100 * result.top1, 2))",
        "      name: \("top-1, \(result.method)".json)",
      ]
    }
    return lines
  }

  /// Public sets by their names; folders of a user's own are nobody else's business.
  private var datasets: [String] {
    let named = [results.pretraining?.data] + accuracies.map(\.data)
    var found: [String] = []
    for name in named.compactMap(\.self)
    where DatasetCatalog.names.contains(name) && !found.contains(name) {
      found.append(name)
    }
    return found
  }

  /// A set's name as an identifier: letters, digits, `-` and `_`.
  private static func identifier(_ name: String) -> String {
    let letters = name.lastName.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return letters.isEmpty ? "data" : String(letters)
  }

  // MARK: results

  /// An accuracy, and how it was found.
  private struct Accuracy {
    var method: String
    var data: String
    var top1: Double
    var learned: Int?
    var evaluated: Int
  }

  private var accuracies: [Accuracy] {
    var found: [Accuracy] = []
    if let own = results.ownClassifier {
      found.append(
        Accuracy(
          method: own.protocolName, data: own.data, top1: own.top1, learned: own.trainingImages,
          evaluated: own.testImages))
    }
    for (_, result) in results.evaluated.sorted(by: { $0.key < $1.key }) {
      guard let top1 = result.top1 else { continue }
      found.append(
        Accuracy(
          method: "evaluated later", data: result.data, top1: top1, learned: nil,
          evaluated: result.images))
    }
    guard !isClassifier else { return found }
    for (method, part) in [("kNN", results.knn), ("linear probe", results.probe)] {
      for (data, result) in part.sorted(by: { $0.key < $1.key }) {
        found.append(
          Accuracy(
            method: "\(method) on frozen features", data: data, top1: result.top1,
            learned: result.trainingImages, evaluated: result.testImages))
      }
    }
    let trained = results.trained.filter {
      $0.key != RunResults.ownFolder && !$0.value.isFromScratch
    }
    for (_, result) in trained.sorted(by: { $0.key < $1.key }) {
      found.append(
        Accuracy(
          method: "\(result.protocolName), another model", data: result.data, top1: result.top1,
          learned: result.trainingImages, evaluated: result.testImages))
    }
    return found
  }

  private var resultTable: String {
    let rows = accuracies.map { result in
      "| \(result.method) | \(Self.cell(result.data)) | "
        + "\(result.learned.map(String.init) ?? "–") | \(result.evaluated) | "
        + "\(Formatted.fixed(100 * result.top1, 2)) % |"
    }
    return
      (["| | data | learned from | evaluated on | top-1 |", "|---|---|---|---|---|"] + rows)
      .joined(separator: "\n")
  }

  private static func cell(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("\n", with: " ")
  }

  // MARK: text

  private var introduction: String {
    let model = description.model
    let shape =
      "a Vision Transformer of \(model.encoder.words), on images of \(model.height) × \(model.width) "
      + "pixels with \(model.channels == 1 ? "one channel" : "\(model.channels) channels") in patches "
      + "of \(model.patch)"
    switch description.kind {
    case .classifier:
      let count = description.classifier?.head.classes ?? 0
      return "An image classifier of \(count) classes: \(shape)."
    case .maskedAutoencoder where description.hasDecoder:
      return "A masked autoencoder: \(shape), and the decoder it was pre-trained with."
    default: return "An encoder of images: \(shape)."
    }
  }

  private var use: String {
    isClassifier
      ? "Classifying images like those it was trained on. Evaluate it on images of your own before "
        + "anything depends on it."
      : "Features of images, and a start for fine-tuning on labelled images. It was trained without "
        + "labels and names nothing by itself."
  }

  private var limits: String {
    var items = [
      "Predictions follow the statistics of the training data and so reflect biases in them, those with "
        + "negative social impacts too (section 6 of the paper)."
    ]
    if description.hasDecoder {
      items.append(
        "Reconstructions are invented: the model may show content that does not exist. They are no "
          + "evidence of what was hidden.")
    }
    items.append(
      "Images of another kind, size or camera than the training data's may give features and predictions "
        + "of no worth, without a sign of it.")
    if accuracies.isEmpty { items.append("No accuracy was measured of these weights.") }
    return items.map { "- \($0)" }.joined(separator: "\n")
  }

  private var training: String {
    var sentences: [String] = []
    if let done = results.pretraining {
      let data = done.data.map { " of \($0)" } ?? ""
      sentences.append(
        "Pre-trained on \(done.images) images\(data) without labels: \(done.steps) steps, "
          + "\(Formatted.fixed(done.epochs, 1)) epochs, \(Formatted.duration(done.seconds)).")
    }
    if let own = results.ownClassifier {
      sentences.append(
        "\(own.protocolName.prefix(1).uppercased())\(own.protocolName.dropFirst()) on "
          + "\(own.trainingImages) labelled images of \(own.data) "
          + "for \(Formatted.fixed(own.epochs, 1)) epochs.")
    }
    if sentences.isEmpty { sentences.append("What the weights were trained on is not known here.") }
    guard let recipe else { return sentences.joined(separator: " ") }
    return sentences.joined(separator: " ")
      + "\n\n<details><summary>The complete recipe</summary>\n\n```yaml\n"
      + recipe.trimmingCharacters(in: .newlines).replacing("```", with: "'''")
      + "\n```\n\n</details>"
  }

  private var usage: String {
    loading.isEmpty
      ? "" : "## Loading\n\n```python\n\(loading.joined(separator: "\n"))\n```\n\n"
  }
}
