import ContrastiveLearning
import FileSystem
import Foundation
import Imaging
public import MaskedAutoencoders
public import Runs
import TensorFiles
public import Torch
public import TorchNN
public import WeightExchange

/// A model with its weights, from wherever they are.
public struct LoadedModel {
  /// The network.
  public let network: Network
  /// Its tensors.
  public let store: ParameterStore
  /// Its shapes and how pixels are prepared for it.
  public let description: ModelDescription
  /// What was loaded, in words: `step 1200 of runs/first`.
  public let source: String
  /// What the file does not say and was assumed, each as a sentence.
  public let assumptions: [String]
  /// What is not as the file has it, such as a prefix that was taken off its names. Each as a
  /// sentence.
  public private(set) var readingNotes: [String] = []
  /// What a file says of how images are prepared and cannot be followed, each as a sentence.
  public private(set) var preprocessingNotes: [String] = []
  /// What was assumed of the pixels of images, where the file does not say.
  public let pixelAssumption: String?

  /// Loads a run folder (its newest whole checkpoint), a checkpoint, a folder of Hugging Face's
  /// (ViTMAE, or ViT with or without a head) or timm's, or a safetensors or `.pth` file in their
  /// naming or the original's.
  ///
  /// - Parameters:
  ///   - path: The folder or file.
  ///   - hints: What is known of a published model and not written in its file.
  /// - Throws: ``/Runs/RunFailure`` where nothing of that kind is there, `FileError`,
  ///   `PublishedWeightsError` or `WeightMismatch` with what is wrong, `EngineError` where libtorch
  ///   is missing.
  public init(
    _ path: String, hints: ConfigurationHints = .init(), on device: Device = .cpu
  ) throws {
    try Engine.load()
    guard FileManager.default.fileExists(atPath: path) else {
      throw RunFailure(
        .missingInput,
        "\(path): there is nothing here; give a run folder, a checkpoint, a folder of Hugging "
          + "Face's or a safetensors file")
    }
    if let checkpoint = try Self.checkpoint(at: path) {
      var description = try checkpoint.description()
      description.valueRange = hints.valueRange ?? description.valueRange
      try self.init(
        description, try checkpoint.weights(), from: checkpoint.path, assumptions: [], on: device)
    } else {
      let published = try PublishedWeights.read(path, hints: hints)
      let customary = PixelStandard.default(channels: published.configuration.channels)
      let pixels = published.pixels ?? customary.standard
      var description = ModelDescription(published, pixels: pixels)
      description.valueRange = hints.valueRange
      try self.init(
        description, published.tensors, from: path,
        assumptions: published.assumptions,
        pixelAssumption: published.pixels == nil
          ? "pixels are normalised \(customary.words)" : nil, on: device)
      readingNotes = published.readingNotes
      preprocessingNotes = published.preprocessingNotes
    }
  }

  /// A network of one of the kinds.
  public enum Network {
    /// Encoder and decoder, as pre-trained.
    case autoencoder(MaskedAutoencoder)
    /// An encoder alone.
    case encoder(PatchEncoder)
    /// An encoder with a head.
    case classifier(ImageClassifier)
  }

  /// The Vision Transformer of any kind.
  public var encoder: PatchEncoder {
    switch network {
    case .autoencoder(let model): model.encoder
    case .encoder(let encoder): encoder
    case .classifier(let model): model.encoder
    }
  }

  /// The classifier; nil where the model is none.
  public var classifier: ImageClassifier? {
    if case .classifier(let model) = network { model } else { nil }
  }

