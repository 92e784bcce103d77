import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct ConfigurationTests {
  /// Paper, Table 8 and §4.1; Dosovitskiy et al., Table 1; Touvron et al., Table 1.
  @Test func `presets are the published ones`() {
    let sizes = TransformerShape.named.map { [$0.shape.width, $0.shape.depth, $0.shape.heads] }
    #expect(TransformerShape.named.map(\.name) == ["tiny", "small", "base", "large", "huge"])
    #expect(
      sizes == [[192, 12, 3], [384, 12, 6], [768, 12, 12], [1024, 24, 16], [1280, 32, 16]])
    #expect(TransformerShape.named.allSatisfy { $0.shape.hidden == 4 * $0.shape.width })
    #expect(TransformerShape.paperDecoder == TransformerShape(width: 512, depth: 8, heads: 16))
    #expect(TransformerShape(width: 10, depth: 1, heads: 1, mlpRatio: 2.67).hidden == 27)
    let paper = ModelConfiguration()
    #expect(paper.grid == PatchGrid(rows: 14, columns: 14) && paper.patchValues == 768)
    #expect(paper.normEpsilon == 1e-6 && paper.qkvBias && paper.target == .normalizedPixels)
    #expect(paper.problems.isEmpty && paper.channels == 3)
  }

  @Test func `every problem is found`() {
    let problems = ModelConfiguration(
      height: 30, width: 0, channels: 0, patch: 8,
      encoder: TransformerShape(width: 10, depth: 0, heads: 3),
      decoder: TransformerShape(width: 0, depth: 1, heads: 0, mlpRatio: 0), normEpsilon: 0
    ).problems
    #expect(
      problems.map(\.path).sorted() == [
        "channels", "decoder.heads", "decoder.mlpRatio", "decoder.width", "encoder.depth",
        "encoder.heads", "encoder.width", "height", "normEpsilon", "width",
      ])
    #expect(
      problems.first { $0.path == "height" }?.message
        == "is 30, which the patch size 8 does not divide; the nearest that fit are 24 and 32")
    #expect(
      ModelConfiguration(height: 3, width: 16, patch: 16).problems.first?.message
        == "is 3, which the patch size 16 does not divide; the smallest that fits is 16")
  }

  @Test func `a model with problems stops`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let store = ParameterStore(initializing: nil)
      _ = MaskedAutoencoder(ModelConfiguration(height: 30), in: store.root)
    }
    #expect(standardError(of: result).contains("height is 30, which the patch size 16"))
  }

  @Test func `model JSON comes back`() throws {
    let configuration = ModelConfiguration(
      height: 8, width: 24, channels: 1, patch: 8,
      encoder: TransformerShape(width: 16, depth: 2, heads: 4, mlpRatio: 2.5), target: .pixels,
      normEpsilon: 1e-12, qkvBias: false)
    let data = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(ModelConfiguration.self, from: data) == configuration)
    #expect(String(decoding: data, as: UTF8.self).contains("\"target\":\"pixels\""))
  }

  /// The first values of a fresh model (He et al., 2022, A.1).
  @Test func `weights start as the paper says`() throws {
    let configuration = ModelConfiguration(
      height: 32, width: 32, patch: 8, encoder: TransformerShape(width: 64, depth: 1, heads: 2),
      decoder: TransformerShape(width: 32, depth: 1, heads: 2))
    let store = TestModel(configuration, initializing: Generator(seed: 4)).store
    for entry in store.trainable {
      let (values, shape) = (entry.tensor.detached(), entry.tensor.shape)
      let largest = values.abs().max().item()
      switch entry.name {
      case "cls_token", "mask_token":
        let std = values.squared().mean().item().squareRoot()
        #expect((0.01..<0.03).contains(std), "\(entry.name)")
      case "patch_embed.proj.bias":
        #expect((0.5..<1).contains(largest * 192.squareRoot()), "\(entry.name)")
      case let name where name.hasSuffix("bias"):
        #expect(largest == 0, "\(name)")
      case let name where shape.count == 1:
        #expect(values.min().item() == 1 && largest == 1, "\(name)")
      default:
        let inputs = shape.dropFirst().reduce(1, *)
        let bound = (6 / Double(shape[0] + inputs)).squareRoot()
        #expect((0.98...1).contains(largest / bound), "\(entry.name)")
      }
    }
  }
}
