import ArgumentParser
import MaskedAutoencoders
import Torch
import Training

extension WeightsCommand {
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write weights for Hugging Face, timm, the original, or as ONNX.",
      discussion: """
        hf      a folder: ViTMAEForPreTraining, ViTMAEModel of an encoder, or \
        ViTForImageClassification of a classifier that reads the class token
        timm    the encoder or the classifier as a folder for timm.create_model("local-dir:FOLDER", \
        pretrained=True); one file where the name ends in .safetensors, with the call that loads it
        original  one safetensors file in the names of the paper's code
        onnx    the encoder (last_hidden_state) or the classifier (logits) from pixel_values, \
        normalised, in batches of any size; weights beyond 1.9 GB go into FILE.data beside it
        A batch normalisation before the head becomes part of the head. Only hf and original hold a \
        decoder.

        Examples:
          mae weights export runs/first --format hf --out vit-mae-mine
          mae weights export runs/first --format timm --out encoder.safetensors
          mae weights export runs/first/classifiers/finetuned --format onnx --out flowers.onnx
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
          complain(
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
    }
  }
}
