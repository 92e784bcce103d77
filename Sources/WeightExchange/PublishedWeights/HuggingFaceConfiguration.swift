import FileSystem
public import MaskedAutoencoders

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What Hugging Face's `config.json` of a ViTMAE, or of a ViT with or without a head, says.
///
/// What a file leaves out has the value that `transformers` gives it.
public struct HuggingFaceConfiguration: Hashable, Sendable {
  /// The model.
  public var model: ModelConfiguration
  /// The share of patches hidden in pre-training; a ViT's file does not say it.
  public var maskRatio: Double
  /// Names of classes (`id2label`), in the order of scores; nil where the file has none.
  public var classNames: [String]?

  /// Creates a configuration; one with names of classes is a classifier's.
  public init(model: ModelConfiguration, maskRatio: Double = 0.75, classNames: [String]? = nil) {
    self.model = model
    self.maskRatio = maskRatio
    self.classNames = classNames
  }

  /// Reads the text of a `config.json`.
  ///
  /// - Throws: ``HuggingFaceConfigurationError`` with every field that is wrong or not supported.
  public init(json: [UInt8]) throws(HuggingFaceConfigurationError) {
    guard let object = JSONValue.object(json) else {
      throw HuggingFaceConfigurationError(problems: ["it is not a JSON object"])
    }
    var fields = Fields(object: object)
    fields.require("model_type", is: "vit_mae", "vit")
    fields.require("hidden_act", is: "gelu")
    let image = fields.pair("image_size", default: 224)
    let patch = fields.pair("patch_size", default: 16)
    if patch.0 != patch.1 {
      fields.problems.append(
        "patch_size is [\(patch.0), \(patch.1)]; only square ones are supported")
    }
    let (width, decoderWidth) = (
      fields.size("hidden_size", default: 768), fields.size("decoder_hidden_size", default: 512)
    )
    let hidden = fields.size("intermediate_size", default: 3072)
    let decoderHidden = fields.size("decoder_intermediate_size", default: 2048)
    model = ModelConfiguration(
      height: image.0, width: image.1, channels: fields.size("num_channels", default: 3),
      patch: patch.0,
      encoder: TransformerShape(
        width: width, depth: fields.size("num_hidden_layers", default: 12),
        heads: fields.size("num_attention_heads", default: 12),
        mlpRatio: Double(hidden) / Double(width)),
      decoder: TransformerShape(
        width: decoderWidth, depth: fields.size("decoder_num_hidden_layers", default: 8),
        heads: fields.size("decoder_num_attention_heads", default: 16),
        mlpRatio: Double(decoderHidden) / Double(decoderWidth)),
      target: fields.flag("norm_pix_loss", default: fields.isPlainTransformer)
        ? .normalizedPixels : .pixels,
      normEpsilon: fields.number("layer_norm_eps", default: 1e-12),
      qkvBias: fields.flag("qkv_bias", default: true))
    maskRatio = fields.number("mask_ratio", default: 0.75)
    classNames = fields.classNames()
    if fields.problems.isEmpty {
      fields.problems = model.problems.map { "\($0.path) \($0.message)" }
    }
    guard fields.problems.isEmpty else {
      throw HuggingFaceConfigurationError(problems: fields.problems)
    }
  }

  /// The text of a `config.json`.
  ///
  /// - Parameters:
  ///   - architecture: The class of `transformers` that the weights are for.
  ///   - dtype: The type of the weights as PyTorch names it.
  public func json(architecture: String, dtype: String) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let file = File(self, architecture: architecture, dtype: dtype)
    // Numbers and texts only, the numbers finite: there is nothing that could not be encoded.
    let text = (try? encoder.encode(file)) ?? Data()
    return Array(text) + [UInt8(ascii: "\n")]
  }
}

/// A `config.json` that is none of a ViTMAE or a ViT, or of one that is not supported.
public struct HuggingFaceConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Each field that is wrong, what it holds and what was expected.
  public let problems: [String]
  public var description: String { problems.joined(separator: "; ") }
}

/// Fields of a JSON object and what is wrong with those that were asked for.
private struct Fields {
  let object: [String: JSONValue]
  var problems: [String] = []

  /// Whether the file is of a ViT, which predicts no pixels; what is assumed of it does not matter.
  var isPlainTransformer: Bool { object["model_type"]?.string == "vit" }

  mutating func require(_ key: String, is expected: String...) {
    guard let value = object[key] else { return }
    if case .string(let text) = value, expected.contains(text) { return }
    let words = expected.map { "'\($0)'" }.joined(separator: " or ")
    problems.append("\(key) is \(value.text); only \(words) is supported")
  }

