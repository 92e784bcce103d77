public import Torch
public import TorchNN

/// Who names a segmenter's weights how. This library's names of the encoder are timm's, of the neck
/// and the heads MMSegmentation's.
public enum SegmenterFormat: String, Codable, Hashable, Sendable, CaseIterable {
  /// This library's.
  case native = "mae"
  /// MMSegmentation's: `backbone.layers.0.ln1.weight`.
  case mmsegmentation
  /// BEiT's published code: `backbone.blocks.0.attn.q_bias`.
  case beit
  /// Hugging Face's `BeitForSemanticSegmentation`: `beit.encoder.layer.0.lambda_1`.
  case huggingFace = "huggingface"

  /// The format of a file's names; nil where they are no segmenter's.
  public static func detected(in names: some Collection<String>) -> SegmenterFormat? {
    let all = Set(names)
    guard all.contains(where: { $0.hasPrefix("decode_head.") }) else { return nil }
    if all.contains("blocks.0.norm1.weight") { return .native }
    if all.contains("backbone.layers.0.ln1.weight") { return .mmsegmentation }
    if all.contains("backbone.blocks.0.norm1.weight") { return .beit }
    if all.contains("beit.encoder.layer.0.layernorm_before.weight") { return .huggingFace }
    return nil
  }

  /// The parts of names that differ: theirs and ours, whole steps of a path.
  private var parts: [(theirs: String, ours: String)] {
    switch self {
    case .native: []
    case .mmsegmentation:
      [
        ("backbone.cls_token", "cls_token"), ("backbone.pos_embed", "pos_embed"),
        ("backbone.patch_embed.projection.", "patch_embed.proj."),
        ("backbone.layers.", "blocks."), (".ln1.", ".norm1."), (".ln2.", ".norm2."),
        (".ffn.layers.0.0.", ".mlp.fc1."), (".ffn.layers.1.", ".mlp.fc2."),
      ]
    case .beit:
      [
        ("backbone.fpn1.", "neck.upsample_4x."), ("backbone.fpn2.", "neck.upsample_2x."),
        ("backbone.cls_token", "cls_token"), ("backbone.pos_embed", "pos_embed"),
        ("backbone.patch_embed.", "patch_embed."), ("backbone.blocks.", "blocks."),
      ]
    case .huggingFace:
      [
        ("beit.embeddings.cls_token", "cls_token"),
        ("beit.embeddings.position_embeddings", "pos_embed"),
        ("beit.embeddings.patch_embeddings.projection.", "patch_embed.proj."),
        ("beit.encoder.layer.", "blocks."), (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."), (".lambda_", ".gamma_"),
        (".attention.attention.relative_position_bias.", ".attn."),
        (".attention.attention.query.", ".attn.q."), (".attention.attention.key.", ".attn.k."),
        (".attention.attention.value.", ".attn.v."),
        (".attention.output.dense.", ".attn.proj."), (".intermediate.dense.", ".mlp.fc1."),
        (".output.dense.", ".mlp.fc2."), ("fpn1.", "neck.upsample_4x."),
        ("fpn2.", "neck.upsample_2x."), ("decode_head.classifier.", "decode_head.conv_seg."),
        ("auxiliary_head.classifier.", "auxiliary_head.conv_seg."),
      ]
    }
  }

  /// Weights under this library's names.
  ///
  /// Biases of queries and values alone become those of `qkv`, the keys' zero, which changes nothing:
  /// softmax does not see what is added to all logits of a row. Counts of batches and indices, which
  /// nothing reads, are left out.
  public func native(_ tensors: [String: Tensor]) throws(WeightMismatch) -> [String: Tensor] {
    guard self != .native else { return tensors }
    var result: [String: Tensor] = [:]
    for (theirs, tensor) in tensors {
      let isUnread = [".num_batches_tracked", ".relative_position_index"].contains {
        theirs.hasSuffix($0)
      }
      if isUnread || theirs == "beit.embeddings.mask_token" || theirs == "backbone.mask_token" {
        continue
      }
      var name = theirs
      for (part, ours) in parts { name = name.replacingStep(part, by: ours) }
      result[name] = tensor
    }
    return try withJoinedAttention(result)
  }

  /// `attn.q.weight`, … and `attn.q_bias`, `attn.v_bias` as `attn.qkv`.
  private func withJoinedAttention(
    _ tensors: [String: Tensor]
  ) throws(WeightMismatch) -> [String: Tensor] {
    var tensors = tensors
    for name in Array(tensors.keys) {
      if name.hasSuffix(".attn.q.weight") || name.hasSuffix(".attn.q.bias") {
        let stem = String(name.dropLast(name.hasSuffix("weight") ? 8 : 6))
        let part = name.hasSuffix("weight") ? "weight" : "bias"
        let found = ["q", "k", "v"].map { tensors.removeValue(forKey: "\(stem)\($0).\(part)") }
        guard let query = found[0], let value = found[2] else {
          throw WeightMismatch(missing: ["\(stem)v.\(part)"])
        }
        tensors["\(stem)qkv.\(part)"] = concatenated([query, found[1] ?? query.zerosLike(), value])
      } else if name.hasSuffix(".attn.q_bias") {
        let stem = String(name.dropLast("q_bias".count))
        guard let query = tensors.removeValue(forKey: name),
          let value = tensors.removeValue(forKey: stem + "v_bias")
        else { throw WeightMismatch(missing: [stem + "v_bias"]) }
        tensors[stem + "qkv.bias"] = concatenated([query, query.zerosLike(), value])
      }
    }
    return tensors
  }

  /// Weights of this library under the format's names.
  public func foreign(_ tensors: [String: Tensor]) -> [String: Tensor] {
    guard self != .native else { return tensors }
    var result: [String: Tensor] = [:]
    for (ours, tensor) in tensors {
      for (name, value) in divided(ours, tensor) {
        var name = name
        for (theirs, part) in parts.reversed() { name = name.replacingStep(part, by: theirs) }
        result[name] = value
      }
    }
    return result
  }

  /// What one weight is in the format, still under our other names. The bias of keys has no part in
  /// the result and is left out where the format has none.
  private func divided(_ name: String, _ tensor: Tensor) -> [(String, Tensor)] {
    let stem = String(name.dropLast(name.hasSuffix("weight") ? 10 : 8))
    let width = tensor.shape[0] / 3
    func third(_ index: Int) -> Tensor { tensor[index * width..<(index + 1) * width] }
    switch self {
    case .beit where name.hasSuffix(".attn.qkv.bias"):
      return [(stem + "q_bias", third(0)), (stem + "v_bias", third(2))]
    case .huggingFace where name.hasSuffix(".attn.qkv.bias"):
      return [(stem + "q.bias", third(0)), (stem + "v.bias", third(2))]
    case .huggingFace where name.hasSuffix(".attn.qkv.weight"):
      return [
        (stem + "q.weight", third(0)), (stem + "k.weight", third(1)),
        (stem + "v.weight", third(2)),
      ]
    default: return [(name, tensor)]
    }
  }
}

extension String {
  /// The text with a part replaced: at its beginning, or, where the part begins with a dot, anywhere.
  fileprivate func replacingStep(_ part: String, by other: String) -> String {
    if part.hasPrefix(".") { return replacing(part, with: other) }
    return hasPrefix(part) ? other + dropFirst(part.count) : self
  }
}
