import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// Weights of attention for looking at are those that attention uses.
@Suite struct AttentionWeightsTests {
  private let configuration = ModelConfiguration(
    height: 8, width: 12, channels: 2, patch: 4,
    encoder: TransformerShape(width: 16, depth: 2, heads: 2))
  private let images = Tensor.randn([3, 2, 8, 12], using: Generator(seed: 4))

  private func encoder() -> (PatchEncoder, ParameterStore) {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let encoder = PatchEncoder(configuration, in: store.root)
    store.randomize(seed: 7)
    return (encoder, store)
  }

  /// One block written out in plain products, from the names of its weights.
  private func block(
    _ x: Tensor, _ number: Int, _ store: ParameterStore
  ) throws -> (weights: Tensor, output: Tensor) {
    func weight(_ name: String) throws -> Tensor {
      try #require(store["blocks.\(number).\(name)"])
    }
    func linear(_ x: Tensor, _ name: String) throws -> Tensor {
      x.linear(try weight("\(name).weight"), try weight("\(name).bias"))
    }
    func norm(_ x: Tensor, _ name: String) throws -> Tensor {
      x.layerNorm(try weight("\(name).weight"), try weight("\(name).bias"), epsilon: 1e-6)
    }
    let (batch, tokens) = (x.shape[0], x.shape[1])
    let parts = try linear(norm(x, "norm1"), "attn.qkv").reshaped([batch, tokens, 3, 2, 8])
      .permuted([2, 0, 3, 1, 4]).unbound(along: 0)
    let weights = (parts[0].matmul(parts[1].transposed(2, 3)) / 8.0.squareRoot()).softmax()
    let mixed = weights.matmul(parts[2]).transposed(1, 2).flattened(from: 2)
    let y = x + (try linear(mixed, "attn.proj"))
    return (weights, y + (try linear(linear(norm(y, "norm2"), "mlp.fc1").gelu(), "mlp.fc2")))
  }

  @Test func `weights are those of the blocks`() throws {
    let (encoder, store) = encoder()
    let cut = patches(of: images, side: 4)
    try withoutGradients {
      let kernel = try #require(store["patch_embed.proj.weight"])
      let embedded = cut.linear(
        kernel.permuted([0, 2, 3, 1]).flattened(from: 1), store["patch_embed.proj.bias"])
      let first = try #require(store["cls_token"]).expanded([3, 1, 16])
      var x = concatenated([first, embedded], along: 1) + (try #require(store["pos_embed"]))
      for number in 0..<2 {
        let (weights, output) = try block(x, number, store)
        let found = encoder.attentionWeights(of: cut, block: number)
        #expect(found.shape == [3, 2, 7, 7])
        expectClose(found, weights, absolute: 1e-5, "block \(number)")
        let sums = found.sum([3]) - 1.0
        #expect(sums.abs().max().item() < 1e-5)
        x = output
      }
      expectEqual(
        encoder.attentionWeights(of: cut), encoder.attentionWeights(of: cut, block: 1), "last")
      let tokens = x.layerNorm(
        try #require(store["norm.weight"]), try #require(store["norm.bias"]), epsilon: 1e-6)
      expectClose(encoder(cut), tokens, absolute: 1e-4, "tokens")
      expectClose(
        encoder.classToken(of: cut), tokens.selected(0, along: 1), absolute: 1e-4, "class token")
    }
  }
}
