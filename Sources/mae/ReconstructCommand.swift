import ArgumentParser
import Datasets
import Figures
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// Pictures of what a model makes of hidden patches, and how far they are off.
struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Draw original, masked image and reconstruction; measure the error.",
    discussion: """
      Draws the first images of DATA that can be decoded unless --index names others; one \
      image file will do. Of a model \
      trained on normalised pixels, each hidden patch's mean and deviation come from the original, \
      and the sheet says so.

      Examples:
        mae reconstruct runs/first photo.jpg --out sheet.png
        mae reconstruct runs/first fashion-mnist --images 12 --ratios 0.75 0.85 0.95 --out sheet.png
        mae reconstruct runs/first fashion-mnist --images 4 --out sheet.svg
        mae reconstruct runs/first fashion-mnist --score 1000
      """)

  @OptionGroup var model: ModelOptions

  @Argument(help: dataHelp, completion: .file())
  var data: String

  @Option(
    help:
      "The picture to write: a \(FigureFormat.endings) file; in the run folder's reconstructions/ unless given."
  )
  var out: String?

  @Option(help: "How many images to draw.")
  var images = 8

  @Option(parsing: .upToNextOption, help: "Numbers of the images to draw, counted from 0.")
  var index: [Int] = []

  @Option(
    parsing: .upToNextOption,
    help: "Shares of patches to hide, side by side; the model's own unless given.")
  var ratios: [Double] = []

  @OptionGroup var strategy: StrategyOptions

  @Option(help: "Decides which patches are hidden.")
  var seed: UInt64 = 0

  @Option(help: "Measure the error on the first so many images beside two trivial fills.")
  var score: Int?

  @Flag(help: "Use the training part of a divided set instead of the validation part.")
  var training = false

  @Flag(help: "Replace an existing picture.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if images < 1 { throw ValidationError("--images is \(images); expected at least 1") }
    if let score, score < 1 { throw ValidationError("--score is \(score); expected at least 1") }
    try checkFigure(out, option: "--out")
  }

  func run() throws {
    let device = try compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    var reconstruction = try Reconstruction(loaded)
    if let other = strategy.masking(ratio: reconstruction.masking.ratio) {
      reconstruction.masking = other
    }
    let path = try dataPath(data)
    let dataset = try openImages(at: path, training: training)
    let shares = ratios.isEmpty ? [reconstruction.masking.ratio] : ratios
    for ratio in shares { try reconstruction.check(ratio: ratio) }
    if let wrong = index.first(where: { !(0..<dataset.count).contains($0) }) {
      throw RunFailure(
        .missingInput,
        "\(data): there is no image \(wrong); it has \(dataset.count), counted from 0")
    }
    var leftOut: Set<UndecodableImage> = []
    defer { warn(leftOut.sorted { $0.index < $1.index }) }
    let isRun = FileManager.default.fileExists(atPath: model.model + "/recipe.yaml")
    if let target = out ?? (isRun ? "\(model.model)/reconstructions/sheet.png" : nil) {
      if out != nil { try refuseExisting(target, overwrite: overwrite) }
      var chosen = index
      if index.isEmpty {
        let first = try DecodableImages(
          first: images, of: dataset, for: loaded.description, named: data,
          brokenLimit: broken.limit())
        chosen = first.indices
        leftOut.formUnion(first.broken)
      }
      let sheet = try reconstruction.sheet(
        of: dataset, chosen, ratios: shares, seed: seed, title: "\(loaded.source), \(data)")
      try write(sheet, to: target)
      print("drew \(chosen.count) images to \(target)")
    } else if score == nil {
      throw ValidationError("name the picture with --out")
    }
    if let score {
      try measure(
        reconstruction, dataset, count: score, ratio: shares[0],
        unit: loaded.description.usedRaster == nil ? "0…1" : "normalised"
      ) { leftOut.formUnion($0) }
    }
  }

  /// Measures and prints the error.
  private func measure(
    _ reconstruction: Reconstruction, _ dataset: any ImageDataset, count: Int, ratio: Double,
    unit: String,
    broken report: ([UndecodableImage]) -> Void
  ) throws {
    let result = try reconstruction.score(
      on: dataset, named: data, range: 0..<min(count, dataset.count), ratio: ratio, seed: seed,
      workers: HostLimits.cores, brokenLimit: broken.limit(),
      broken: report)
    print(
      "mean squared error of hidden pixels (\(unit)), \(result.images) images, "
        + "\(fixed(ratio * 100, 0)) % hidden:")
    print("  this model               \(fixed(result.meanSquaredError, 5))")
    print("  mean of visible pixels   \(fixed(result.meanFill, 5))")
    print("  nearest visible patch    \(fixed(result.nearestFill, 5))")
    print("  model / better fill      \(fixed(result.shareOfBetterFill, 3))")
    if result.shareOfBetterFill >= 1 {
      print("  the model does worse than a fill that knows nothing: it needs longer training")
    }
    if result.usesOriginalStatistics {
      print("  the model was given each hidden patch's mean and deviation; the fills were not")
    }
    try record(in: model.model) { $0.reconstruction = result }
  }
}

/// Opens the validation part of a divided set where there is one, else the set; or one image file.
func openImages(at path: String, training: Bool) throws -> any ImageDataset {
  if let image = ImageFileDataset(path: path) { return image }
  let images = try openSet(at: path, training: training)
  say(notesOf: images, named: path)
  return images
}

private func openSet(at path: String, training: Bool) throws -> any ImageDataset {
  if training { return try openDataset(at: path) }
  do throws(DatasetError) {
    return try openDataset(at: path, split: .validation)
  } catch {
    guard error.kind == .missingSplit else { throw error }
    return try openDataset(at: path)
  }
}
