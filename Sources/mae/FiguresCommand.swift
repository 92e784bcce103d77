import ArgumentParser
import Datasets
import Figures
import FileSystem
import Foundation
import Inference
import MaskedAutoencoders
import Runs
import Torch
import Training

/// The paper's pictures of a model, and others that show what it has learned.
struct FiguresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figures",
    abstract: "Draw what a model has learned: reconstructions, attention, positions, codebook.",
    discussion: """
      Into the folder OUT go, as far as the model has them:
        reconstructions  validation images masked as in training, as the paper's Figures 2 and 3
        higher-ratios    the same with more hidden than in training, as Figure 4
        attention        what the class token attends to in the last block, head by head
        components       the first three principal components of the patches' features
        positions        how alike the positions of patches are
        codebook         of a tokenizer: what its decoder makes of each token
      Without DATA only those that show no images are drawn. mae reconstruct draws sheets of one's own.

      Examples:
        mae figures runs/first fashion-mnist --out figures
        mae figures runs/first photos/ --ratios 0.8 0.9 --images 12 --out figures
        mae figures runs/first fashion-mnist --format svg --out figures
        mae figures runs/tokens --out figures
      """)

  @OptionGroup var model: ModelOptions

  @Argument(help: dataHelp, completion: .file())
  var data: String?

  @Option(help: "The folder to write to.")
  var out: String

  @Option(help: "The files' format: png, jpeg, webp, or svg with text as text.")
  var format = FigureFormat.png

  @Option(help: "How many images to draw.")
  var images = 6

  @Option(
    parsing: .upToNextOption, help: "Shares of patches that are hidden in higher-ratios.")
  var ratios: [Double] = [0.75, 0.85, 0.95]

  @Option(help: "Decides which patches are hidden.")
  var seed: UInt64 = 0

  @Flag(help: "Use the training part of a divided set instead of the validation part.")
  var training = false

  @Flag(help: "Replace existing pictures.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if images < 1 { throw ValidationError("--images is \(images); expected at least 1") }
    if let wrong = ratios.first(where: { !($0 > 0 && $0 < 1) }) {
      throw ValidationError("--ratios has \(wrong); expected more than 0 and less than 1")
    }
  }

  func run() throws {
    let device = try compute.open()
    if let tokenizer = try? LoadedTokenizer(model.model, on: device) {
      try draw("codebook") { tokenizer.codebookSheet(title: "codebook, \(tokenizer.source)") }
      return
    }
    let loaded = try model.load(on: device, readsImages: data != nil)
    try draw("positions") { loaded.positionSheet(title: "positions, \(loaded.source)") }
    guard let data else { return }
    let images = try openImages(at: dataPath(data), training: training)
    let chosen = try DecodableImages(
      first: self.images, of: images, named: data, brokenLimit: broken.limit())
    warn(chosen.broken)
    let title = "\(loaded.source), \(data)"
    let features = try FeaturePictures(
      of: chosen.indices.map { (images: images, index: $0) }, by: loaded)
    try draw("attention") { try features.attention(title: "attention, \(title)") }
    try draw("components") { try features.components(title: "components, \(title)") }
    guard loaded.description.hasDecoder, loaded.description.model.target.isDrawable else { return }
    let reconstruction = try Reconstruction(loaded)
    let own = reconstruction.masking.ratio
    func sheet(_ ratios: [Double]) throws -> PictureSheet {
      try reconstruction.sheet(of: images, chosen.indices, ratios: ratios, seed: seed, title: title)
    }
    try draw("reconstructions") { try sheet([own]) }
    let known = ratios.filter { (try? reconstruction.check(ratio: $0)) != nil }
    guard !known.isEmpty else {
      warn("note: higher-ratios is left out: the masking strategy has no ratio but its own")
      return
    }
    try draw("higher-ratios") { try sheet(known) }
  }

  /// Draws a picture into the folder.
  private func draw(_ name: String, _ sheet: () throws -> PictureSheet) throws {
    let path = "\(out)/\(name).\(format.pathExtension)"
    try requireWritable(path, overwrite: overwrite)
    try write(try sheet(), to: path)
    print("drew \(path)")
  }
}