  private init(
    _ description: ModelDescription, _ weights: [String: Tensor], from source: String,
    assumptions: [String], pixelAssumption: String? = nil, on device: Device
  ) throws {
    if let problem = description.problems.first {
      throw RunFailure(.badData, "\(source): \(problem)")
    }
    if description.kind == .segmenter {
      throw RunFailure(
        .badData,
        "\(source): the model is a segmenter, which gives each pixel a class; use it with mae segment "
          + "evaluate or mae segment predict")
    }
    if description.kind == .detector {
      throw RunFailure(
        .badData,
        "\(source): the model is a detector, which finds objects; use it with mae detect evaluate or "
          + "mae detect predict")
    }
    if description.kind == .tokenizer {
      throw RunFailure(
        .badData,
        "\(source): the model is an image tokenizer, whose tokens a model can be trained to predict: "
          + "mae pretrain with --set model.target=tokens --set model.target.tokenizer=RUN")
    }
    // Of a contrastive model the encoder is what is kept.
    let isContrastive = description.kind == .contrastive
    let description = isContrastive ? description.encoderAlone : description
    let weights =
      isContrastive
      ? weights.filter { !MomentumContrast.isBesideEncoder($0.key) } : weights
    self.description = description
    self.source = source
    self.assumptions = assumptions
    self.pixelAssumption = pixelAssumption
    store = ParameterStore(on: device, initializing: nil)
    network =
      if let classifier = description.classifier {
        .classifier(
          ImageClassifier(description.model, head: classifier.head, in: store.root))
      } else if description.hasDecoder {
        .autoencoder(MaskedAutoencoder(description.model, in: store.root))
      } else {
        .encoder(PatchEncoder(description.model, in: store.root))
      }
    do {
      try store.load(weights)
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
  }

  /// The checkpoint that a path means; nil where it is none of ours.
  static func checkpoint(at path: String) throws -> Checkpoint? {
    let manager = FileManager.default
    let itself = Checkpoint(path: path)
    if manager.fileExists(atPath: itself.descriptionPath),
      manager.fileExists(atPath: itself.weightsPath)
    {
      return itself
    }
    let isReplaced = RunFolder.replaced(in: path) != nil
    guard isReplaced || manager.fileExists(atPath: path + "/recipe.yaml") else { return nil }
    let steps = RunFolder.checkpointSteps(in: path)
    guard let last = steps.last else {
      let before = RunFolder.replaced(in: path).map {
        "; the run that it is to replace is in \($0)"
      }
      throw RunFailure(.missingInput, "\(path): the run has no checkpoint yet\(before ?? "")")
    }
    var first: FileError?
    for step in steps.reversed() {
      let candidate = Checkpoint(path: "\(path)/checkpoints/step-\(step)")
      do throws(FileError) {
        _ = try candidate.description()
        _ = try SafetensorsFile(candidate.weightsPath)
        return candidate
      } catch {
        first = first ?? error
      }
    }
    throw first
      ?? FileError(
        path: "\(path)/checkpoints/step-\(last)", kind: .unreadable, message: "cannot be read")
  }

  /// Encoder and decoder.
  ///
  /// - Throws: ``/Runs/RunFailure`` that says why pictures cannot be made, where there is no
  ///   decoder.
  public func autoencoder() throws -> MaskedAutoencoder {
    guard case .autoencoder(let model) = network else {
      throw RunFailure(
        .badData,
        "\(source): the file holds an encoder only, and reconstructing needs the decoder it was "
          + "pre-trained with; use a checkpoint of pre-training that has decoder_… weights")
    }
    return model
  }

  /// The classifier.
  ///
  /// - Throws: ``/Runs/RunFailure`` that says how to get one, where the model is none.
  public func requireClassifier() throws -> ImageClassifier {
    guard let classifier else {
      throw RunFailure(
        .badData,
        "\(source): the model has no head that tells classes apart; make one with "
          + "mae finetune or mae probe --out, or give a run folder of theirs")
    }
    return classifier
  }
}

extension PixelStandard {
  /// What published weights were trained with: ImageNet's statistics for colour, −1…1 otherwise.
  package static func `default`(channels: Int) -> (standard: PixelStandard, words: String) {
    if channels == 3 {
      let imageNet = PixelNormalization.imageNet
      return (
        PixelStandard(mean: imageNet.mean, std: imageNet.std),
        "with ImageNet's mean and deviation"
      )
    }
    let half = [Double](repeating: 0.5, count: channels)
    return (PixelStandard(mean: half, std: half), "from 0…1 to −1…1")
  }
}

extension ModelDescription {
  /// What published weights are of.
  public init(_ published: PublishedWeights, pixels: PixelStandard) {
    let masking = published.masking ?? Masking()
    if let classifier = published.classifier {
      self.init(
        model: published.configuration, classifier: classifier, mean: pixels.mean,
        std: pixels.std, masking: masking)
    } else {
      self.init(
        model: published.configuration, mean: pixels.mean, std: pixels.std,
        masking: masking)
    }
    preprocessing = published.preprocessing.flatMap { $0.isStandard ? nil : $0 }
  }
}

extension LoadedModel {
  /// The model as it is published: for other programs, or other images.
  public var published: PublishedWeights {
    PublishedWeights(
      configuration: description.model,
      tensors: Dictionary(uniqueKeysWithValues: usedWeights.map { ($0.name, $0.tensor) }),
      classifier: description.classifier, masking: description.masking,
      pixels: PixelStandard(mean: description.mean, std: description.std),
      preprocessing: description.usedPreprocessing)
  }

  /// The weights that were loaded.
  public var usedWeights: [(name: String, tensor: Tensor)] { store.weights }
}

extension MaskedAutoencoder {
  /// Loads encoder and decoder from whatever ``LoadedModel`` reads:
  /// `MaskedAutoencoder.load("run")`.
  ///
  /// - Throws: As ``LoadedModel/init(_:hints:on:)``, and ``/Runs/RunFailure`` where there is no
  ///   decoder.
  public static func load(_ path: String, on device: Device = .cpu) throws -> MaskedAutoencoder {
    try LoadedModel(path, on: device).autoencoder()
  }
}

extension ImageClassifier {
  /// Loads a classifier from whatever ``LoadedModel`` reads: `ImageClassifier.load("run")`.
  ///
  /// - Throws: As ``LoadedModel/init(_:hints:on:)``, and ``/Runs/RunFailure`` where the model is
  ///   none.
  public static func load(_ path: String, on device: Device = .cpu) throws -> ImageClassifier {
    try LoadedModel(path, on: device).requireClassifier()
  }
}

extension PatchEncoder {
  /// Loads the encoder of any model that ``LoadedModel`` reads: `PatchEncoder.load("run")`.
  ///
  /// - Throws: As ``LoadedModel/init(_:hints:on:)``.
  public static func load(_ path: String, on device: Device = .cpu) throws -> PatchEncoder {
    try LoadedModel(path, on: device).encoder
  }
}
