import ArgumentParser
import Datasets
import Foundation
import Inference
import Torch
import Training

/// The options of ``EmbedCommand``.
struct EmbedOptions: ParsableArguments {
  @OptionGroup var model: ModelOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "The .npy, .safetensors or .csv file to write.")
  var out: String?

  @Option(
    help: "Where the images' names go, or those of --index are; beside the arrays unless given.")
  var names: String?

  @Option(help: "What the embedding of an image is: class-token, mean, patches or features.")
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

  @Option(help: "Draw the neighbours to this .png, .jpg, .webp or .svg file.")
  var pictures: String?

  @Option(help: "Draw what the class token attends to, for the first images, to this file.")
  var attention: String?

  @Option(help: "Draw the principal components of the first images' patches to this file.")
  var pca: String?

  @Option(help: "How many images --attention and --pca draw.")
  var images = 8

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: InferenceOptions

  func validate() throws {
    if let neighbours, neighbours < 1 {
      throw ValidationError("--neighbours is \(neighbours); expected at least 1")
    }
    if images < 1 { throw ValidationError("--images is \(images); expected at least 1") }
    try checkFigure(pictures, option: "--pictures")
    try checkFigure(attention, option: "--attention")
    try checkFigure(pca, option: "--pca")
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

  /// Where the images' names go; nil where none are written. Without an output they are read.
  func namesPath() throws -> String? {
    try out.flatMap { path throws in try names ?? EmbeddingFile.standardNamesPath(of: path) }
  }
}
