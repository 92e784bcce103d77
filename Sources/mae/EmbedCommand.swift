import ArgumentParser
import DataParallel
import Figures
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// Features of images, as arrays, as neighbours, as pictures.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Write the features of images, find images like others, draw what patches look like.",
    discussion: """
      One row for each image that can be decoded, in order, written while images are read: any number of \
      them takes the same memory. X.npy and X.safetensors come with X.txt, whose line i names the \
      image of row i, and its class after a tab where it has one. Images that cannot be decoded are named on \
      standard error and have no row; the exit status is 0 as long as one could be and no more are \
      broken than --broken-limit allows, else 65.

      --tokens: class-token and mean (of the patches) are [n, D], patches is [n, N, D], features is what a \
      classifier's head sees, [n, D]. A classifier gives features unless told otherwise, any other model the \
      class token.

      Examples:
        mae embed runs/first photos/ --out photos.npy
        mae embed runs/first photos/ --tokens patches --out patches.safetensors
        mae embed runs/first photos/ --neighbours 8 --query cat.jpg --pictures alike.png
        mae embed runs/first --index photos.npy --neighbours 8 --query cat.jpg
        mae embed runs/first photos/ --attention attention.png --pca components.png
      """)

  @OptionGroup var options: EmbedOptions
  @OptionGroup var processes: ProcessOptions

  func run() throws {
    SignalCleanup.install()
    let names = try options.namesPath()
    let outputs = [options.out, names, options.pictures, options.attention, options.pca]
    for path in outputs.compactMap(\.self) {
      try requireWritable(path, overwrite: options.overwrite)
    }
    try processes.work(options.options.compute) { group, device in
      try embed(in: group, on: device, names)
    }
  }

  private func embed(in group: DataParallelGroup, on device: Device, _ names: String?) throws {
    let loaded = try options.model.load(on: device, readsImages: true)
    var pass = EmbeddingPass(
      try Embedder(
        options.options.inference(with: loaded, in: group, givesAll: false), as: options.tokens))
    pass.file = options.out.map { ($0, names) }
    pass.search = try search(by: loaded, pass.embedder)
    let draws = options.attention != nil || options.pca != nil
    if draws { pass.pickedCount = options.images }
    pass.brokenLimit = options.broken.limit(unlessGiven: .none)
    var live = LiveCount("embedding")
    defer { live.clear() }
    let outcome = try pass.run(
      over: options.inputs.source(), broken: { live.say("not decoded: \($0)") },
      progress: { live.add($0) })
    live.clear()
    guard group.isFirst else { return }
    if let written = outcome.written { print(written) }
    if let search = pass.search {
      print(search.text(options.format), terminator: "")
      try draw(to: options.pictures) { search.sheet(title: "images alike, \(loaded.source)") }
    }
    if draws {
      let sheets = try FeaturePictures(of: outcome.picked, by: loaded)
      try draw(to: options.attention) { try sheets.attention(title: "attention, \(loaded.source)") }
      try draw(to: options.pca) { try sheets.components(title: "components, \(loaded.source)") }
    }
  }

  private func draw(to path: String?, _ sheet: () throws -> PictureSheet) throws {
    guard let path else { return }
    try write(try sheet(), to: path)
    warn("drew \(path)")
  }

  /// A search for the neighbours of the queries; what is in the index is looked through already.
  private func search(by model: LoadedModel, _ embedder: Embedder) throws -> NeighbourSearch? {
    guard !options.query.isEmpty else { return nil }
    var search = try NeighbourSearch(
      options.query, by: model, as: embedder.embedding, count: options.neighbours ?? 5)
    guard let index = options.index else { return search }
    let known = try EmbeddingIndex(index, names: options.out == nil ? options.names : nil)
    if let warning = try search.look(through: known, as: embedder.embedding, of: model) {
      warn("note: \(warning)")
    }
    return search
  }
}
