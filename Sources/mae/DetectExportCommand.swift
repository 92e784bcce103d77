public import ArgumentParser
import DenseHeads
import Inference
import TensorFiles
public import WeightExchange

/// A detector's weights for other programs.
struct DetectExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a detector as ONNX, or its weights in ViTDet's names.",
    discussion: """
      vitdet           one safetensors file in detectron2's names
      onnx             the whole detector, one image at a time: boxes, scores,
                       labels and masks from pixel_values, a normalised square
                       of the detector's side, and image_size, the height and
                       width of the picture within it. Boxes are in the square's
                       pixels, masks are 28 x 28 cells of a box: to put them
                       into the picture is the caller's
      onnx, backbone   the maps p2 to p6 from any number of pixel_values

      Examples:
        mae detect export runs/objects --format onnx --out detector.onnx
        mae detect export runs/objects --format onnx --part backbone --out maps.onnx
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case vitdet, onnx
  }

  @OptionGroup var model: DetectorOptions

  @Option(help: "vitdet or onnx.")
  var format = Format.vitdet

  @Option(help: "What of the detector an ONNX file holds: all of it unless given.")
  var part: DetectorPart?

  @Option(help: "The file to write.")
  var out: String

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  func validate() throws {
    if part != nil, format != .onnx {
      throw ValidationError("--part is of --format onnx; ViTDet's file holds the whole detector")
    }
  }

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
      let part = part ?? .detector
      try loaded.writeONNX(to: out, of: part)
      switch part {
      case .backbone: print("wrote \(out): p2 to p6")
      case .detector:
        let masks = loaded.detector.shape.hasMasks ? ", labels and masks" : " and labels"
        print("wrote \(out): boxes, scores\(masks)")
      }
    }
  }
}

extension DetectorPart: ExpressibleByArgument {}
