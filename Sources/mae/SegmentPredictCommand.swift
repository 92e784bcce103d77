import ArgumentParser
import Datasets
import Figures
import FileSystem
import Foundation
import Imaging
import Inference
import Runs
import Training

/// Label maps for pictures.
struct SegmentPredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Segment pictures of any size: a label map for each, and pictures to look at.",
    discussion: """
      Label maps are PNG files of the pictures' size and name, with the numbers that the set that was \
      learned from has for its classes; 16 bits where there are more than 254. They look black unless \
      they have a palette: --palette takes one from a label map that has one, such as those of PASCAL \
      VOC, or from a class table with colours (classes.csv: id,name,red,green,blue). Overlays have the \
      same colour for the same class in every picture, and a legend.

      Examples:
        mae segment predict runs/scenes photo.jpg --out labels/
        mae segment predict runs/voc photos/ --out labels/ --palette label.png
        mae segment predict runs/scenes photos/ --out labels/ --overlay pictures/
      """)

  @OptionGroup var model: SegmenterOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "The folder for label maps.", completion: .directory)
  var out: String?

  @Option(
    help: "The folder for pictures with their classes in colour over them.", completion: .directory)
  var overlay: String?

  @Option(
    help: "The overlays' format: png, jpeg, webp, or svg with text as text; png unless given.")
  var format: FigureFormat?

  @Option(
    help: ArgumentHelp(
      "Colours for label maps: a PNG file with a palette, or classes.csv with colours.",
      valueName: "file"), completion: .file(extensions: ["png", "csv"]))
  var palette: String?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: SegmentComputeOptions

  func validate() throws {
    if inputs.isEmpty {
      throw ValidationError(
        "name pictures: files, folders, lists, - for standard input, or --files-from FILE")
    }
    if out == nil, overlay == nil {
      throw ValidationError("say what to write: --out FOLDER for label maps, --overlay FOLDER")
    }
    if format != nil, overlay == nil {
      throw ValidationError("--format is for overlays: name a folder for them, --overlay FOLDER")
    }
    if palette != nil, out == nil {
      throw ValidationError("--palette is for label maps: name a folder for them, --out FOLDER")
    }
  }

  func run() throws {
    SignalCleanup.install()
    let palette = try palette.map { path throws(DatasetError) in try LabelPalette(path: path) }
    let loaded = try model.load(options)
    if let numbering = loaded.description.segmenter?.numbering {
      try palette?.requireColors(of: numbering)
    }
    var output = SegmentationFolder(
      loaded, labels: out, overlays: overlay, format: format ?? .png, palette: palette,
      overwrite: overwrite)
    var live = LiveCount("segmenting")
    defer { live.clear() }
    var failures: [UndecodableImage] = []
    try inputs.source().forEachPart { part in
      for index in 0..<part.images.count {
        let name = part.images.name(of: index)
        let picture: WholeImage
        do throws(ImageError) {
          picture = try loaded.shown(part.images.content(of: index))
        } catch {
          failures.append(UndecodableImage(index: index, name: name, reason: error.reason))
          live.say("not decoded: \(name): \(error.reason)")
          continue
        }
        try output.write(picture, named: name)
        live.add(1)
      }
    }
    live.clear()
    try broken.limit(unlessGiven: .none).requireSome(
      output.count, broken: failures.count, examples: Array(failures.prefix(3)),
      named: "the pictures")
    for line in output.lines { print(line) }
  }
}
