import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// A model with its store.
struct TestModel {
  let store: ParameterStore
  let model: MaskedAutoencoder

  init(_ configuration: ModelConfiguration, initializing generator: Generator? = nil) {
    store = ParameterStore(initializing: generator)
    model = MaskedAutoencoder(configuration, in: store.root)
  }

  /// A model whose every weight is random, so that nothing hides.
  init(_ configuration: ModelConfiguration, randomizing seed: UInt64) {
    self.init(configuration, initializing: Generator(seed: 0))
    store.randomize(seed: seed)
  }

  /// The loss of images in training's lean way, with its gradients.
  func lean(
    _ images: Tensor, _ mask: PatchMask, over region: MaskedAutoencoder.LossRegion = .hidden
  ) -> (loss: Tensor, gradients: [String: Tensor]) {
    let loss = model.loss(images, mask: mask, over: region)
    loss.backward()
    return (loss, store.takeGradients())
  }

  /// The loss of images by way of the whole prediction, with its gradients.
  func full(
    _ images: Tensor, _ mask: PatchMask, over region: MaskedAutoencoder.LossRegion = .hidden
  ) -> (output: MaskedAutoencoder.Output, gradients: [String: Tensor]) {
    let output = model(images, mask: mask, over: region)
    output.loss.backward()
    return (output, store.takeGradients())
  }
}

/// Weights that transformers saved, under our names; q, k and v stacked as one.
///
/// Written apart from the program's own import, so that the goldens do not depend on it.
func nativeNames(ofTransformers weights: [String: Tensor]) -> [String: Tensor] {
  let prefixes = [
    ("vit.embeddings.patch_embeddings.projection.", "patch_embed.proj."),
    ("vit.embeddings.position_embeddings", "pos_embed"),
    ("vit.embeddings.cls_token", "cls_token"),
    ("vit.encoder.layer.", "blocks."), ("vit.layernorm.", "norm."),
    ("decoder.decoder_encoder.layer.", "decoder_blocks."), ("decoder.", ""),
  ]
  let parts = [
    (".attention.attention.query.", ".attn.qkv."), (".attention.output.dense.", ".attn.proj."),
    (".layernorm_before.", ".norm1."), (".layernorm_after.", ".norm2."),
    (".intermediate.dense.", ".mlp.fc1."), (".output.dense.", ".mlp.fc2."),
  ]
  var result: [String: Tensor] = [:]
  for (theirs, tensor) in weights {
    if theirs.contains(".attention.key.") || theirs.contains(".attention.value.") { continue }
    var name = theirs
    if let (prefix, replacement) = prefixes.first(where: { name.hasPrefix($0.0) }) {
      name = replacement + name.dropFirst(prefix.count)
    }
    for (part, replacement) in parts { name.replace(part, with: replacement) }
    let others = ["key", "value"].compactMap {
      weights[theirs.replacing(".attention.query.", with: ".attention.\($0).")]
    }
    result[name] =
      theirs.contains(".attention.query.") ? concatenated([tensor] + others) : tensor
  }
  return result
}
