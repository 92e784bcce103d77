import Foundation
import Testing
import Torch

@testable import MaskedAutoencoders
@testable import WeightExchange

@Suite struct PublishedWeightsConfigurationTests {
  @Test func `reads what transformers wrote`() throws {
    let path = PublishedGoldens.folder + "/hugging-face/config.json"
    let json = try Data(contentsOf: URL(filePath: path))
    let file = try HuggingFaceConfiguration(json: Array(json))
    #expect(file.model == PublishedGoldens.tiny)
    #expect(file.maskRatio == 0.5)
  }

  @Test func `what is left out has the default of transformers`() throws {
    let file = try HuggingFaceConfiguration(json: Array("{}".utf8))
    #expect(
      file.model
        == ModelConfiguration(
          encoder: .base, decoder: .paperDecoder, target: .pixels,
          normEpsilon: 1e-12))
    #expect(file.maskRatio == 0.75)
  }

  @Test func `writes what it reads`() throws {
    var model = PublishedGoldens.tiny
    model.width = 16
    model.qkvBias = false
    for width in [8, 16] {
      model.width = width
      let file = HuggingFaceConfiguration(model: model, maskRatio: 0.6)
      let text = file.json(architecture: "ViTMAEForPreTraining", dtype: "float32")
      #expect(try HuggingFaceConfiguration(json: text) == file)
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
      #expect(object["architectures"] as? [String] == ["ViTMAEForPreTraining"])
      #expect(object["model_type"] as? String == "vit_mae")
      #expect(object["torch_dtype"] as? String == "float32")
      #expect(
        width == 8
          ? object["image_size"] as? Int == 8
          : object["image_size"] as? [Int] == [8, 16])
    }
  }

  static let wrong: [(String, [String])] = [
    ("", ["it is not a JSON object"]),
    ("[1]", ["it is not a JSON object"]),
    (#"{"hidden_act":"relu"}"#, ["hidden_act is 'relu'; only 'gelu' is supported"]),
    (#"{"model_type":"swin"}"#, ["model_type is 'swin'; only 'vit_mae' or 'vit' is supported"]),
    (#"{"id2label":[]}"#, ["id2label is []; expected an object"]),
    (#"{"id2label":{"0":"a","2":"b"}}"#, ["id2label has 2 names, but none for '1'"]),
    (#"{"patch_size":[16,8]}"#, ["patch_size is [16, 8]; only square ones are supported"]),
    (
      #"{"hidden_size":"a","num_channels":0,"qkv_bias":1,"layer_norm_eps":null}"#,
      [
        "hidden_size is 'a'; expected a whole number from 1 to 1000000",
        "num_channels is 0; expected a whole number from 1 to 1000000",
        "layer_norm_eps is null; expected a number", "qkv_bias is 1; expected true or false",
      ]
    ),
    (
      #"{"image_size":[1,2,3]}"#,
      ["image_size is [1, 2, 3]; expected a whole number from 1 to 1000000"]
    ),
    (
      #"{"image_size":9223372036854775807}"#,
      ["image_size is 9223372036854775807; expected a whole number from 1 to 1000000"]
    ),
    (
      #"{"num_attention_heads":5}"#,
      ["encoder.heads is 5, which does not divide the width 768"]
    ),
  ]

  @Test(arguments: wrong)
  func `refuses every wrong field`(json: String, problems: [String]) {
    let error = #expect(throws: HuggingFaceConfigurationError.self) {
      try HuggingFaceConfiguration(json: Array(json.utf8))
    }
    #expect(error.map { Set($0.problems) } == Set(problems))
  }

  @Test func `images may be wider than high`() throws {
    let file = try HuggingFaceConfiguration(json: Array(#"{"image_size":[32,64]}"#.utf8))
    #expect((file.model.height, file.model.width) == (32, 64))
  }

  // MARK: inference

  func shapes(_ model: ModelConfiguration, decoder: Bool = true) -> [String: [Int]] {
    Dictionary(
      uniqueKeysWithValues: model.weightShapes(decoder: decoder).map { ($0.name, $0.shape) })
  }

  @Test(arguments: TransformerShape.named.map(\.name))
  func `infers published models`(name: String) throws {
    let shape = try #require(TransformerShape.named.first { $0.name == name }).shape
    let model = ModelConfiguration(patch: name == "huge" ? 14 : 16, encoder: shape)
    let inferred = try InferredConfiguration(shapes: shapes(model), format: .original)
    #expect(inferred.configuration == model)
    #expect(inferred.assumptions.count == 5)
  }

  @Test func `infers what hints add`() throws {
    var model = PublishedGoldens.tiny
    model.width = 16
    model.qkvBias = false
    let hints = ConfigurationHints(
      heads: 3, decoderHeads: 2, grid: PatchGrid(rows: 2, columns: 4), target: .normalizedPixels,
      normEpsilon: 1e-12)
    let inferred = try InferredConfiguration(shapes: shapes(model), hints: hints, format: .timm)
    #expect(inferred.configuration == model)
    #expect(inferred.assumptions == [])
  }

  @Test func `says what it cannot infer`() {
    func message(
      _ shapes: [String: [Int]], _ hints: ConfigurationHints = .init(heads: 3, decoderHeads: 2)
    ) -> String? {
      do {
        _ = try InferredConfiguration(shapes: shapes, hints: hints, format: .original)
        return nil
      } catch {
        return error.message
      }
    }
    let tiny = shapes(PublishedGoldens.tiny)
    #expect(
      message(tiny, .init())
        == "the number of attention heads of the encoder is not in the weights, and its width 12 is "
        + "none of 192, 384, 768, 1024, 1280, for which it is known; give the number of heads (--heads, --decoder-heads)"
    )
    #expect(
      message(tiny, .init(heads: 3))?.contains("of the decoder is not in the weights") == true)
    var wide = PublishedGoldens.tiny
    wide.width = 16
    #expect(
      message(shapes(wide)) == "8 patches are no square; give their rows and columns (--grid)")
    #expect(message(tiny, .init(heads: 5, decoderHeads: 2))?.contains("encoder.heads is 5") == true)
    for (name, shape, reason) in [
      ("patch_embed.proj.weight", nil, "patch_embed.proj.weight is missing; expected 4 sizes"),
      ("patch_embed.proj.weight", [12, 2, 4], "is [12, 2, 4]; expected 4 sizes"),
      ("patch_embed.proj.weight", [12, 2, 4, 5], "patches of 4 × 5 pixels"),
      ("pos_embed", [1, 1, 12], "0 patches are no square"),
      ("pos_embed", [1, 0, 12], "pos_embed is [1, 0, 12]"),
      ("blocks.0.mlp.fc1.weight", nil, "blocks.0.mlp.fc1.weight is missing"),
      ("decoder_embed.weight", [], "decoder_embed.weight is []"),
    ] as [(String, [Int]?, String)] {
      var broken = tiny
      broken[name] = shape
      #expect(message(broken)?.contains(reason) == true, "\(name): \(message(broken) ?? "")")
    }
  }
}
