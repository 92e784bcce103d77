import ArgumentParser
import FileSystem
import Foundation
import Inference
import MaskedAutoencoders
import Reports
import Runs
import TensorFiles
import Torch
import Training
import WeightExchange

extension WeightsCommand {
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write weights for Hugging Face, timm, the original, or as ONNX.",
      discussion: """
        hf        a folder for ViTMAEForPreTraining, for ViTMAEModel (an encoder), or
                  for ViTForImageClassification (a head on the class token)
        timm      a folder for timm.create_model("local-dir:OUT", pretrained=True), or
                  one file where OUT ends in .safetensors
        original  one safetensors file in the names of the paper's code
        onnx      the encoder (last_hidden_state) or the classifier (logits) from
                  pixel_values, normalised, in batches of any size; more than
                  1.9 GB of weights go into OUT.data

        Beside the weights goes a model card, filled in from the run: README.md in a folder, NAME.md \
        beside a file NAME. A card that is there is kept, unless mae wrote it and --overwrite is given.

        Only hf and original hold a decoder. A batch normalisation before the head \
        becomes part of the head.

        Examples:
          mae weights export runs/first --format hf --out vit-mae-mine
          mae weights export runs/first --format timm --out encoder.safetensors
          mae weights export runs/flowers --format onnx --out flowers.onnx
        """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
      case hf, timm, original, onnx
    }

    @OptionGroup var model: ModelOptions

    @Option(help: "hf, timm, original or onnx.")
    var format: Format

    @Option(help: "The folder (hf, timm) or file to write.")
    var out: String

    @Option(
      help:
        "The licence of the weights for the model card, by Hugging Face's names: mit, apache-2.0.")
    var license = "other"

    @Flag(help: "Replace an existing file or folder.")
    var overwrite = false

    func run() throws {
      let isFolder = format == .hf || format == .timm && !out.hasSuffix(".safetensors")
      try refuseExisting(
        out, overwrite: overwrite, unless: isFolder ? ["config.json", "model.safetensors"] : nil)
      if format == .onnx { try refuseExisting(ONNXGraph.dataPath(of: out), overwrite: overwrite) }
      try openEngine()
      let loaded = try model.load(on: .cpu)
      let weights = loaded.published
      switch format {
      case .hf:
        try weights.write(to: out, as: .huggingFace)
        print("wrote \(out) with Hugging Face's names")
      case .timm:
        try weights.write(to: out, as: .timm)
        print("wrote \(out) with timm's names; in Python:")
        print(
          isFolder
            ? "timm.create_model(\"local-dir:\(out)\", pretrained=True)"
            : weights.timmCall(checkpoint: out))
        if weights.configuration.normEpsilon != 1e-6 {
          warn(
            "note: timm's layer norms have the epsilon 1e-06, this model's "
              + "\(weights.configuration.normEpsilon)")
        }
      case .original:
        try weights.write(to: out, as: .original)
        print("wrote \(out) with the original's names")
      case .onnx:
        try weights.writeONNX(to: out)
        print("wrote \(out): \(loaded.classifier == nil ? "last_hidden_state" : "logits")")
      }
      try writeCard(of: loaded, isFolder: isFolder)
      if let range = loaded.description.valueRange {
        warn(
          "note: \(out): does not state that samples of 16 bits from \(range.lowerBound) to "
            + "\(range.upperBound) become black to white; scale them before")
      }
      if loaded.description.usedRaster != nil {
        warn(
          "note: \(out): mean and deviation are in the files' units; samples are not divided by 255"
        )
      }
      if isFolder {
        for unstated in weights.unstatedPreprocessing(as: format == .hf ? .huggingFace : .timm) {
          warn("note: \(out): \(unstated)")
        }
      }
    }

    /// Writes the model card, unless one is there that is not to be replaced.
    private func writeCard(of loaded: LoadedModel, isFolder: Bool) throws {
      let name = out.lastName.split(separator: ".").first.map(String.init) ?? "model"
      let path = isFolder ? "\(out)/README.md" : out.folderAndName.folder + "/\(name).md"
      if FileManager.default.fileExists(atPath: path),
        !(overwrite && ModelCard.isReplaceable(path))
      {
        warn("note: \(path) is there and kept; no model card is written")
        return
      }
      let card = try ModelCard(
        name, of: loaded.description, run: model.model, license: license,
        library: format == .hf ? "transformers" : format == .timm ? "timm" : "swift-mae",
        loading: loading(loaded))
      try writeFile(Array(card.markdown.utf8), to: path)
      print("wrote \(path), a model card")
    }

    /// How the weights are loaded in Python.
    private func loading(_ loaded: LoadedModel) -> [String] {
      switch format {
      case .hf:
        let name =
          loaded.classifier != nil
          ? "ViTForImageClassification"
          : loaded.description.hasDecoder ? "ViTMAEForPreTraining" : "ViTMAEModel"
        return [
          "from transformers import \(name)", "model = \(name).from_pretrained(\"FOLDER\")",
        ]
      case .timm:
        return out.hasSuffix(".safetensors")
          ? ["import timm", "model = " + loaded.published.timmCall(checkpoint: out.lastName)]
          : ["import timm", "model = timm.create_model(\"local-dir:FOLDER\", pretrained=True)"]
      case .original, .onnx: return []
      }
    }
  }
}
