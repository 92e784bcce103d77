import ArgumentParser
import FileSystem
import Inference
import MaskedAutoencoders
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
  }
}
