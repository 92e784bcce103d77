import ArgumentParser
import Datasets
import FileSystem
import Inference
import MaskedAutoencoders
import Runs
import TensorFiles
import Torch
import Training

/// The debugging tool of everyone who ports weights: tensors in, every intermediate result out.
struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward",
    abstract: "Run a model on tensors of your own and write what comes out.",
    discussion: """
      In: pixel_values [B, C, H, W] float32, normalised, and noise [B, N]; the patches with the \
      least noise are visible, as many as the model's masking strategy keeps. Out: loss [], pred [B, N, P·P·C], mask [B, N] (1 = hidden), \
      ids_restore [B, N] int64, latent [B, 1+K, D]. Of an encoder alone: mask, \
      ids_restore, latent. A classifier needs pixel_values only and gives logits [B, K].

      Example:
        mae forward vit-mae-base/ inputs.safetensors --out outputs.safetensors
      """)

  @OptionGroup var model: ModelOptions

  @Argument(help: "A safetensors file with pixel_values and noise.", completion: .file())
  var inputs: String

  @Option(help: "The safetensors file to write.")
  var out: String

  @Option(help: "Share of patches that is hidden; the model's own unless given.")
  var ratio: Double?

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try refuseExisting(out, overwrite: overwrite)
    let device = try compute.open()
    let loaded = try model.load(on: device)
    let configuration = loaded.description.model
    let file = try SafetensorsFile(inputs)
    let images = try file.floats(
      "pixel_values", [nil, configuration.channels, configuration.height, configuration.width])
    if let classifier = loaded.classifier {
      let logits = withoutGradients { classifier(images.to(device)) }
      try SafetensorsFile.write(["logits": logits], to: out)
      print("wrote logits to \(out)")
      return
    }
    let noise = try file.floats("noise", [images.shape[0], configuration.grid.count])
    let mask = PatchMask(
      noise: noise.to(device),
      keeping: try kept(loaded.description.masking, of: configuration.grid))
    var results = ["mask": mask.indicator, "ids_restore": mask.restoring]
    withoutGradients {
      let images = images.to(device)
      if case .autoencoder(let model) = loaded.network {
        let output = model(images, mask: mask)
        results["loss"] = output.loss
        results["pred"] = output.prediction
        results["latent"] = output.latent
      } else {
        results["latent"] = loaded.encoder(
          patches(of: images, side: configuration.patch), keeping: mask)
      }
    }
    try SafetensorsFile.write(results, to: out)
    if let loss = results["loss"] { print("loss \(loss.item())") }
    print("wrote \(results.keys.sorted().joined(separator: ", ")) to \(out)")
  }

  /// How many patches the model's strategy keeps, at the ratio that was asked for; which ones they
  /// are, the noise decides.
  private func kept(_ masking: Masking, of grid: PatchGrid) throws -> Int {
    guard let chosen = ratio.map({ masking.withRatio($0) }) ?? masking else {
      throw ValidationError(
        "--ratio is \(ratio ?? 0); the model's masking strategy \(masking.name) always hides "
          + "\(masking.ratio)")
    }
    guard chosen.problems(on: grid).isEmpty else {
      throw RunFailure(
        .badData,
        "a ratio of \(chosen.ratio) of \(grid.count) patches leaves nothing visible or "
          + "nothing hidden; expected more than 0 and less than 1, with at least one of each")
    }
    return chosen.kept(of: grid)
  }
}

extension SafetensorsFile {
  /// A tensor as float32, whose shape must be the expected one; nil stands for any size.
  fileprivate func floats(_ name: String, _ expected: [Int?]) throws -> Tensor {
    guard let entry = entry(name) else {
      throw FileError(
        path: path, kind: .malformed,
        message: "holds no tensor '\(name)'; found \(entries.map(\.name).joined(separator: ", "))")
    }
    let fits =
      entry.shape.count == expected.count
      && zip(entry.shape, expected).allSatisfy { $0 > 0 && ($1 ?? $0) == $0 }
    guard fits else {
      let wanted = expected.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
      throw FileError(
        path: path, kind: .malformed,
        message: "'\(name)' is \(entry.shape), expected [\(wanted)]")
    }
    return try tensor(name).to(.float32)
  }
}
