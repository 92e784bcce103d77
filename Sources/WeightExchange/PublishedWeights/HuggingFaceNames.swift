import MaskedAutoencoders
import Torch
import TorchNN

/// Hugging Face's names of the weights of a masked autoencoder (`ViTMAE…`) or a Vision Transformer
/// with or without a head (`ViT…`), and this library's.
///
/// Three spellings are read: that of transformers 4 and of published files
/// (`encoder.layer.0.attention.attention.query`), that of transformers 5 in memory
/// (`layers.0.attention.q_proj`), and the one it saves its decoder in
/// (`decoder.decoder_encoder.layer.0.…`). The first is written: every version loads it.
enum HuggingFaceNames {
  /// A weight of this library; one of its `parts` equal slices of rows where it is split.
  struct Part: Hashable {
    let name: String
    var index = 0
    var parts = 1
  }

  private static let fixed = [
    "vit.embeddings.cls_token": "cls_token",
    "vit.embeddings.position_embeddings": "pos_embed",
    "vit.embeddings.patch_embeddings.projection": "patch_embed.proj",
    "vit.layernorm": "norm",
    "decoder.decoder_embed": "decoder_embed",
    "decoder.mask_token": "mask_token",
    "decoder.decoder_pos_embed": "decoder_pos_embed",
    "decoder.decoder_norm": "decoder_norm",
    "decoder.decoder_pred": "decoder_pred",
    "classifier": "head",
  ]
  private static let fixedBack = Dictionary(uniqueKeysWithValues: fixed.map { ($1, $0) })

  /// Stacks of blocks; the first spelling of each is the one written.
  private static let stacks = [
    ("vit.encoder.layer.", "blocks."), ("decoder.decoder_layers.", "decoder_blocks."),
    ("vit.layers.", "blocks."), ("decoder.decoder_encoder.layer.", "decoder_blocks."),
  ]

