import FileSystem
import Foundation
import TensorFiles
import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders
@testable import WeightExchange

@Suite struct PublishedWeightsTests {
  let scratch = ScratchFolder()

  var tiny: PublishedWeights {
    get throws {
      PublishedWeights(
        configuration: PublishedGoldens.tiny, tensors: try PublishedGoldens.native(),
        masking: .random(ratio: 0.5))
    }
  }

  @Test func `reads a folder of transformers`() throws {
    let weights = try PublishedWeights.read(PublishedGoldens.folder + "/hugging-face")
    #expect(weights.configuration == PublishedGoldens.tiny)
    #expect(
      weights.format == .huggingFace && weights.hasDecoder && weights.masking == .random(ratio: 0.5)
    )
    #expect(weights.assumptions == [])
    expectIdentical(weights.tensors, try PublishedGoldens.native())
  }

  @Test func `reads the file with its neighbour`() throws {
    let path = PublishedGoldens.folder + "/hugging-face/model.safetensors"
    #expect(try PublishedWeights.read(path).configuration == PublishedGoldens.tiny)
  }

  @Test func `infers the model of a file alone`() throws {
    let path = PublishedGoldens.folder + "/original.safetensors"
    let error = publishedError { () throws(PublishedWeightsError) in
      _ = try PublishedWeights.read(path)
    }
    #expect(error?.description.contains("give the number of heads") == true)
    let weights = try PublishedWeights.read(
      path, hints: .init(heads: 3, decoderHeads: 2, normEpsilon: 1e-12))
    #expect(weights.configuration == PublishedGoldens.tiny)
    #expect(weights.format == .original && weights.assumptions.count == 2)
  }

  @Test func `reads a checkpoint of py torch`() throws {
    let weights = try PublishedWeights.read(
      PublishedGoldens.folder + "/original.pth", hints: .init(heads: 3, decoderHeads: 2))
    #expect(weights.format == .original)
    expectIdentical(weights.tensors, try PublishedGoldens.native())
  }

  @Test(arguments: [PublishedFormat.original, .huggingFace])
  func `round trips with its configuration`(format: PublishedFormat) throws {
    try tiny.write(to: scratch["w"], as: format)
    let back = try PublishedWeights.read(scratch["w"])
    #expect(back.configuration == PublishedGoldens.tiny)
    #expect(back.format == format && back.masking == .random(ratio: 0.5) && back.assumptions == [])
    expectIdentical(back.tensors, try PublishedGoldens.native())
  }

  @Test(arguments: PublishedFormat.allCases)
  func `round trips an encoder`(format: PublishedFormat) throws {
    var weights = try tiny
    if format != .timm {
      weights.tensors = weights.tensors.filter { !PublishedFormat.isDecoder($0.key) }
    }
    try weights.write(to: scratch["w"], as: format)
    let back = try PublishedWeights.read(scratch["w"])
    #expect(!back.hasDecoder)
    var expected = PublishedGoldens.tiny
    expected.decoder = nil
    #expect(back.configuration == expected)
    let encoder = try PublishedGoldens.native().filter { !PublishedFormat.isDecoder($0.key) }
    expectIdentical(back.tensors, encoder)
  }

  @Test func `writes what transformers expects`() throws {
    try tiny.write(to: scratch["new/folder"], as: .huggingFace)
    let file = try SafetensorsFile(scratch["new/folder/model.safetensors"])
    #expect(file.metadata == ["format": "pt"])
    let names = file.entries.map(\.name)
    #expect(names.contains("vit.encoder.layer.1.attention.attention.value.bias"))
    #expect(names.contains("decoder.decoder_layers.0.attention.output.dense.weight"))
    #expect(
      names.count
        == PublishedFormat.huggingFace
        .weightShapes(PublishedGoldens.tiny, decoder: true).count)
    var encoder = try tiny
    encoder.tensors = encoder.tensors.filter { !PublishedFormat.isDecoder($0.key) }
    try encoder.write(to: scratch["encoder"], as: .huggingFace)
    let config = try String(contentsOfFile: scratch["encoder/config.json"], encoding: .utf8)
    #expect(config.contains("\"ViTMAEModel\""))
  }

  @Test func `keeps short types`() throws {
    var weights = try tiny
    weights.tensors = weights.tensors.mapValues { $0.to(.bfloat16) }
    for format in PublishedFormat.allCases {
      try weights.write(to: scratch[format.rawValue], as: format)
      let back = try PublishedWeights.read(scratch[format.rawValue])
      #expect(back.tensors.values.allSatisfy { $0.dtype == .bfloat16 })
    }
    let config = try String(
      contentsOfFile: scratch["hugging-face/config.json"], encoding: .utf8)
    #expect(config.contains("\"torch_dtype\" : \"bfloat16\""))
  }

  @Test func `names every weight that is wrong`() throws {
    var native = try PublishedGoldens.native()
    native["norm.bias"] = nil
    native["head.weight"] = Tensor.zeros([10, 12])
    native["cls_token"] = Tensor.zeros([1, 12])
    var renamed = PublishedFormat.huggingFace.fromNative(native)
    renamed["vit.layers.9.mlp.fc1.bias"] = Tensor.zeros([1])
    renamed["classifier.bias"] = Tensor.zeros([1])
    let config = PublishedGoldens.folder + "/hugging-face/config.json"
    try FileManager.default.copyItem(atPath: config, toPath: scratch["config.json"])
    try SafetensorsFile.write(renamed, to: scratch["model.safetensors"])
    let error = publishedError { () throws(PublishedWeightsError) in
      _ = try PublishedWeights.read(scratch.path)
    }
    guard case .mismatch(let path, let mismatch) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path == scratch.path)
    #expect(mismatch.missing == ["vit.layernorm.bias"])
    #expect(
      mismatch.unexpected == ["classifier.bias", "classifier.weight", "vit.layers.9.mlp.fc1.bias"])
    #expect(
      mismatch.wrongShape
        == [.init(name: "vit.embeddings.cls_token", found: [1, 12], expected: [1, 1, 12])])
  }

  @Test func `heads of classifiers can be ignored`() throws {
    var native = try PublishedGoldens.native().filter { !PublishedFormat.isDecoder($0.key) }
    native["head.weight"] = Tensor.zeros([10, 12])
    native["head.bias"] = Tensor.zeros([10])
    try SafetensorsFile.write(native, to: scratch["timm"])
    let whole = try PublishedWeights.read(scratch["timm"], hints: .init(heads: 3))
    #expect(whole.classifier?.head == ClassifierHead(pooling: .classToken, classes: 10))
    #expect(whole.assumptions.contains("the 10 classes have no names and are numbered"))
    let weights = try PublishedWeights.read(
      scratch["timm"], hints: .init(heads: 3), ignoring: ["head."])
    #expect(weights.tensors.count == native.count - 2 && weights.classifier == nil)
  }

  @Test func `refuses to write what does not fit`() throws {
    var weights = try tiny
    weights.tensors["norm.bias"] = nil
    let mismatch = publishedError { () throws(PublishedWeightsError) in
      try weights.write(to: scratch["w"], as: .original)
    }
    #expect(mismatch?.description.hasSuffix("1 weight is missing (norm.bias)") == true)
    weights = try tiny
    weights.configuration.width = 16
    weights.tensors["pos_embed"] = Tensor.zeros([1, 9, 12])
    weights.tensors["decoder_pos_embed"] = Tensor.zeros([1, 9, 8])
    let square = publishedError { () throws(PublishedWeightsError) in
      try weights.write(to: scratch["w"], as: .huggingFace)
    }
    #expect(square?.description.contains("has 2 × 4") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
    try weights.write(to: scratch["w"], as: .original)
    #expect(try PublishedWeights.read(scratch["w"]).configuration == weights.configuration)
  }

  @Test func `refuses files of other things`() throws {
    try SafetensorsFile.write(["fc.bias": Tensor.zeros([1])], to: scratch["other"])
    let other = publishedError { () throws(PublishedWeightsError) in
      _ = try PublishedWeights.read(scratch["other"])
    }
    #expect(other?.description.contains("holds no Vision Transformer: none of its 1 names") == true)
    let missing = publishedError { () throws(PublishedWeightsError) in
      _ = try PublishedWeights.read(scratch["none"])
    }
    guard case .file(let error) = missing else {
      Issue.record("\(String(describing: missing))")
      return
    }
    #expect(error.kind == .unreadable)
  }
}
