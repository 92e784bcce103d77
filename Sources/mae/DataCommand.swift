import ArgumentParser
import Datasets
import Figures
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Training

/// Sets of images: getting them, looking at them.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Get sets of images and look at them.",
    subcommands: [Fetch.self, Inspect.self, Pack.self, Compose.self, Convert.self])

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Get a public set of images, checked byte by byte.",
      discussion: """
        Known sets: \(DatasetCatalog.names.joined(separator: ", ")). They are kept under \
        $XDG_CACHE_HOME/swift-mae or ~/.cache/swift-mae, and commands take their names for DATA.

        Examples:
          mae data fetch fashion-mnist
          mae data fetch fashion-mnist --from https://example.org/mirror
        """)

    @Argument(help: "The set's name.", completion: .list(DatasetCatalog.names))
    var name: String

    @Option(
      help: "A folder or address that holds the files; MAE_DATA_FROM in the environment does too.")
    var from: String?

    func run() throws {
      let address = from ?? ProcessInfo.processInfo.environment["MAE_DATA_FROM"]
      _ = try DatasetCatalog.fetch(name, from: address) { print($0) }
    }
  }

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count, decode and measure the images of a set.",
      discussion: """
        Every image is decoded unless --sample is given. Broken files are named; exits with 65 when \
        there are any. Of a set with label maps (images beside annotations, labels or masks) the \
        numbers of the labels are counted, and --overlay paints them over pictures; of a COCO file \
        (instances….json) the objects are counted, and what is wrong with them. Of files that are no \
        pictures (TIFF of many channels or floating-point numbers, .npy arrays) the type, the range \
        of each channel and missing values are shown; with --rasters of every file.

        Examples:
          mae data inspect photos/
          mae data inspect photos/ --sample 1000
          mae data inspect scenes/ --overlay overlay.png
          mae data inspect satellite/ --rasters
        """)

    @Argument(help: dataHelp, completion: .directory)
    var data: String

    @Option(help: "Images to decode, chosen evenly; all unless given.")
    var sample: Int?

    @Flag(help: "Look at the validation part of a divided set.")
    var validation = false

    @Option(
      help:
        "A file (\(FigureFormat.endings)) with some pictures of a set with label maps, the labels over them."
    )
    var overlay: String?

    @Flag(
      help: "Look at every channel of every file as it is stored, as data.channels=all reads it.")
    var rasters = false

    @OptionGroup(title: "Label maps") var labels: LabelOptions

    func validate() throws {
      if let sample, sample < 1 {
        throw ValidationError("--sample is \(sample); expected at least 1")
      }
      try checkFigure(overlay, option: "--overlay")
    }

    func run() throws {
      let path = try dataPath(data)
      let split: DatasetSplit = validation ? .validation : .training
      if LabelInspection.takes(path, labels) {
        try LabelInspection(path: path, split: split, rules: labels.rules, sample: sample).run(
          overlay: overlay)
        return
      }
      if overlay != nil {
        throw DatasetError(
          .malformed, path: path, "has no label maps, of which --overlay could show some")
      }
      let dataset = try openDataset(at: path, split: split)
      say(notesOf: dataset, named: data)
      let summary = DatasetSummary(
        of: dataset, sample: sample, raster: rasters ? RasterSettings() : nil)
      for line in summary.lines { print(line) }
      for broken in summary.broken.prefix(20) { print("broken   \(broken)") }
      if summary.broken.count > 20 { print("broken   … \(summary.broken.count) in all") }
      if !summary.broken.isEmpty { throw ExitCode(ExitStatus.badData.rawValue) }
    }
  }
}

extension DataCommand {
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pack a set into tar shards with an index, as WebDataset has them.",
      discussion: """
        Archives that are there and whole are kept, so a run that was interrupted continues. Every \
        archive is read back and compared before it gets its name.

        Examples:
          mae data pack photos/ --out shards/
          mae data pack photos/ --out shards/ --maximum-side 512 --quality 90
        """)

    @Argument(help: dataHelp, completion: .directory)
    var data: String

    @Option(help: "The folder for the archives.")
    var out: String

    @Option(help: "What the archives are called, before their number.")
    var name = "images"

    @Option(help: "Images in an archive.")
    var perShard = 5000

    @Option(help: "Longest side; larger images are made smaller and encoded anew.")
    var maximumSide: Int?

    @Option(help: "JPEG quality of images that are encoded anew, 1 to 100.")
    var quality = 95

    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp(
        "The samples of images with 16 bits that become black and white where an image is encoded anew, "
          + "such as 0 4095; all of 16 bits unless given.",
        valueName: "low high"))
    var valueRange: [Int] = []

    @OptionGroup var broken: BrokenOptions

    func validate() throws {
      for (name, value) in [("per-shard", perShard), ("maximum-side", maximumSide ?? 1)]
      where value < 1 {
        throw ValidationError("--\(name) is \(value); expected at least 1")
      }
      if !(1...100).contains(quality) {
        throw ValidationError("--quality is \(quality); expected 1 to 100")
      }
      try requireValueRange(valueRange)
      if !valueRange.isEmpty, maximumSide == nil {
        throw ValidationError(
          "--value-range is for images that are encoded anew; give --maximum-side as well")
      }
    }

    func run() throws {
      let dataset = try openDataset(at: dataPath(data))
      say(notesOf: dataset, named: data)
      let limit = broken.limit()
      var packing = ShardPacking(
        imagesPerShard: perShard, maximumSide: maximumSide, quality: quality,
        brokenFraction: limit.share)
      packing.brokenSetting = limit.setting
      if valueRange.count == 2 { packing.valueRange = valueRange[0]...valueRange[1] }
      let report = try packing.pack(dataset, to: out, name: name, path: data)
      let kept = report.kept > 0 ? " (\(report.kept) were there already)" : ""
      print(
        "\(report.images) images, \(Formatted.bytes(report.bytes)) in "
          + "\(report.shards.count) archives\(kept): \(report.pattern)")
      warn(report.broken)
    }
  }
}

/// Says what of a set is left out, and why its classes cannot be used.
func say(notesOf images: any ImageDataset, named name: String) {
  for note in images.notes { warn("note: \(name.shownPath): \(note)".oneLine) }
  if let problem = images.labelProblem { warn("note: classes are not used: \(problem)") }
}

/// What DATA may be, for help texts.
let dataHelp: ArgumentHelp = """
  Images: \(DatasetFormats.names); or the name of a fetched set.
  """
