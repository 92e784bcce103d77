import ArgumentParser
import Inference
import TensorFiles

/// A detector's weights for other programs.
struct DetectExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a detector's weights in ViTDet's names, or its encoder and pyramid as ONNX.",
    discussion: """
      vitdet  one safetensors file in detectron2's names
      onnx    the maps p2 to p6 from pixel_values: normalised squares of the
              detector's side; what finds boxes and masks is not in it
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case vitdet, onnx
  }

  @OptionGroup var model: DetectorOptions

  @Option(help: "vitdet or onnx.")
  var format = Format.vitdet

  @Option(help: "The file to write.")
  var out: String

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  func run() throws {
    try refuseExisting(out, overwrite: overwrite)
    try openEngine()
    let loaded = try LoadedDetector(model.model)
    for note in loaded.notes { warn("note: \(model.model): \(note)") }
    switch format {
    case .vitdet:
      try loaded.writeViTDet(to: out)
      print("wrote \(out) with ViTDet's names")
    case .onnx:
      try refuseExisting(ONNXGraph.dataPath(of: out), overwrite: overwrite)
      try loaded.writeONNX(to: out)
      print("wrote \(out): p2 to p6")
    }
  }
}
