import FileSystem
import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

@testable import MaskedAutoencoders
@testable import WeightExchange

/// Weights as other programs wrap them: behind prefixes, beside other parts, under other names.
@Suite struct WrappedWeightsTests {
  let scratch = ScratchFolder()
  static let hints = ConfigurationHints(heads: 3, decoderHeads: 2)

  private func read(
    _ tensors: [String: Tensor], prefix: String? = nil
  ) throws -> PublishedWeights {
    try SafetensorsFile.write(tensors, to: scratch["w.safetensors"])
    var hints = Self.hints
    hints.prefix = prefix
    return try PublishedWeights.read(scratch["w.safetensors"], hints: hints)
  }

  private func message(_ tensors: [String: Tensor], prefix: String? = nil) -> String {
    do {
      _ = try read(tensors, prefix: prefix)
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func encoder() throws -> [String: Tensor] {
    try PublishedGoldens.native().filter { !PublishedFormat.isDecoder($0.key) }
  }

  private func behind(_ prefix: String, _ tensors: [String: Tensor]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.map { (prefix + $0.key, $0.value) })
  }

  @Test(arguments: [
    "module.", "backbone.", "model.", "model.backbone.", "_orig_mod.module.", "encoder.",
  ])
  func `one prefix before all names is taken off and said`(prefix: String) throws {
    for tensors in [try encoder(), try PublishedGoldens.native()] {
      let weights = try read(behind(prefix, tensors))
      expectIdentical(weights.tensors, tensors)
      #expect(weights.readingNotes == ["the prefix '\(prefix)' was taken off the weights' names"])
    }
  }

  @Test(arguments: ["model.", "module.", "model.backbone."])
  func `Hugging Face's names behind a prefix are read`(prefix: String) throws {
    let tensors = try PublishedGoldens.native()
    let weights = try read(behind(prefix, PublishedFormat.huggingFace.fromNative(tensors)))
    expectIdentical(weights.tensors, tensors)
    // An encoder alone, whose names lack `vit.`
    let alone = try encoder()
    expectIdentical(
      try read(behind(prefix, PublishedFormat.huggingFace.fromNative(alone))).tensors, alone)
  }

  @Test func `parts beside an encoder are left out and listed`() throws {
    let encoder = try encoder()
    let beside = ["projector.0.weight": Tensor.zeros([2, 2]), "queue": Tensor.zeros([3])]
    for (prefix, others) in [
      ("backbone.", beside), ("", beside), ("module.", behind("module.", beside)),
    ] {
      let weights = try read(behind(prefix, encoder).merging(others) { $1 })
      expectIdentical(weights.tensors, encoder)
      let names = others.keys.sorted().joined(separator: ", ")
      #expect(weights.readingNotes.last == "2 weights are not used: \(names)", "\(prefix)")
    }
    // What is no such part is still refused.
    let odd = encoder.merging(["blocks.0.odd.weight": Tensor.zeros([2])]) { $1 }
    #expect(message(odd).contains("blocks.0.odd.weight"))
  }

  @Test func `of two models one is chosen by its prefix`() throws {
    let encoder = try encoder()
    let other = encoder.mapValues { $0 + 1 }
    let both = behind("student.", encoder).merging(behind("teacher.", other)) { $1 }
    #expect(
      message(both).contains(
        "holds 2 models, whose names begin with 'student.' and 'teacher.'; choose one with --prefix"
      ))
    expectIdentical(try read(both, prefix: "teacher.").tensors, other)
    expectIdentical(try read(both, prefix: "student").tensors, encoder)
    #expect(message(both, prefix: "net").contains("no weight's name begins with 'net' (--prefix)"))
    // One of them without a prefix.
    let bare = encoder.merging(behind("ema.", other)) { $1 }
    #expect(message(bare).contains("begin with '' and 'ema.'"))
    expectIdentical(try read(bare, prefix: "ema.").tensors, other)
  }

  @Test func `names of no Vision Transformer are shown`() {
    let found = message(["conv1.weight": .zeros([1]), "layer1.0.weight": .zeros([1])])
    #expect(found.contains("they begin with 'conv1', 'layer1'"), "\(found)")
  }

  static let foreign: [([String: [Int]], String)] = [
    (["reg_token": [1, 4, 12]], "4 register tokens (reg_token)"),
    (["dist_token": [1, 1, 12], "head_dist.weight": [5, 12]], "a distillation token"),
    (["blocks.0.attn.q_norm.weight": [4]], "normalised queries and keys"),
    (["blocks.0.attn.relative_position_bias_table": [9, 3]], "relative positions"),
    (["norm_pre.weight": [12]], "a norm before its blocks"),
    (["blocks.0.mlp.w12.weight": [4, 12]], "gated perceptrons (SwiGLU)"),
    (["attn_pool.q.weight": [4, 12]], "pooling by attention"),
  ]

