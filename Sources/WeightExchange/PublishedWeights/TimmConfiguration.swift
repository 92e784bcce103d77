import FileSystem
import MaskedAutoencoders

/// What the `config.json` in a folder of timm's says, as far as weights alone do not.
struct TimmConfiguration {
  /// Rows and columns of pixels.
  private(set) var image: (height: Int, width: Int)?
  /// Attention heads.
  private(set) var heads: Int?
  /// timm's word for how tokens become one row: `token`, `avg`, or empty.
  private(set) var globalPool: String?
  /// The fields that say how images are prepared, among others.
  private let weights: [String: JSONValue]
  /// Names of classes, in the order of scores.
  private(set) var classNames: [String]?

  /// Reads the text of a file; nil where it is none of timm's.
  ///
  /// - Throws: ``InferenceError`` that names what the model has and this library has not.
  init?(json: [UInt8]) throws(InferenceError) {
    guard let root = JSONValue.object(json),
      root["architecture"] != nil || root["pretrained_cfg"] != nil
    else { return nil }
    // Files of earlier versions have one object instead of two.
    weights = root["pretrained_cfg"]?.object ?? root
    let arguments = root["model_args"]?.object ?? [:]
    try Self.checkArguments(arguments)
    let input = weights["input_size"]?.list?.compactMap(\.integer) ?? []
    if let side = arguments["img_size"]?.integer {
      image = (side, side)
    } else if let sides = arguments["img_size"]?.list?.compactMap(\.integer), sides.count == 2 {
      image = (sides[0], sides[1])
    } else if input.count == 3 {
      image = (input[1], input[2])
    }
    heads = arguments["num_heads"]?.integer
    globalPool = (arguments["global_pool"] ?? root["global_pool"])?.string
    classNames = Self.names(root["label_names"] ?? weights["label_names"] ?? root["labels"])
  }

  /// How images are prepared for a model.
  func preprocessing(of model: ModelConfiguration) -> StatedPreprocessing {
    StatedPreprocessing(
      timm: weights, channels: model.channels, height: model.height, width: model.width)
  }

  /// Throws where arguments ask for what leaves no trace in the weights' names and is not built
  /// here.
  private static func checkArguments(_ arguments: [String: JSONValue]) throws(InferenceError) {
    let plain: [(key: String, values: [String])] = [
      ("act_layer", ["'gelu'"]), ("norm_layer", ["'layernorm'"]),
      ("pool_include_prefix", ["false"]), ("reg_tokens", ["0"]),
    ]
    for (key, values) in plain {
      guard let value = arguments[key], value.text != "null", !values.contains(value.text)
      else { continue }
      throw InferenceError(
        message: "model_args.\(key) is \(value.text); only \(values[0]) is supported")
    }
  }

  private static func names(_ value: JSONValue?) -> [String]? {
    if let list = value?.list {
      let names = list.compactMap(\.string)
      return names.count == list.count ? names : nil
    }
    guard let object = value?.object else { return nil }
    let names = (0..<object.count).compactMap { object["\($0)"]?.string }
    return names.count == object.count ? names : nil
  }

  /// What is known besides the weights.
  ///
  /// - Parameter shapes: Shapes of weights, which say how large a patch is.
  func hints(_ given: ConfigurationHints, shapes: [String: [Int]]) -> ConfigurationHints {
    var hints = given
    hints.heads = given.heads ?? heads
    // timm's layers have this epsilon; a configuration cannot ask for another.
    hints.normEpsilon = given.normEpsilon ?? 1e-6
    guard given.grid == nil, let image, let patch = shapes["patch_embed.proj.weight"]?.last,
      let positions = shapes["pos_embed"]?.dropFirst().first, (1...65_536).contains(patch),
      (1...65_536).contains(image.height), (1...65_536).contains(image.width)
    else { return hints }
    let grid = PatchGrid(rows: image.height / patch, columns: image.width / patch)
    // Where the two disagree, the weights are right: files outlive a change of size.
    if grid.count == positions - 1 { hints.grid = grid }
    return hints
  }

  /// The head's pooling; nil where the file does not say.
  ///
  /// - Throws: ``InferenceError`` for a pooling that is not built here.
  func pooling(shapes: [String: [Int]]) throws(InferenceError) -> ClassifierHead.Pooling? {
    switch globalPool {
    case nil, "": return nil
    case "token": return .classToken
    case "avg": return shapes["fc_norm.weight"] == nil ? .mean : .normalizedMean
    case .some(let other):
      throw InferenceError(
        message: "global_pool is \(JSONValue.string(other).text); only 'token' and 'avg' are "
          + "supported")
    }
  }
}
