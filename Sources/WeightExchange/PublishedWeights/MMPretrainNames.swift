import MaskedAutoencoders
import Torch

/// MMPretrain's names of a Vision Transformer's weights (`VisionTransformer`, `MAEViT`), and the
/// original's.
enum MMPretrainNames {
  /// The name by which its models are told.
  static let anchor = "patch_embed.projection.weight"

  private static let layers = [
    ("ln1.", "norm1."), ("norm1.", "norm1."), ("attn.qkv.", "attn.qkv."),
    ("attn.proj.", "attn.proj."), ("ln2.", "norm2."), ("norm2.", "norm2."),
    ("ffn.layers.0.0.", "mlp.fc1."), ("ffn.layers.1.", "mlp.fc2."),
    ("attn.gamma1.weight", "ls1.gamma"), ("attn.gamma1.scale", "ls1.gamma"),
    ("ffn.gamma2.weight", "ls2.gamma"), ("ffn.gamma2.scale", "ls2.gamma"),
  ]

  /// The head is beside the backbone, whose prefix was taken off.
  private static let heads = ["head.layers.head.", "head.fc."]

  /// Weights under the original's names, with those around them that are still not used.
  static func native(
    _ backbone: [String: Tensor], around others: [String: Tensor]
  ) -> (tensors: [String: Tensor], left: [String: Tensor]) {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in backbone { tensors[native(name)] = tensor }
    var left = others
    for (name, tensor) in others {
      guard let head = heads.first(where: { name.hasPrefix($0) }) else { continue }
      let kind = name.dropFirst(head.count)
      guard kind == "weight" || kind == "bias", tensors["head.\(kind)"] == nil else { continue }
      tensors["head.\(kind)"] = tensor
      left[name] = nil
    }
    return (tensors, left)
  }

  private static func native(_ name: String) -> String {
    if name.hasPrefix("patch_embed.projection.") {
      return "patch_embed.proj." + name.dropFirst("patch_embed.projection.".count)
    }
    // The norm after the last block, and that of the mean of the patches.
    for (theirs, own) in [("ln1.", "norm."), ("norm1.", "norm."), ("ln2.", "fc_norm.")]
    where name.hasPrefix(theirs) {
      return own + name.dropFirst(theirs.count)
    }
    let words = name.split(separator: ".", maxSplits: 2)
    guard words.count == 3, words[0] == "layers", let block = Int(words[1]) else { return name }
    for (theirs, own) in layers where words[2].hasPrefix(theirs) {
      return "blocks.\(block).\(own)\(words[2].dropFirst(theirs.count))"
    }
    return name
  }
}