  @Test(arguments: foreign)
  func `what a model has beyond ours is said before its patches are counted`(
    more: [String: [Int]], words: String
  ) throws {
    var tensors = try encoder()
    // As many rows as no square grid has.
    tensors["pos_embed"] = .zeros([1, 9, 12])
    for (name, shape) in more { tensors[name] = .zeros(shape) }
    let found = message(tensors)
    #expect(found.contains("the model has \(words)"), "\(found)")
    #expect(message(behind("module.", tensors)).contains("the model has \(words)"))
  }

  @Test func `a model without a class token is said to have none`() throws {
    var tensors = try encoder()
    tensors["cls_token"] = nil
    #expect(message(tensors).contains("the model has no class token (cls_token)"))
    tensors["pos_embed"] = nil
    #expect(message(tensors).contains("and no table of positions (pos_embed)"))
  }

  @Test func `an encoder's mask token is not used`() throws {
    let encoder = try encoder()
    let weights = try read(encoder.merging(["mask_token": .zeros([1, 12])]) { $1 })
    expectIdentical(weights.tensors, encoder)
    #expect(weights.readingNotes == ["1 weight is not used: mask_token"])
  }

  @Test(arguments: [(".ls1.gamma", ".ls2.gamma"), (".gamma_1", ".gamma_2")])
  func `LayerScale is multiplied into the layer before it`(first: String, second: String) throws {
    let encoder = try encoder()
    let generator = Generator(seed: 4)
    var scaled = encoder
    var expected = encoder
    for block in 0..<2 {
      for (name, layer) in [(first, "attn.proj"), (second, "mlp.fc2")] {
        let scale = Tensor.randn([12], using: generator)
        scaled["blocks.\(block)\(name)"] = scale
        for kind in ["weight", "bias"] {
          let key = "blocks.\(block).\(layer).\(kind)"
          let factor = kind == "weight" ? scale.reshaped([12, 1]) : scale
          expected[key] = encoder[key].map { $0 * factor }
        }
      }
    }
    let weights = try read(scaled)
    expectIdentical(weights.tensors, expected)
    #expect(
      weights.readingNotes == ["4 scales of LayerScale were multiplied into the layers before them"]
    )
    // In 16 bits a product would lose digits: it is kept in 32.
    let half = try read(scaled.mapValues { $0.to(.bfloat16) })
    #expect(half.tensors["blocks.0.mlp.fc2.weight"]?.dtype == .float32)
    #expect(half.tensors["blocks.0.mlp.fc1.weight"]?.dtype == .bfloat16)
  }

  @Test func `MMPretrain's names are read`() throws {
    let encoder = try encoder()
    var theirs: [String: Tensor] = [:]
    for (name, tensor) in encoder {
      var name = name
      for (own, other) in [
        ("patch_embed.proj.", "patch_embed.projection."), ("blocks.", "layers."),
        ("norm1.", "ln1."), ("norm2.", "ln2."), ("mlp.fc1.", "ffn.layers.0.0."),
        ("mlp.fc2.", "ffn.layers.1."),
      ] { name = name.replacing(own, with: other) }
      if name.hasPrefix("norm.") { name = "ln1." + name.dropFirst("norm.".count) }
      theirs["backbone." + name] = tensor
    }
    theirs["neck.mask_token"] = .zeros([1, 1, 8])
    let weights = try read(theirs)
    expectIdentical(weights.tensors, encoder)
    #expect(weights.readingNotes.contains("the names are MMPretrain's"))
    #expect(weights.readingNotes.last == "1 weight is not used: neck.mask_token")
    // The head lies beside the backbone.
    theirs["head.layers.head.weight"] = .zeros([5, 12])
    theirs["head.layers.head.bias"] = .zeros([5])
    let classifier = try read(theirs)
    #expect(classifier.classifier?.head.classes == 5)
    #expect(classifier.classifier?.head.pooling == .classToken)
    // Fine-tuned from the mean of the patches: the norm is that of the mean.
    var mean = theirs
    for kind in ["weight", "bias"] {
      mean["backbone.ln2.\(kind)"] = mean.removeValue(forKey: "backbone.ln1.\(kind)")
      mean["head.fc.\(kind)"] = mean.removeValue(forKey: "head.layers.head.\(kind)")
    }
    #expect(try read(mean).classifier?.head.pooling == .normalizedMean)
  }
}
