public import TorchNN
public import Torch

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The weights of a masked autoencoder as others publish them, with what they say of their model.
///
/// ```swift
/// let weights = try PublishedWeights.read("vit-mae-base")   // a folder of Hugging Face's
/// try weights.write(to: "encoder.safetensors", as: .timm)
/// ```
public struct PublishedWeights {
  /// The model that the weights are of.
  public var configuration: ModelConfiguration
  /// Weights by this library's names, exactly those of ``ModelConfiguration/weightShapes(decoder:)``.
  public var tensors: [String: Tensor]
  /// How the file named them.
  public var format: PublishedFormat
  /// The share of patches hidden in pre-training, where the file says it.
  public var maskRatio: Double?
  /// How pixels are prepared for the model, where the file says it.
  public var pixels: PixelStandard?
  /// What the file does not say of its model and was assumed, each as a sentence.
  public var assumptions: [String]

  /// Whether the decoder is among the weights; without it nothing can be reconstructed.
  public var hasDecoder: Bool { tensors.keys.contains(where: PublishedFormat.isDecoder) }

  /// Takes weights under this library's names.
  public init(
    configuration: ModelConfiguration, tensors: [String: Tensor],
    format: PublishedFormat = .original, maskRatio: Double? = nil, pixels: PixelStandard? = nil,
    assumptions: [String] = []
  ) {
    self.configuration = configuration
    self.tensors = tensors
    self.format = format
    self.maskRatio = maskRatio
    self.pixels = pixels
    self.assumptions = assumptions
  }
}

/// Weights that could not be read or written.
public enum PublishedWeightsError: Error, CustomStringConvertible, Sendable {
  /// A file is missing, broken, or could not be written.
  case file(FileError)
  /// The weights do not fit the model that the file says it is.
  case mismatch(path: String, WeightMismatch)
  /// The file does not say which model it is of, or one that is not supported.
  case model(path: String, message: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .mismatch(let path, let mismatch): "\(path): \(mismatch)"
    case .model(let path, let message): "\(path): \(message)"
    }
  }
}

extension PublishedWeights {
  /// Reads weights of a masked autoencoder or of its encoder alone, in any of the formats.
  ///
  /// The model is taken from `config.json` in a folder or beside a file of Hugging Face's, from the
  /// configuration that ``write(to:as:)`` leaves in a file, or from the shapes of the weights.
  ///
  /// - Parameters:
  ///   - path: A safetensors file, a checkpoint that `torch.save` wrote, or a folder of Hugging
  ///     Face's with either.
  ///   - hints: What is known of the model; it comes before what the file says.
  ///   - ignored: Beginnings of names that are to be left out, such as `head.`; any other weight
  ///     that the model does not have is an error.
  /// - Throws: ``PublishedWeightsError`` with every weight that is missing, unexpected or of another
  ///   shape.
  public static func read(
    _ path: String, hints: ConfigurationHints = .init(), ignoring ignored: [String] = []
  ) throws(PublishedWeightsError) -> PublishedWeights {
    let file = try readTensors(path)
    let tensors = file.tensors.filter { name, _ in !ignored.contains { name.hasPrefix($0) } }
    guard let format = PublishedFormat.detected(in: tensors.keys) else {
      throw .model(
        path: path,
        message: "holds no masked autoencoder: none of its \(tensors.count) names is "
          + "one of the original's, Hugging Face's or timm's")
    }
    let names = SpelledNames(tensors.mapValues(\.shape), format)
    var found = try model(
      path: path, metadata: file.metadata, shapes: names.native, format: format, hints: hints)
    // Hints come last, and need not go together with the rest.
    let problems = found.configuration.problems.map { "\($0.path) \($0.message)" }
    guard problems.isEmpty else {
      throw .model(path: path, message: problems.joined(separator: "; "))
    }
    try names.check(against: found.configuration, path: path)
    found.pixels = pixels(of: path, metadata: file.metadata, found.configuration.channels)
    do {
      found.tensors = try format.toNative(tensors)
    } catch {
      throw .mismatch(path: path, error)
    }
    return found
  }

  private static func readTensors(_ path: String) throws(PublishedWeightsError) -> NamedTensors {
    do {
      return try NamedTensors(path)
    } catch {
      throw .file(error)
    }
  }

  /// How pixels are prepared, as our own writer or Hugging Face's folders say it.
  private static func pixels(
    of path: String, metadata: [String: String], _ channels: Int
  ) -> PixelStandard? {
    if let text = metadata[PixelStandard.key] {
      return PixelStandard(json: text.utf8, channels: channels)
    }
    let file =
      "\(isFolder(path) ? path : String(path.prefix(upTo: path.lastSlash)))/"
      + PixelStandard.fileName
    guard isFile(file), let bytes = try? MappedFile.contents(of: file) else { return nil }
    return PixelStandard(json: bytes, channels: channels)
  }

