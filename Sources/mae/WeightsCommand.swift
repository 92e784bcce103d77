import ArgumentParser
import Datasets
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Runs
import Torch
import TorchNN
import Training
import WeightExchange

/// Weights in and out of other people's formats.
struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights",
    abstract:
      "Look into weights; exchange them with Hugging Face, timm and the original; write ONNX.",
    subcommands: [Inspect.self, Import.self, Export.self])

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what weights are of: model, sizes, names.",
      discussion: """
        Example:
          mae weights inspect vit-mae-base/
        """)

    @OptionGroup var model: ModelOptions

    @Flag(help: "List every tensor.")
    var names = false

    func run() throws {
      try openEngine()
      let loaded = try model.load(on: .cpu, namesPreprocessing: true)
      let shape = loaded.description.model
      func row(_ name: String, _ value: String) {
        print(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
      }
      row("source", loaded.source)
      row(
        "image",
        "\(shape.height) × \(shape.width), \(shape.channels) channels, patch \(shape.patch)")
      let description = loaded.description
      row(
        "resized",
        description.usedPreprocessing.words(height: shape.height, width: shape.width))
      if let range = description.valueRange {
        row("values", "\(range.lowerBound) to \(range.upperBound) of 16 bits from black to white")
      }
      if let raster = description.usedRaster {
        row("channels", raster.channels.map { "\($0)" } ?? "all of a file, as they are stored")
      }
      func numbers(_ values: [Double]) -> String {
        values.map { "\(($0 * 1e6).rounded() / 1e6)" }.joined(separator: " ")
      }
      row(
        "pixels",
        "mean \(numbers(description.mean)), deviation \(numbers(description.std)), "
          + (description.usedRaster == nil ? "of 0…1" : "in the files' units"))
      row("encoder", shape.encoder.words)
      if let classifier = loaded.description.classifier {
        row("head", classifier.head.words)
        row("classes", classifier.classWords)
      } else {
        row(
          "decoder", shape.decoder?.words ?? "none: an encoder alone")
        if shape.decoder != nil, shape.encodesMaskTokens { row("mask tokens", "in the encoder") }
        row("target", shape.target.name)
      }
      row("norm epsilon", "\(shape.normEpsilon)")
      if loaded.classifier == nil { row("mask ratio", "\(loaded.description.masking.ratio)") }
      let entries = loaded.store.entries
      let count = entries.filter(\.isTrainable).reduce(0) { $0 + $1.tensor.count }
      row("parameters", "\(count) in \(entries.count) tensors")
      if names {
        for entry in entries { print("\(entry.name)  \(entry.tensor.shape)") }
      }
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a checkpoint of published weights, for other images where asked.",
      discussion: """
        Reads masked autoencoders, encoders and classifiers: folders and files of Hugging Face \
        (ViTMAE, ViT, ViTForImageClassification) and timm (VisionTransformer), and files in the \
        original's naming, as safetensors or as torch.save wrote them (.pth). Names that are missing \
        or unexpected and wrong shapes are listed; nothing is written then. A prefix of all names is \
        taken off; how a folder says that images are resized, cut and normalised is kept.

        --size, --patch and --channels make the model fit other images. Positions are interpolated, \
        patch kernels resized (FlexiViT), kernels of channels summed for one and repeated for more. A \
        decoder is left out where patches or channels change.

        Examples:
          mae weights import vit-mae-base/ --out checkpoints/vit-mae-base
          mae weights import vit-mae-base/ --out gray-448 --size 448 --channels 1
        """)

    @OptionGroup var model: ModelOptions

    @Option(help: "The checkpoint folder to write.")
    var out: String

    @Option(
      parsing: .upToNextOption,
      help: "The side of images the model is to see, or rows and columns of pixels.")
    var size: [Int] = []

    @Option(help: "The side of its patches.")
    var patch: Int?

    @Option(help: "Channels of its images.")
    var channels: Int?

    @Option(parsing: .upToNextOption, help: "Mean of each channel, of pixels in 0…1.")
    var mean: [Double] = []

    @Option(parsing: .upToNextOption, help: "Standard deviation of each channel.")
    var std: [Double] = []

    @Flag(help: "Replace an existing folder.")
    var overwrite = false

    func validate() throws {
      guard size.count <= 2 else {
        throw ValidationError(
          "--size has \(size.count) values, expected a side or rows and columns")
      }
    }

    func run() throws {
      try refuseExisting(out, overwrite: overwrite, unless: ["model.json", "weights.safetensors"])
      try openEngine()
      let loaded = try model.load(on: .cpu, namesPreprocessing: true)
      let weights = try fitted(loaded)
      let shape = weights.configuration
      for (name, values) in [("--mean", mean), ("--std", std)]
      where !values.isEmpty && values.count != shape.channels {
        throw ValidationError(
          "\(name) has \(values.count) values, expected \(shape.channels), one a channel")
      }
      if !mean.allSatisfy(\.isFinite) {
        throw ValidationError("--mean has a value that is not a finite number")
      }
      if !std.allSatisfy({ $0 > 0 && $0.isFinite }) {
        throw ValidationError("--std has a value that is not a finite number above 0")
      }
      var pixels = weights.pixels ?? PixelStandard(mean: [], std: [])
      if !mean.isEmpty { pixels.mean = mean }
      if !std.isEmpty { pixels.std = std }
      var description = ModelDescription(weights, pixels: pixels)
      description.valueRange = loaded.description.valueRange
      // With other channels than before the model's own choice says nothing.
      if shape.channels == loaded.description.model.channels {
        description.raster = loaded.description.raster
      }
      try Checkpoint(path: out).write(
        description, weights: weights.tensors.map { ($0.key, $0.value) })
      print("wrote \(out): encoder \(shape.encoder.words), \(description.lastPart)")
    }

    /// The weights as they are, or for the images that the options name.
    private func fitted(_ loaded: LoadedModel) throws -> PublishedWeights {
      let weights = loaded.published
      let fitted: PublishedWeights
      do {
        fitted = try weights.adapting(
          height: size.first, width: size.last, patch: patch, channels: channels)
      } catch {
        throw RunFailure(.badData, "\(model.model) cannot be made to fit: \(error)")
      }
      let (old, new) = (weights.configuration, fitted.configuration)
      func note(_ part: String, _ from: String, _ to: String) {
        if from != to { warn("note: \(model.model): \(part) from \(from) to \(to)") }
      }
      note(
        "positions interpolated", "\(old.grid.rows) × \(old.grid.columns)",
        "\(new.grid.rows) × \(new.grid.columns)")
      note("patches resized", "\(old.patch) × \(old.patch)", "\(new.patch) × \(new.patch)")
      note("channels adapted", "\(old.channels)", "\(new.channels)")
      if weights.hasDecoder, !fitted.hasDecoder {
        warn(
          "note: \(model.model): the decoder, which predicts other patches, is left out")
      }
      return fitted
    }
  }
}

/// Opens the engine for a command that only moves tensors.
func openEngine() throws {
  try Engine.load()
  ExitStatus.speakForTheEngine()
}

extension ModelDescription {
  /// What comes after the encoder: `decoder 512 × 8, 16 heads`.
  var lastPart: String {
    if let classifier { return "head \(classifier.head.words)" }
    return model.decoder.map { "decoder \($0.words)" } ?? "no decoder"
  }
}

extension ClassifierHead {
  /// `10 classes from the mean of patches, normalised`.
  var words: String {
    let rows =
      switch pooling {
      case .classToken: "the class token"
      case .mean: "the mean of patches"
      case .normalizedMean: "the mean of patches, normalised"
      }
    return "\(classes) classes from \(rows)" + (normalizesBatches ? " and over batches" : "")
  }
}

extension ClassifierDescription {
  /// The first names of classes, and how many more there are.
  var classWords: String {
    let shown = classNames.prefix(5).joined(separator: ", ")
    return classNames.count > 5 ? "\(shown) and \(classNames.count - 5) more" : shown
  }
}
