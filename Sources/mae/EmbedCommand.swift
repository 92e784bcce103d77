import Figures
import FileSystem
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import ArgumentParser
import Datasets
import Foundation
import Imaging
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
      standard error and have no row; the exit status is 0 as long as one could be, 65 where none \
      could.

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

  @OptionGroup var model: ModelOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "The .npy, .safetensors or .csv file to write.")
  var out: String?

  @Option(
    help: "Where the images' names go, or those of --index are; beside the arrays unless given.")
  var names: String?

  @Option(help: "What stands for an image: class-token, mean, patches or features.")
  var tokens: Embedding?

  @Option(
    help: "Find so many images most like each of --query, by cosine similarity; 5 unless given.")
  var neighbours: Int?

  @Option(parsing: .upToNextOption, help: "The images that others are to be like.")
  var query: [String] = []

  @Option(help: "Look through embeddings written before, with their names beside them.")
  var index: String?

  @Option(help: "How neighbours are printed: table, json or csv.")
  var format = NeighbourSearch.Format.table

  @Option(help: "Draw the neighbours to this PNG.")
  var pictures: String?

  @Option(help: "Draw what the class token attends to, for the first images, to this PNG.")
  var attention: String?

  @Option(help: "Draw the principal components of the first images' patches to this PNG.")
  var pca: String?

  @Option(help: "How many images --attention and --pca draw.")
  var images = 8

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var options: PassOptions

  func validate() throws {
    if let neighbours, neighbours < 1 {
      throw ValidationError("--neighbours is \(neighbours); expected at least 1")
    }
    if images < 1 { throw ValidationError("--images is \(images); expected at least 1") }
    if query.isEmpty, neighbours != nil || index != nil || pictures != nil {
      throw ValidationError("name the images that others are to be like with --query")
    }
    if out == nil, query.isEmpty, attention == nil, pca == nil {
      throw ValidationError("say what to make: --out FILE, --query IMAGE, --attention or --pca")
    }
    if names != nil, (out == nil) == (index == nil) {
      throw ValidationError(
        "--names goes with --out or with --index, "
          + (out == nil ? "and neither is given" : "not with both"))
    }
    if !query.isEmpty, tokens == .patches {
      throw ValidationError("--query compares one row an image; --tokens patches has many")
    }
    if inputs.isEmpty, index == nil || out != nil || attention != nil || pca != nil {
      throw ValidationError(
        "name images: files, folders, lists, - for standard input, or --files-from FILE")
    }
  }

  func run() throws {
    CleanEnd.install()
    // Without an output they are read.
    let namesPath = try out.flatMap { path throws in
      try names ?? EmbeddingFile.standardNamesPath(of: path)
    }
    for path in [out, namesPath, pictures, attention, pca].compactMap(\.self) {
      try requireWritable(path, overwrite: overwrite)
    }
    let device = try options.compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    let embedder = try Embedder(options.pass(with: loaded), as: tokens)
    var search = try search(by: loaded, embedder)
    let drawn = try embed(loaded, embedder, names: namesPath, into: &search)
    if let search {
      print(search.text(format), terminator: "")
      try draw(to: pictures) { search.sheet(title: "images alike, \(loaded.source)") }
    }
    if attention != nil || pca != nil {
      let sheets = try FeaturePictures(of: drawn, by: loaded)
      try draw(to: attention) { try sheets.attention(title: "attention, \(loaded.source)") }
      try draw(to: pca) { try sheets.components(title: "components, \(loaded.source)") }
    }
  }

  private func draw(to path: String?, _ sheet: () throws -> PictureSheet) throws {
    guard let path else { return }
    try writeFile(try sheet().encodedAsPNG(), to: path)
    complain("drew \(path)")
  }

  /// A search for the neighbours of the queries; what is in the index is looked through already.
  private func search(by model: LoadedModel, _ embedder: Embedder) throws -> NeighbourSearch? {
    guard !query.isEmpty else { return nil }
    let queries = try query.map { path in
      NeighbourSearch.Query(name: path, content: .encoded(try EncodedImage(path: path)))
    }
    let rows = stacked(try queries.map { try model.embed($0.content, as: embedder.embedding) })
    var search = NeighbourSearch(queries, rows: rows, count: neighbours ?? 5)
    if let index {
      let known = try EmbeddingIndex(index, names: out == nil ? names : nil)
      guard known.width == rows.shape[1] else {
        throw RunFailure(
          .badData,
          "\(index): its rows have \(known.width) numbers and \(self.model.model) makes "
            + "\(rows.shape[1]): they are of another model, or of other --tokens")
      }
      let wanted = embedder.embedding.rawValue
      if let found = known.metadata["tokens"], found != wanted {
        throw RunFailure(
          .badData, "\(index): holds \(found) of its images, not \(wanted); say --tokens \(found)")
      }
      if let found = known.metadata["model"], found != model.source {
        complain("note: \(index) was made by \(found), the queries are embedded by \(model.source)")
      }
      search.look(through: known)
    }
    return search
  }

  /// Goes through the images, once.
  ///
  /// - Returns: The first that can be decoded, as many as are drawn.
  private func embed(
    _ model: LoadedModel, _ embedder: Embedder, names namesPath: String?,
    into search: inout NeighbourSearch?
  ) throws -> [(images: any ImageDataset, index: Int)] {
    var drawn: [(images: any ImageDataset, index: Int)] = []
    var file: EmbeddingFile?
    var live = LiveCount("embedding")
    var (whole, broken, first) = (0, 0, "")
    let start = ContinuousClock.now
    let isEmbedding = out != nil || search != nil
    var classes: [String]?
    try inputs.forEachPart(opened: { classes = $0.classes }) { part in
      if attention != nil || pca != nil {
        for index in 0..<part.images.count where drawn.count < images {
          do throws(ImageError) {
            _ = try part.images.image(at: index)
            drawn.append((part.images, index))
          } catch {
            if first.isEmpty { first = "\(error)" }
          }
        }
      }
      guard isEmbedding else { return }
      if let out, file == nil {
        file = try EmbeddingFile(
          out, names: namesPath, shape: embedder.shape, classes: classes,
          metadata: ["tokens": embedder.embedding.rawValue, "model": model.source])
      }
      whole += try embedder.run(over: part.images, named: part.name) { found in
        for image in found.broken {
          live.say("not decoded: \(image)")
          if first.isEmpty { first = "\(image)" }
          broken += 1
        }
        if let rows = found.rows {
          try file?.append(rows, names: found.names, labels: found.labels)
          search?.look(at: rows, of: part.images, indices: found.indices)
        }
        live.add(found.indices.count + found.broken.count)
      }
    }
    live.clear()
    guard !inputs.isEmpty else { return drawn }
    guard isEmbedding ? whole > 0 : !drawn.isEmpty else {
      throw RunFailure(.badData, "none of the images could be decoded; the first is \(first)")
    }
    if let file {
      try file.finish()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let shape = ([whole] + embedder.shape).map(String.init).joined(separator: " × ")
      let beside = file.namesPath.map { ", names to \($0)" } ?? ""
      print(
        "wrote \(shape) (\(embedder.embedding.rawValue)) to \(file.path)\(beside): "
          + "\(fixed(Double(whole) / max(seconds, 1e-9), 1)) images/s"
          + (broken > 0 ? ", \(broken) not decoded" : ""))
    }
    return drawn
  }
}
