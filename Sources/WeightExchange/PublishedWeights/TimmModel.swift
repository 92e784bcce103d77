import FileSystem
import MaskedAutoencoders

/// A model of timm's registry with the arguments that make it one of ours.
struct TimmModel {
  /// A name of timm's registry.
  let architecture: String
  /// Arguments where the model is not as registered, in the order of timm's constructor.
  let arguments: [(name: String, value: JSONValue)]

  /// Models of the registry, with the patch side that is theirs.
  private static let registered: [(name: String, shape: TransformerShape, patch: Int)] = [
    ("vit_base_patch16_224", .base, 16), ("vit_tiny_patch16_224", .tiny, 16),
    ("vit_small_patch16_224", .small, 16), ("vit_large_patch16_224", .large, 16),
    ("vit_huge_patch14_224", .huge, 14),
  ]

  /// The nearest registered model.
  init(_ model: ModelConfiguration, head: ClassifierHead?) {
    let shape = model.encoder
    let known = Self.registered.first { $0.shape == shape } ?? Self.registered[0]
    architecture = known.name
    var differing: [(name: String, value: JSONValue)] = []
    func add(_ name: String, _ value: JSONValue, unless isTheirs: Bool) {
      if !isTheirs { differing.append((name, value)) }
    }
    let isSquare = model.height == model.width
    add(
      "img_size",
      isSquare ? .integer(model.height) : .list([.integer(model.height), .integer(model.width)]),
      unless: isSquare && model.height == 224)
    add("patch_size", .integer(model.patch), unless: model.patch == known.patch)
    add("in_chans", .integer(model.channels), unless: model.channels == 3)
    add("num_classes", .integer(head?.classes ?? 0), unless: head?.classes == 1000)
    add("global_pool", .string("avg"), unless: (head?.pooling ?? .classToken) == .classToken)
    add("fc_norm", .bool(false), unless: head?.pooling != .mean)
    add("embed_dim", .integer(shape.width), unless: shape.width == known.shape.width)
    add("depth", .integer(shape.depth), unless: shape.depth == known.shape.depth)
    add("num_heads", .integer(shape.heads), unless: shape.heads == known.shape.heads)
    // timm cuts what it multiplies where this library rounds.
    let ratio = shape.mlpRatio
    let exact = Int(Double(shape.width) * ratio) == shape.hidden
    add(
      "mlp_ratio", .number(exact ? ratio : (Double(shape.hidden) + 0.5) / Double(shape.width)),
      unless: shape.hidden == 4 * shape.width)
    add("qkv_bias", .bool(false), unless: model.qkvBias)
    arguments = differing
  }

  /// The call that makes the model: `timm.create_model("vit_base_patch16_224", num_classes=10)`.
  func call(checkpoint path: String) -> String {
    let list = (arguments + [("checkpoint_path", .string(path))]).map { name, value in
      "\(name)=\(value.python)"
    }
    return "timm.create_model(\"\(architecture)\", \(list.joined(separator: ", ")))"
  }

  /// `config.json` of a folder that `timm.create_model("local-dir:…", pretrained=True)` loads.
  func configuration(
    _ model: ModelConfiguration, _ classifier: ClassifierDescription?, _ pixels: PixelStandard?,
    _ preprocessing: Preprocessing?
  ) -> [UInt8] {
    let classes = classifier?.head.classes ?? 0
    let size: [JSONValue] = [
      .integer(model.channels), .integer(model.height), .integer(model.width),
    ]
    var weights: [String: JSONValue] = [
      "input_size": .list(size), "fixed_input_size": .bool(true),
      "num_classes": .integer(classes), "classifier": .string("head"),
      "first_conv": .string("patch_embed.proj"),
    ]
    if let preprocessing {
      weights.merge(
        preprocessing.timmFields(height: model.height, width: model.width).fields,
        uniquingKeysWith: { $1 })
    }
    if let pixels {
      weights["mean"] = .list(pixels.mean.map { .number($0) })
      weights["std"] = .list(pixels.std.map { .number($0) })
    }
    let isMean = (classifier?.head.pooling ?? .classToken) != .classToken
    var root: [String: JSONValue] = [
      "architecture": .string(architecture), "num_classes": .integer(classes),
      "num_features": .integer(model.encoder.width),
      "global_pool": .string(isMean ? "avg" : "token"), "pretrained_cfg": .object(weights),
      "model_args": .object(
        Dictionary(uniqueKeysWithValues: arguments.filter { $0.name != "num_classes" })),
    ]
    if let classifier { root["label_names"] = .list(classifier.classNames.map { .string($0) }) }
    return JSONValue.object(root).fileText
  }
}

extension JSONValue {
  /// The value as Python writes it.
  fileprivate var python: String {
    switch self {
    case .bool(let value): value ? "True" : "False"
    case .list(let values): "(\(values.map(\.python).joined(separator: ", ")))"
    case .string(let value):
      "\"" + value.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
    default: text
    }
  }
}
