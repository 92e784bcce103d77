import MaskedAutoencoders
import TorchNN

/// What Vision Transformers have that those of this library do not, told from names of weights.
enum ForeignParts {
  /// Throws what a model has beyond, or lacks of, a Vision Transformer that can be built here.
  ///
  /// Before anything is inferred from shapes: a register token would be taken for a patch.
  static func refuse(_ shapes: [String: [Int]]) throws(InferenceError) {
    let isEncoder = shapes.keys.contains {
      $0 == "patch_embed.proj.weight"
        || $0.hasSuffix("embeddings.patch_embeddings.projection.weight")
        || $0.hasSuffix("embeddings.cls_token")
    }
    guard isEncoder else { return }
    var found: [String] = []
    for (words, signs) in signs {
      let names = shapes.filter { name, shape in
        !shape.contains(0) && signs.contains { name.isMarked(by: $0) }
      }.keys
      guard let name = names.min(by: precedesNaturally) else { continue }
      let count = shapes[name]?.dropLast().last ?? 0
      found.append((words == registers && count > 1 ? "\(count) " : "") + words + " (\(name))")
    }
    func lacks(_ names: [String]) -> Bool {
      !shapes.keys.contains { name in names.contains { name == $0 || name.hasSuffix("." + $0) } }
    }
    if lacks(["cls_token"]) { found.append("no class token (cls_token)") }
    if lacks(["pos_embed", "position_embeddings"]), !found.contains(where: { $0.hasPrefix("rot") })
    {
      found.append("no table of positions (pos_embed)")
    }
    guard !found.isEmpty else { return }
    throw InferenceError(
      message: "the model has " + found.joined(separator: " and ")
        + "; a Vision Transformer here has a class token, learned or fixed positions, and plain "
        + "blocks, so this model cannot be read")
  }

  private static let registers = "register tokens"

  /// Each part and words of names that show it; a word with a dot at its end is a layer.
  private static let signs: [(words: String, signs: [String])] = [
    (registers, ["reg_token", "register_tokens"]),
    (
      "a distillation token",
      ["dist_token", "distillation_token", "head_dist.", "distillation_classifier."]
    ),
    ("normalised queries and keys", ["q_norm.", "k_norm.", "norm_q.", "norm_k."]),
    (
      "relative positions",
      [
        "rel_pos_bias.", "relative_position_bias_table", "relative_position_index",
        "relative_position_bias.", "rel_pos_h", "rel_pos_w",
      ]
    ),
    ("rotary positions", ["rope.", "rope_embed.", "rope_embeddings.", "freqs"]),
    ("a norm before its blocks", ["norm_pre.", "ln_pre.", "pre_layernorm.", "pre_layrnorm."]),
    ("pooling by attention", ["attn_pool."]),
    (
      "gated perceptrons (SwiGLU)",
      ["fc1_g.", "fc1_x.", "w12.", "w1.", "w3.", "weights_in.", "gate_proj."]
    ),
    ("biases of queries and values alone", ["q_bias", "v_bias"]),
    ("parallel layers in its blocks", ["attns.", "mlp_out_proj."]),
  ]
}

extension String {
  /// Whether a word of the name is `sign`, or the layer that it names.
  fileprivate func isMarked(by sign: String) -> Bool {
    sign.hasSuffix(".")
      ? hasPrefix(sign) || contains("." + sign) : self == sign || hasSuffix("." + sign)
  }
}
