import ArgumentParser
import DenseHeads
import Inference
import TensorFiles
import Torch

/// A segmenter's weights for other programs.
struct SegmentExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Write a segmenter as ONNX, or its weights in MMSegmentation's, BEiT's or Hugging Face's names.",
    discussion: """
      onnx            logits of classes for each pixel from pixel_values, normalised, of the model's
                      size, in batches of any size
      mmsegmentation  one safetensors file in the names of a checkpoint of MMSegmentation's
      beit            the same in the names of BEiT's code
      hf              the same in the names of BeitForSemanticSegmentation
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case onnx, mmsegmentation, beit, hf
  }

  @OptionGroup var model: SegmenterOptions

  @Option(help: "onnx, mmsegmentation, beit or hf.")
  var format: Format

  @Option(help: "The file to write.")
  var out: String

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  func run() throws {
    try refuseExisting(out, overwrite: overwrite)
    try openEngine()
    let loaded = try LoadedSegmenter(model.model)
    for note in loaded.notes { warn("note: \(model.model): \(note)") }
    switch format {
    case .onnx:
      try refuseExisting(ONNXGraph.dataPath(of: out), overwrite: overwrite)
      try loaded.writeONNX(to: out)
      print("wrote \(out): logits")
    case .mmsegmentation: try write(loaded, as: .mmsegmentation, "MMSegmentation's")
    case .beit: try write(loaded, as: .beit, "BEiT's")
    case .hf: try write(loaded, as: .huggingFace, "Hugging Face's")
    }
  }

  private func write(
    _ loaded: LoadedSegmenter, as format: SegmenterFormat, _ names: String
  ) throws {
    try loaded.write(to: out, as: format)
    print("wrote \(out) with \(names) names")
  }
}
