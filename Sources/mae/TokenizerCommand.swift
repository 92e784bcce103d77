import ArgumentParser
import DiscreteVAE
import FileSystem
import Inference
import Recipes
import Runs
import Torch
import Training

/// Image tokenizers, whose tokens a model can be trained to predict.
struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Image tokenizers: code pictures in tokens of a vocabulary, as a target to predict.",
    discussion: """
      Examples:
        mae tokenizer train fashion-mnist --out runs/tokens --recipe tokenizer-fashion-mnist
        mae pretrain fashion-mnist --out runs/first --recipe demo-fashion-mnist \\
          --set model.target=tokens --set model.target.tokenizer=runs/tokens
      """,
    subcommands: [Train.self, Import.self])

  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a discrete VAE on images; labels are not needed.",
      discussion: """
        As many tokens as the model has patches: 14 × 14 for ViT-B/16 at 224 × 224. A token is of \
        2^(model.groups − 1) pixels a side.

        Examples:
          mae tokenizer train photos/ --out runs/tokens
          mae tokenizer train photos/ --out runs/tokens --set model.vocabulary=4096
        Recipes: mae recipes list. Every field of one can be set by its path.
        """)

    @Argument(help: dataHelp, completion: .directory)
    var data: String

    @Option(help: "Images to validate on; the validation part of DATA, or some of it.")
    var validation: String?

    @Option(help: "The run folder: recipe, checkpoints, curves, pictures.")
    var out: String

    @OptionGroup var options: RunOptions

    func run() throws {
      let inputs = try TokenizerInputs(
        data: dataPath(data), validation: validation.map { word throws in try dataPath(word) },
        named: data)
      try options.train(TokenizerTask.self, inputs, from: RecipeBooks.tokenizer, out: out)
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a tokenizer of published weights of DALL-E's discrete VAE.",
      discussion: """
        Reads state dicts with the published names (blocks.input.w, blocks.group_1.block_1.res_path.conv_1.w, \
        …): .pth files as torch.save writes them, or safetensors. The published files are pickled modules: \
        save their state_dict() first.

        Example:
          mae tokenizer import encoder.pth decoder.pth --out tokens/dalle --size 112
        """)

    @Argument(help: "The encoder's state dict, or both below encoder. and decoder.")
    var encoder: String

    @Argument(help: "The decoder's state dict, where the first file does not hold it.")
    var decoder: String?

    @Option(help: "The folder to write.")
    var out: String

    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp(
        "Side, or height and width, of the pictures that are coded: 8 pixels for each patch of the model.",
        valueName: "pixels"))
    var size: [Int] = [112]

    @Flag(help: "Replace an existing tokenizer.")
    var overwrite = false

    func validate() throws {
      guard (1...2).contains(size.count), size.allSatisfy({ (1...65_536).contains($0) }) else {
        throw ValidationError("--size is \(size); expected one or two numbers of pixels")
      }
    }

    func run() throws {
      try refuseExisting(
        out, overwrite: overwrite, unless: ["model.json", "weights.safetensors"])
      let loaded = try LoadedTokenizer(
        publishedEncoder: encoder, decoder: decoder, size: (size[0], size[size.count - 1]))
      try loaded.write(to: out)
      print("wrote \(out): \(loaded.tokenizer.configuration.words)")
    }
  }
}
