public import DiscreteVAE
public import FileSystem
import Foundation
package import MaskedAutoencoders
import Runs
import TensorFiles
public import Torch
public import TorchNN

/// An image tokenizer with its weights, from wherever they are.
public struct LoadedTokenizer {
  /// The network.
  public let tokenizer: ImageTokenizer
  /// Its tensors.
  public let store: ParameterStore
  /// What was loaded, in words: the checkpoint's path.
  public let source: String

  /// Loads a run folder of `mae tokenizer train` (its newest whole checkpoint), or a checkpoint,
  /// such as `mae tokenizer import` writes.
  ///
  /// - Throws: ``/Runs/RunFailure`` where nothing of that kind is there, `FileError` with what is
  ///   wrong, `EngineError` where libtorch is missing.
  public init(_ path: String, on device: Device = .cpu) throws {
    try Engine.load()
    guard FileManager.default.fileExists(atPath: path) else {
      throw RunFailure(
        .missingInput, "\(path): there is nothing here; give a run folder of mae tokenizer train")
    }
    guard let checkpoint = try LoadedModel.checkpoint(at: path) else {
      throw RunFailure(
        .badData,
        "\(path): is no run folder nor checkpoint; give a run folder of mae tokenizer train, or make "
          + "one of published weights with mae tokenizer import")
    }
    guard let configuration = try checkpoint.description().tokenizer else {
      throw RunFailure(
        .badData,
        "\(checkpoint.path): the model is no image tokenizer; train one with mae tokenizer train")
    }
    try self.init(
      configuration, try checkpoint.weights(), from: checkpoint.path, on: device)
  }

  /// Reads published weights: the encoder's and the decoder's state dicts, in files of `torch.save`
  /// or safetensors, with the names of DALL-E's discrete VAE (`blocks.input.w`, …).
  ///
  /// - Parameters:
  ///   - encoder: The encoder's file, or one that holds both below `encoder.` and `decoder.`.
  ///   - decoder: The decoder's file; nil where the first holds both.
  ///   - size: Height and width of the images that are coded, which weights do not say.
  /// - Throws: ``/Runs/RunFailure`` with what is wrong with the weights, `FileError`.
  public init(
    publishedEncoder encoder: String, decoder: String?, size: (height: Int, width: Int),
    on device: Device = .cpu
  ) throws {
    try Engine.load()
    var tensors: [String: Tensor] = [:]
    for (path, half) in [(encoder, "encoder"), (decoder ?? "", "decoder")] where !path.isEmpty {
      for (name, tensor) in try NamedTensors(path, key: nil).tensors {
        let isWhole = name.hasPrefix("encoder.") || name.hasPrefix("decoder.")
        tensors[isWhole ? name : "\(half).\(name)"] = tensor
      }
    }
    guard
      let configuration = TokenizerConfiguration(
        shapes: tensors.mapValues(\.shape), height: size.height, width: size.width)
    else {
      throw RunFailure(
        .badData,
        "\(encoder): holds no discrete VAE with the names of DALL-E's (encoder blocks.input.w, "
          + "blocks.group_1.block_1.res_path.conv_1.w, …, and the same of the decoder)")
    }
    if let wrong = configuration.problems.first {
      throw RunFailure(.badData, "\(encoder): the image's \(wrong.path) \(wrong.message)")
    }
    try self.init(configuration, tensors, from: encoder, on: device)
  }

  private init(
    _ configuration: TokenizerConfiguration, _ weights: [String: Tensor], from source: String,
    on device: Device
  ) throws {
    store = ParameterStore(on: device, initializing: nil)
    tokenizer = ImageTokenizer(configuration, in: store.root)
    self.source = source
    do {
      try store.load(weights)
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
  }

  /// Writes a checkpoint that can be used and not trained further.
  public func write(to path: String) throws(FileError) {
    try Checkpoint(path: path).write(
      ModelDescription(tokenizer: tokenizer.configuration), weights: store.weights)
  }
}

extension TokenTarget {
  /// The target with its tokenizer opened, and the tokenizer; nil where there is nothing to open.
  ///
  /// - Throws: As ``LoadedTokenizer/init(_:on:)``.
  package func opened(on device: Device) throws -> (target: TokenTarget, loaded: LoadedTokenizer)? {
    guard let path = tokenizer else { return nil }
    let loaded = try LoadedTokenizer(path, on: device)
    var target = self
    target.shape = loaded.tokenizer.configuration
    return (target, loaded)
  }
}
