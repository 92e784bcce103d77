import ArgumentParser
import Inference

/// A detector's weights for other programs.
struct DetectExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a detector's weights in ViTDet's names (detectron2's) to a safetensors file.")

  @OptionGroup var model: DetectorOptions

  @Option(help: "The file to write.")
  var out: String

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  func run() throws {
    try refuseExisting(out, overwrite: overwrite)
    try openEngine()
    let loaded = try LoadedDetector(model.model)
    for note in loaded.notes { warn("note: \(model.model): \(note)") }
    try loaded.writeViTDet(to: out)
    print("wrote \(out) with ViTDet's names")
  }
}