  /// The model of a file, from the best source there is; the tensors are still to be filled in.
  private static func model(
    path: String, metadata: [String: String], shapes: [String: [Int]], format: PublishedFormat,
    hints: ConfigurationHints
  ) throws(PublishedWeightsError) -> PublishedWeights {
    func weights(_ model: ModelConfiguration, ratio: Double?) -> PublishedWeights {
      PublishedWeights(
        configuration: model.applying(hints), tensors: [:], format: format, maskRatio: ratio)
    }
    let beside = isFolder(path) ? path : String(path.prefix(upTo: path.lastSlash))
    let config = (beside.isEmpty ? "." : beside) + "/config.json"
    if format == .huggingFace, isFile(config) {
      do {
        let file = try HuggingFaceConfiguration(json: try MappedFile.contents(of: config))
        return weights(file.model, ratio: file.maskRatio)
      } catch let error as HuggingFaceConfigurationError {
        throw .model(path: config, message: error.description)
      } catch let error as FileError {
        throw .file(error)
      } catch {
        throw .model(path: config, message: "\(error)")
      }
    }
    if let text = metadata[Self.configurationKey],
      let model = try? JSONDecoder().decode(ModelConfiguration.self, from: Data(text.utf8)),
      model.problems.isEmpty
    {
      return weights(model, ratio: metadata[Self.maskRatioKey].flatMap(Double.init))
    }
    do {
      let inferred = try InferredConfiguration(shapes: shapes, hints: hints, format: format)
      return PublishedWeights(
        configuration: inferred.configuration, tensors: [:], format: format,
        assumptions: inferred.assumptions)
    } catch {
      throw .model(path: path, message: error.message)
    }
  }

  /// The texts in a file's header where our own writer leaves what the weights do not say.
  static let configurationKey = "model_configuration"
  static let maskRatioKey = "mask_ratio"
}

/// Names of a file in the spelling that its format's list of weights has.
private struct SpelledNames {
  let format: PublishedFormat
  /// Shapes by that spelling.
  private var shapes: [String: [Int]] = [:]
  /// The names as the file has them, by that spelling.
  private var sources: [String: String] = [:]

  init(_ raw: [String: [Int]], _ format: PublishedFormat) {
    self.format = format
    for (name, shape) in raw.sorted(by: { $0.key < $1.key }) {
      let canonical = format == .huggingFace ? HuggingFaceNames.canonical(name) : name
      // A weight that is there in two spellings stays under its own, and is unexpected.
      let key = shapes[canonical] == nil ? canonical : name
      shapes[key] = shape
      sources[key] = name
    }
  }

  /// Shapes under this library's names, where a joined weight has the shape of its first part.
  var native: [String: [Int]] {
    guard format == .huggingFace else { return shapes }
    let named = shapes.map { (HuggingFaceNames.part(of: $0)?.name ?? $0, $1) }
    return Dictionary(named, uniquingKeysWith: { first, _ in first })
  }

  /// Throws what does not fit the model, under the names that the file has.
  func check(
    against configuration: ModelConfiguration, path: String
  ) throws(PublishedWeightsError) {
    let hasDecoder = native.keys.contains(where: PublishedFormat.isDecoder)
    let expected = format.weightShapes(configuration, decoder: hasDecoder)
    guard var mismatch = WeightMismatch(found: shapes, expected: expected) else { return }
    mismatch.unexpected = mismatch.unexpected.map { sources[$0] ?? $0 }
    mismatch.wrongShape = mismatch.wrongShape.map {
      .init(name: sources[$0.name] ?? $0.name, found: $0.found, expected: $0.expected)
    }
    throw .mismatch(path: path, mismatch)
  }
}

extension ModelConfiguration {
  fileprivate func applying(_ hints: ConfigurationHints) -> ModelConfiguration {
    var model = self
    if let heads = hints.heads { model.encoder.heads = heads }
    if let heads = hints.decoderHeads { model.decoder.heads = heads }
    if let target = hints.target { model.target = target }
    if let epsilon = hints.normEpsilon { model.normEpsilon = epsilon }
    if let grid = hints.grid {
      model.height = grid.rows * patch
      model.width = grid.columns * patch
    }
    return model
  }
}

extension String {
  fileprivate var lastSlash: Index { lastIndex(of: "/") ?? startIndex }
}