  /// Layers of a block; the first spelling of each is the one written.
  private static let layers: [(String, Part)] = [
    ("layernorm_before", Part(name: "norm1")),
    ("attention.attention.query", Part(name: "attn.qkv", index: 0, parts: 3)),
    ("attention.attention.key", Part(name: "attn.qkv", index: 1, parts: 3)),
    ("attention.attention.value", Part(name: "attn.qkv", index: 2, parts: 3)),
    ("attention.output.dense", Part(name: "attn.proj")),
    ("layernorm_after", Part(name: "norm2")),
    ("intermediate.dense", Part(name: "mlp.fc1")),
    ("output.dense", Part(name: "mlp.fc2")),
    ("attention.q_proj", Part(name: "attn.qkv", index: 0, parts: 3)),
    ("attention.k_proj", Part(name: "attn.qkv", index: 1, parts: 3)),
    ("attention.v_proj", Part(name: "attn.qkv", index: 2, parts: 3)),
    ("attention.o_proj", Part(name: "attn.proj")),
    ("mlp.fc1", Part(name: "mlp.fc1")),
    ("mlp.fc2", Part(name: "mlp.fc2")),
  ]
  private static let layerParts = Dictionary(uniqueKeysWithValues: layers)
  private static let layerNames = Dictionary(
    layers.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })

  /// What one of Hugging Face's names stands for; nil when it is none.
  static func part(of name: String) -> Part? {
    // `ViTMAEModel` and `ViTModel` have the encoder's names without the first word.
    let bare = !["vit.", "decoder.", "classifier."].contains { name.hasPrefix($0) }
    let (stem, kind) = splitKind(bare ? "vit." + name : name)
    if let own = fixed[stem] { return Part(name: own + kind) }
    for (spelling, own) in stacks where stem.hasPrefix(spelling) {
      let rest = stem.dropFirst(spelling.count)
      guard
        let dot = rest.firstIndex(of: "."), let block = Int(rest[..<dot]),
        String(block) == rest[..<dot], block >= 0,
        let layer = layerParts[String(rest[rest.index(after: dot)...])]
      else { return nil }
      return Part(
        name: "\(own)\(block).\(layer.name)\(kind)", index: layer.index, parts: layer.parts)
    }
    return nil
  }

  /// Hugging Face's names of one of this library's weights: three where it splits them, the name
  /// itself where it has none.
  static func names(of own: String) -> [String] {
    let (stem, kind) = splitKind(own)
    if let name = fixedBack[stem] { return [name + kind] }
    for (spelling, prefix) in stacks where stem.hasPrefix(prefix) {
      let rest = stem.dropFirst(prefix.count)
      guard let dot = rest.firstIndex(of: ".") else { continue }
      let layer = String(rest[rest.index(after: dot)...])
      let parts = layer == "attn.qkv" ? 3 : 1
      let names = (0..<parts).compactMap { layerNames[Part(name: layer, index: $0, parts: parts)] }
      if names.count == parts { return names.map { "\(spelling)\(rest[..<dot]).\($0)\(kind)" } }
    }
    return [own]
  }

  /// A name in the spelling that is written; the name itself where it is none of Hugging Face's.
  static func canonical(_ name: String) -> String {
    guard let part = part(of: name) else { return name }
    let names = names(of: part.name)
    return names.indices.contains(part.index) ? names[part.index] : name
  }

  /// Weights under this library's names, with split ones joined.
  static func joined(_ tensors: [String: Tensor]) throws(WeightMismatch) -> [String: Tensor] {
    var found: [String: [Int: Tensor]] = [:]
    var native: [String: Tensor] = [:]
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      // A weight that is there in two spellings is kept under its own name, and so refused later.
      guard let part = part(of: name), found[part.name]?[part.index] == nil else {
        native[name] = tensor
        continue
      }
      found[part.name, default: [:]][part.index] = tensor
    }
    var mismatch = WeightMismatch()
    for (own, parts) in found {
      let names = names(of: own)
      guard names.count > 1 else {
        native[own] = parts[0]
        continue
      }
      let ordered = names.indices.compactMap { parts[$0] }
      guard ordered.count == names.count, let first = ordered.first else {
        mismatch.missing += names.indices.filter { parts[$0] == nil }.map { names[$0] }
        continue
      }
      let shape = first.shape
      let odd = zip(names, ordered).filter { $1.shape != shape || shape.isEmpty }
      mismatch.wrongShape += odd.map { .init(name: $0, found: $1.shape, expected: shape) }
      if odd.isEmpty { native[own] = concatenated(ordered) }
    }
    guard mismatch.isEmpty else {
      mismatch.missing.sort(by: precedesNaturally)
      mismatch.wrongShape.sort { precedesNaturally($0.name, $1.name) }
      throw mismatch
    }
    return native
  }

  /// Weights under Hugging Face's names, with joined ones split.
  static func split(_ native: [String: Tensor]) -> [String: Tensor] {
    let isWhole =
      native["head.weight"] != nil || native.keys.contains(where: PublishedFormat.isDecoder)
    var tensors: [String: Tensor] = [:]
    for (own, tensor) in native {
      let names = names(of: own)
      guard part(of: names[0]) != nil else { continue }
      for (i, name) in names.enumerated() {
        let rows = names.count == 1 ? 0 : (tensor.shape.first ?? 0) / names.count
        let piece = names.count == 1 ? tensor : tensor[i * rows..<(i + 1) * rows]
        // Without decoder and head the model is `ViTMAEModel`, whose names lack the first word.
        tensors[isWhole ? name : String(name.dropFirst("vit.".count))] = piece
      }
    }
    return tensors
  }

  /// A name without its last word, and that word with its dot, where it is `weight` or `bias`.
  private static func splitKind(_ name: String) -> (stem: String, kind: String) {
    for kind in [".weight", ".bias"] where name.hasSuffix(kind) {
      return (String(name.dropLast(kind.count)), kind)
    }
    return (name, "")
  }
}
