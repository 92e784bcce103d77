import ArgumentParser
import Foundation
import MaskedAutoencoders
import Torch
import TorchNN
import Training

/// Weights in and out of other people's formats.
struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights",
    abstract: "Look into weights; exchange them with Hugging Face, timm and the original.",
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
      let loaded = try model.load(on: .cpu)
      let shape = loaded.description.model
      func row(_ name: String, _ value: String) {
        print(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
      }
      row("source", loaded.source)
      row(
        "image",
        "\(shape.height) × \(shape.width), \(shape.channels) channels, patch \(shape.patch)")
      row("encoder", shape.encoder.words)
      row("decoder", loaded.description.hasDecoder ? shape.decoder.words : "none: an encoder alone")
      row("target", shape.target.rawValue)
      row("norm epsilon", "\(shape.normEpsilon)")
      row("mask ratio", "\(loaded.description.maskingRatio)")
      let entries = loaded.store.entries.filter {
        loaded.description.hasDecoder || !PublishedFormat.isDecoder($0.name)
      }
      let count = entries.filter(\.isTrainable).reduce(0) { $0 + $1.tensor.count }
      row("parameters", "\(count) in \(entries.count) tensors")
      if names {
        for entry in entries { print("\(entry.name)  \(entry.tensor.shape)") }
      }
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a checkpoint of published weights, encoder and decoder or encoder alone.",
      discussion: """
        Reads Hugging Face ViTMAE folders and files, timm MAE encoders and files in the original's \
        naming, as safetensors or as torch.save wrote them (.pth). Names that are missing or unexpected and wrong shapes are \
        listed; nothing is written then.

        Example:
          mae weights import vit-mae-base/ --out checkpoints/vit-mae-base
        """)

    @OptionGroup var model: ModelOptions

    @Option(help: "The checkpoint folder to write.")
    var out: String

    @Option(parsing: .upToNextOption, help: "Mean of each channel, of pixels in 0…1.")
    var mean: [Double] = []

    @Option(parsing: .upToNextOption, help: "Standard deviation of each channel.")
    var std: [Double] = []

    @Flag(help: "Replace an existing folder.")
    var overwrite = false

    func run() throws {
      try refuseExisting(out, overwrite: overwrite, unless: ["model.json", "weights.safetensors"])
      try openEngine()
      let loaded = try model.load(on: .cpu)
      var description = loaded.description
      for (name, values) in [("--mean", mean), ("--std", std)]
      where !values.isEmpty && values.count != description.model.channels {
        throw ValidationError(
          "\(name) has \(values.count) values, expected \(description.model.channels), one a channel"
        )
      }
      if !mean.allSatisfy(\.isFinite) {
        throw ValidationError("--mean has a value that is not a finite number")
      }
      if !std.allSatisfy({ $0 > 0 && $0.isFinite }) {
        throw ValidationError("--std has a value that is not a finite number above 0")
      }
      if !mean.isEmpty { description.mean = mean }
      if !std.isEmpty { description.deviation = std }
      try Checkpoint(path: out).write(description, weights: loaded.usedWeights)
      print(
        "wrote \(out): encoder \(description.model.encoder.words), "
          + (description.hasDecoder
            ? "decoder \(description.model.decoder.words)" : "no decoder"))
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write weights as Hugging Face, timm or the original names them.",
      discussion: """
        hf writes a folder with config.json and model.safetensors; timm (the encoder) and original \
        write one safetensors file.

        Examples:
          mae weights export runs/first --format hf --out vit-mae-mine
          mae weights export runs/first --format timm --out encoder.safetensors
        """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
      case hf, timm, original

      var owner: String {
        switch self {
        case .hf: "Hugging Face's"
        case .timm: "timm's"
        case .original: "the original's"
        }
      }

      var published: PublishedFormat {
        switch self {
        case .hf: .huggingFace
        case .timm: .timm
        case .original: .original
        }
      }
    }

    @OptionGroup var model: ModelOptions

    @Option(help: "hf, timm or original.")
    var format: Format

    @Option(help: "The folder (hf) or file to write.")
    var out: String

    @Flag(help: "Replace an existing file or folder.")
    var overwrite = false

    func run() throws {
      try refuseExisting(
        out, overwrite: overwrite,
        unless: format == .hf ? ["config.json", "model.safetensors"] : nil)
      try openEngine()
      let loaded = try model.load(on: .cpu)
      let weights = PublishedWeights(
        configuration: loaded.description.model,
        tensors: Dictionary(
          uniqueKeysWithValues: loaded.usedWeights.map { ($0.name, $0.tensor) }),
        maskRatio: loaded.description.maskingRatio,
        pixels: PixelStandard(
          mean: loaded.description.mean, deviation: loaded.description.deviation))
      try weights.write(to: out, as: format.published)
      print("wrote \(out) with \(format.owner) names")
    }
  }
}

/// Opens the engine for a command that only moves tensors.
private func openEngine() throws {
  try Engine.load()
  ExitStatus.speakForTheEngine()
}
