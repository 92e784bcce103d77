import FileSystem
import MaskedAutoencoders
import Torch
import TorchNN

/// The weights of a file without what others put around a model: a prefix of every name, parts that
/// are no Vision Transformer's, other programs' names of the same weights, scales that can be
/// folded.
struct UnwrappedWeights {
  /// The model's weights under the names of one of the ``PublishedFormat``s.
  private(set) var tensors: [String: Tensor]
  /// What was done, each as a sentence without a full stop.
  private(set) var notes: [String] = []

  /// - Parameter prefix: What names of the model begin with, where that is known; empty for
  ///   nothing.
  /// - Throws: ``InferenceError`` where there is no model, or more than one and none was named, or
  ///   one that has what no model here has.
  init(_ found: [String: Tensor], prefix: String?) throws(InferenceError) {
    let prefix = try Self.prefix(in: found.keys, named: prefix)
    var left: [String: Tensor] = [:]
    tensors = [:]
    for (name, tensor) in found {
      if name.hasPrefix(prefix) {
        tensors[String(name.dropFirst(prefix.count))] = tensor
      } else {
        left[name] = tensor
      }
    }
    if !prefix.isEmpty {
      notes.append("the prefix \(prefix.quoted()) was taken off the weights' names")
    }
    if tensors[MMPretrainNames.anchor] != nil {
      (tensors, left) = MMPretrainNames.native(tensors, around: left)
      notes.append("the names are MMPretrain's")
    }
    leaveOut(into: &left, prefix: prefix)
    try ForeignParts.refuse(tensors.mapValues(\.shape))
    if let folded = foldLayerScales() { notes.append(folded) }
    if !left.isEmpty {
      let names = left.keys.sorted(by: precedesNaturally)
      let more = names.count > 6 ? " and \(names.count - 6) more" : ""
      notes.append(
        "\(names.count) weight\(names.count == 1 ? " is" : "s are") not used: "
          + names.prefix(6).joined(separator: ", ") + more)
    }
  }

  // MARK: prefixes

  /// Names of which every Vision Transformer has one.
  private static let anchors = [
    "patch_embed.proj.weight", "embeddings.patch_embeddings.projection.weight",
    MMPretrainNames.anchor,
  ]

  private static func prefix(
    in names: some Collection<String>, named: String?
  ) throws(InferenceError) -> String {
    var candidates: Set<String> = []
    for name in names {
      for anchor in anchors where name.hasSuffix(anchor) {
        var prefix = String(name.dropLast(anchor.count))
        if anchor == anchors[1], prefix == "vit." || prefix.hasSuffix(".vit.") {
          prefix.removeLast("vit.".count)
        }
        if prefix.isEmpty || prefix.hasSuffix(".") { candidates.insert(prefix) }
      }
    }
    let known = candidates.sorted(by: precedesNaturally)
    if let named {
      for prefix in [named, named + "."] where candidates.contains(prefix) { return prefix }
      // Weights that are no whole model are for the caller to refuse, with what is missing.
      for prefix in [named + ".", named] where names.contains(where: { $0.hasPrefix(prefix) }) {
        return prefix
      }
      throw InferenceError(
        message: "no weight's name begins with \(named.quoted()) (--prefix); "
          + (known.isEmpty
            ? "they begin with \(beginnings(of: names))"
            : "models are behind " + known.map { $0.quoted() }.joined(separator: " and ")))
    }
    guard known.count > 1 else { return known.first ?? "" }
    throw InferenceError(
      message: "holds \(known.count) models, whose names begin with "
        + known.map { $0.quoted() }.joined(separator: " and ") + "; choose one with --prefix")
  }

  /// The first words of names, some of them.
  static func beginnings(of names: some Collection<String>) -> String {
    let words = Set(names.map { String($0.prefix { $0 != "." }) }).sorted(by: precedesNaturally)
    let more = words.count > 6 ? " and \(words.count - 6) more" : ""
    return words.prefix(6).map { $0.quoted() }.joined(separator: ", ") + more
  }

  // MARK: parts that are not used

  /// First words of names of what stands behind an encoder in pre-training and changes nothing of
  /// it.
  private static let parts: Set<String> = [
    "projector", "predictor", "projection_head", "prediction_head", "projection", "proj_head",
    "contrastive_head", "dino_head", "ibot_head", "neck", "queue", "queue_ptr", "logit_scale",
    "loss", "criterion", "teacher_temp", "center",
  ]

  private mutating func leaveOut(into left: inout [String: Tensor], prefix: String) {
    let hasDecoder = tensors.keys.contains {
      $0.hasPrefix("decoder_") || $0.hasPrefix("decoder.")
    }
    for (name, tensor) in tensors {
      let isPart = Self.parts.contains(String(name.prefix { $0 != "." }))
      // The token of masked images, of which an encoder is shown none.
      let isMask =
        !hasDecoder
        && ["mask_token", "embeddings.mask_token", "vit.embeddings.mask_token"].contains(name)
      guard isPart || isMask else { continue }
      tensors[name] = nil
      left[prefix + name] = tensor
    }
  }

  // MARK: LayerScale

  /// Names of a block's scales (Touvron et al., 2021, CaiT), and of the layers before them.
  private static let scales: [(name: String, layers: [String])] = [
    (".ls1.gamma", [".attn.proj"]), (".ls2.gamma", [".mlp.fc2"]),
    (".gamma_1", [".attn.proj"]), (".gamma_2", [".mlp.fc2"]),
    (".layer_scale1.lambda1", [".attention.output.dense", ".attention.o_proj"]),
    (".layer_scale2.lambda1", [".output.dense", ".mlp.fc2"]),
  ]

  /// Multiplies a scale into the layer before it: `γ·(W·x + b) = (γ·W)·x + γ·b`. In double
  /// precision; what has 16 bits becomes float32, so that nothing is lost.
  private mutating func foldLayerScales() -> String? {
    var count = 0
    for (name, scale) in tensors {
      guard let kind = Self.scales.first(where: { name.hasSuffix($0.name) }) else { continue }
      let block = name.dropLast(kind.name.count)
      let layer = kind.layers.first { tensors[block + $0 + ".weight"] != nil }
      guard let layer, let weight = tensors[block + layer + ".weight"], scale.rank == 1,
        weight.rank == 2, weight.shape[0] == scale.shape[0]
      else { continue }
      let exact = scale.to(.float64)
      func folded(_ tensor: Tensor, _ factor: Tensor) -> Tensor {
        let type = tensor.dtype == .float64 ? DType.float64 : .float32
        return (tensor.to(.float64) * factor).to(type)
      }
      if let bias = tensors[block + layer + ".bias"] {
        guard bias.shape == scale.shape else { continue }
        tensors[block + layer + ".bias"] = folded(bias, exact)
      }
      tensors[block + layer + ".weight"] = folded(weight, exact.reshaped([scale.shape[0], 1]))
      tensors[name] = nil
      count += 1
    }
    return count == 0
      ? nil : "\(count) scales of LayerScale were multiplied into the layers before them"
  }
}