  /// The texts of `id2label`, whose keys are the numbers from 0.
  mutating func classNames() -> [String]? {
    guard let value = object["id2label"] else { return nil }
    guard case .object(let labels) = value else {
      problems.append("id2label is \(value.text); expected an object")
      return nil
    }
    var names: [String] = []
    for index in 0..<labels.count {
      guard case .string(let name)? = labels["\(index)"] else {
        problems.append("id2label has \(labels.count) names, but none for '\(index)'")
        return nil
      }
      names.append(name)
    }
    return names
  }

  /// A whole number from 1 to a million; 1 where it is wrong.
  mutating func size(_ key: String, default fallback: Int) -> Int {
    pair(key, default: fallback, single: true).0
  }

  /// A size, or a list of two: rows, then columns.
  mutating func pair(_ key: String, default fallback: Int, single: Bool = false) -> (Int, Int) {
    let limits = 1...1_000_000
    switch object[key] {
    case nil: return (fallback, fallback)
    case .integer(let value)? where limits.contains(value): return (value, value)
    case .list(let values)? where !single && values.count == 2:
      if case (.integer(let a), .integer(let b)) = (values[0], values[1]),
        limits.contains(a), limits.contains(b)
      {
        return (a, b)
      }
    default: break
    }
    let text = object[key]?.text ?? ""
    problems.append("\(key) is \(text); expected a whole number from 1 to 1000000")
    return (1, 1)
  }

  mutating func number(_ key: String, default fallback: Double) -> Double {
    switch object[key] {
    case nil: return fallback
    case .integer(let value)?: return Double(value)
    case .number(let value)? where value.isFinite: return value
    default:
      problems.append("\(key) is \(object[key]?.text ?? ""); expected a number")
      return fallback
    }
  }

  mutating func flag(_ key: String, default fallback: Bool) -> Bool {
    switch object[key] {
    case nil: return fallback
    case .bool(let value)?: return value
    default:
      problems.append("\(key) is \(object[key]?.text ?? ""); expected true or false")
      return fallback
    }
  }
}

/// The fields as they are written.
private struct File: Encodable {
  let architectures: [String]
  let model_type: String
  let torch_dtype: String
  let image_size: Size
  let patch_size: Int
  let num_channels: Int
  let hidden_size: Int
  let num_hidden_layers: Int
  let num_attention_heads: Int
  let intermediate_size: Int
  var decoder_hidden_size: Int?
  var decoder_num_hidden_layers: Int?
  var decoder_num_attention_heads: Int?
  var decoder_intermediate_size: Int?
  let qkv_bias: Bool
  let layer_norm_eps: Double
  var norm_pix_loss: Bool?
  var mask_ratio: Double?
  let hidden_act = "gelu"
  let attention_probs_dropout_prob = 0.0
  let hidden_dropout_prob = 0.0
  let initializer_range = 0.02
  var id2label: [String: String]?
  var label2id: [String: Int]?
  var problem_type: String?

  /// One number for a square image, else rows and columns.
  enum Size: Encodable {
    case square(Int)
    case pair([Int])

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .square(let side): try container.encode(side)
      case .pair(let sides): try container.encode(sides)
      }
    }
  }

  init(_ configuration: HuggingFaceConfiguration, architecture: String, dtype: String) {
    let model = configuration.model
    architectures = [architecture]
    torch_dtype = dtype
    image_size =
      model.height == model.width ? .square(model.height) : .pair([model.height, model.width])
    patch_size = model.patch
    num_channels = model.channels
    hidden_size = model.encoder.width
    num_hidden_layers = model.encoder.depth
    num_attention_heads = model.encoder.heads
    intermediate_size = model.encoder.hidden
    qkv_bias = model.qkvBias
    layer_norm_eps = model.normEpsilon
    if let names = configuration.classNames {
      model_type = "vit"
      problem_type = "single_label_classification"
      id2label = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { ("\($0)", $1) })
      label2id = Dictionary(
        names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      return
    }
    model_type = "vit_mae"
    decoder_hidden_size = model.decoder?.width
    decoder_num_hidden_layers = model.decoder?.depth
    decoder_num_attention_heads = model.decoder?.heads
    decoder_intermediate_size = model.decoder?.hidden
    norm_pix_loss = model.target.target.normPixLoss
    mask_ratio = configuration.maskRatio
  }
}
