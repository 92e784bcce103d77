import FileSystem
import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders
@testable import WeightExchange

/// Classifiers as timm, transformers and the paper's code save them: the same answers.
@Suite struct PublishedClassifierTests {
  static let golden = Golden("classifiers")
  let scratch = ScratchFolder()

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    struct Hints: Decodable, Sendable {
      var heads: Int?
      var rows: Int?
      var columns: Int?
    }
    let name: String
    let file: String
    let pooling: ClassifierHead.Pooling
    let names: [String]?
    let hints: Hints
    var testDescription: String { name }

    var path: String { golden.folder.path + "/" + file }

    func read() throws -> PublishedWeights {
      var known = ConfigurationHints(heads: hints.heads)
      if let rows = hints.rows, let columns = hints.columns {
        known.grid = PatchGrid(rows: rows, columns: columns)
      }
      return try PublishedWeights.read(path, hints: known)
    }
  }

  /// What a classifier answers.
  private func logits(of weights: PublishedWeights, _ images: Tensor) throws -> Tensor {
    let head = try #require(weights.classifier?.head)
    let store = ParameterStore(initializing: nil)
    let classifier = ImageClassifier(weights.configuration, head: head, in: store.root)
    try store.load(weights.tensors)
    return withoutGradients { classifier(images) }
  }

  private func expectAnswers(
    _ weights: PublishedWeights, _ test: Case, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let golden = try Self.golden.tensors(test.name + ".safetensors")
    expectClose(
      try logits(of: weights, golden["pixel_values"]), try golden["logits"],
      within: try Self.golden.tolerance(), sourceLocation: sourceLocation)
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `their answers`(_ test: Case) throws {
    let weights = try test.read()
    let classifier = try #require(weights.classifier)
    #expect(classifier.head.pooling == test.pooling)
    #expect(classifier.head.classes == 5)
    #expect(classifier.head.normalizesBatches == (test.name == "probe"))
    #expect(classifier.classNames == test.names ?? ["0", "1", "2", "3", "4"])
    let notes = weights.assumptions.joined(separator: "; ")
    #expect(notes.contains("have no names") == (test.names == nil), "\(notes)")
    try expectAnswers(weights, test)
  }

  @Test func `pixels are as timm says`() throws {
    let case1 = try #require(Self.golden.cases(of: Case.self).first { $0.name == "mean" })
    #expect(try case1.read().pixels == PixelStandard(mean: [0.25, 0.5], std: [0.5, 0.25]))
  }

  /// Through every format that can hold it and back: the same answers, names and pixels.
  @Test(arguments: try golden.cases(of: Case.self))
  func `round trips`(_ test: Case) throws {
    var weights = try test.read()
    let channels = weights.configuration.channels
    weights.pixels = PixelStandard(
      mean: [Double](repeating: 0.4, count: channels),
      std: [Double](repeating: 0.2, count: channels))
    var places: [(PublishedFormat, String)] = [
      (.original, "original"), (.timm, "timm.safetensors"), (.timm, "timm"),
    ]
    if test.pooling == .classToken { places.append((.huggingFace, "hf")) }
    for (format, place) in places {
      try weights.write(to: scratch[place], as: format)
      let back = try PublishedWeights.read(scratch[place])
      #expect(back.configuration == weights.configuration, "\(place)")
      #expect(back.configuration.decoder == nil, "\(place)")
      #expect(back.pixels == weights.pixels, "\(place)")
      #expect(back.classifier?.classNames == weights.classifier?.classNames, "\(place)")
      #expect(back.classifier?.head.pooling == test.pooling, "\(place)")
      #expect(back.classifier?.head.normalizesBatches == false, "\(place)")
      #expect(back.assumptions == [], "\(place)")
      try expectAnswers(back, test)
    }
    // A folder of timm's is understood without what only our own header says.
    let tensors = try SafetensorsFile(scratch["timm/model.safetensors"]).tensors()
    try SafetensorsFile.write(tensors, to: scratch["timm/model.safetensors"])
    let bare = try PublishedWeights.read(scratch["timm"])
    var expected = weights.configuration
    expected.normEpsilon = 1e-6
    #expect(bare.configuration == expected)
    #expect(bare.pixels == weights.pixels)
    #expect(bare.classifier?.classNames == weights.classifier?.classNames)
    try expectAnswers(bare, test)
  }

  @Test func `transformers reads the class token only`() throws {
    let test = try #require(Self.golden.cases(of: Case.self).first { $0.name == "average" })
    let weights = try test.read()
    let error = publishedError { () throws(PublishedWeightsError) in
      try weights.write(to: scratch["hf"], as: .huggingFace)
    }
    #expect(
      error?.description
        == "\(scratch["hf"]): transformers' ViTForImageClassification reads the class token; this head "
        + "reads the mean of the patches. Write it in timm's format or as ONNX")
    #expect(!FileManager.default.fileExists(atPath: scratch["hf"]))
  }

  @Test func `names are those of the model`() {
    let configuration = PublishedGoldens.tiny
    withEvery("pooling", in: ClassifierHead.Pooling.allCases) { pooling in
      withEvery("normalizesBatches", in: [false, true]) { normalizesBatches in
        let head = ClassifierHead(
          pooling: pooling, classes: 7, normalizesBatches: normalizesBatches)
        let store = ParameterStore(initializing: nil)
        _ = ImageClassifier(configuration, head: head, in: store.root)
        let shapes = Dictionary(
          uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor.shape) })
        let mismatch = WeightMismatch(
          found: shapes, expected: configuration.weightShapes(head: head))
        #expect(mismatch == nil, "\(mismatch?.description ?? "")")
      }
    }
  }

  @Test func `what makes timms model`() throws {
    func call(_ model: ModelConfiguration, _ head: ClassifierHead?) -> String {
      TimmModel(model, head: head).call(checkpoint: "w.safetensors")
    }
    #expect(
      call(ModelConfiguration(), nil)
        == #"timm.create_model("vit_base_patch16_224", num_classes=0, checkpoint_path="w.safetensors")"#
    )
    #expect(
      call(
        ModelConfiguration(patch: 14, encoder: .huge),
        ClassifierHead(pooling: .normalizedMean, classes: 1000))
        == #"timm.create_model("vit_huge_patch14_224", global_pool="avg", "#
        + #"checkpoint_path="w.safetensors")"#)
    var shape = TransformerShape(width: 12, depth: 2, heads: 3, mlpRatio: 20.0 / 12)
    let small = ModelConfiguration(
      height: 8, width: 16, channels: 1, patch: 4, encoder: shape, qkvBias: false)
    #expect(
      call(small, ClassifierHead(pooling: .mean, classes: 4)).contains(
        #"img_size=(8, 16), patch_size=4, in_chans=1, num_classes=4, global_pool="avg", "#
          + #"fc_norm=False, embed_dim=12, depth=2, num_heads=3, mlp_ratio=1.6666666666666667, qkv_bias=False, "#
      ))
    // timm cuts the product of width and ratio where this library rounds it.
    for hidden in 1...200 {
      shape.mlpRatio = Double(hidden) / 12
      let model = ModelConfiguration(height: 8, width: 8, patch: 4, encoder: shape)
      let ratio = TimmModel(model, head: nil).arguments.first { $0.name == "mlp_ratio" }?.value
      #expect(Int(12 * (ratio?.double ?? 4)) == hidden)
    }
  }

  // MARK: what is refused

  private func message(
    config: String, removing: [String] = [], adding: [String: Tensor] = [:]
  ) throws -> String {
    var tensors = try SafetensorsFile(
      Self.golden.folder.path + "/token/model.safetensors"
    ).tensors()
    for name in removing { tensors[name] = nil }
    tensors.merge(adding) { $1 }
    try SafetensorsFile.write(tensors, to: scratch["model.safetensors"])
    try config.write(toFile: scratch["config.json"], atomically: true, encoding: .utf8)
    let error = publishedError { () throws(PublishedWeightsError) in
      _ = try PublishedWeights.read(scratch.path)
    }
    return (error?.description ?? "nothing").replacing(scratch.path + "/", with: "")
      .replacing(scratch.path, with: "folder")
  }

  @Test func `what timm has and this library has not`() throws {
    func config(_ more: String) -> String {
      #"{"architecture": "vit_tiny_patch16_224", "model_args": {"num_heads": 3\#(more)}}"#
    }
    #expect(try message(config: config("")) == "nothing")
    #expect(
      try message(config: config(#", "global_pool": "map""#))
        == "config.json: global_pool is 'map'; only 'token' and 'avg' are supported")
    #expect(
      try message(config: config(#", "act_layer": "quick_gelu""#))
        == "config.json: model_args.act_layer is 'quick_gelu'; only 'gelu' is supported")
    #expect(
      try message(config: config(#", "pool_include_prefix": true"#))
        == "config.json: model_args.pool_include_prefix is true; only false is supported")
    #expect(
      try message(
        config: config(#", "global_pool": "token""#), removing: ["norm.weight", "norm.bias"],
        adding: ["fc_norm.weight": Tensor.ones([24]), "fc_norm.bias": Tensor.zeros([24])])
        == "config.json: the head's pooling is said to be class-token, but the weights have fc_norm"
    )
    #expect(
      try message(
        config: #"{"architecture": "x", "label_names": ["a", "b"], "model_args": {"num_heads": 3}}"#
      )
        == "config.json: names 2 classes, but the head tells 5 apart")
    #expect(
      try message(config: config(""), adding: ["reg_token": Tensor.zeros([1, 4, 24])])
        .hasPrefix("folder: the model has 4 register tokens (reg_token); a Vision Transformer here")
    )
  }

  @Test func `heads that are none`() throws {
    let config = #"{"architecture": "x", "model_args": {"num_heads": 3}}"#
    #expect(
      try message(config: config, adding: ["head.weight": Tensor.zeros([5])])
        == "config.json: head.weight is [5]; expected a row of 24 for each of 1 to 1000000 classes")
    #expect(
      try message(config: config, adding: ["head.weight": Tensor.zeros([0, 24])])
        .contains("head.weight is [0, 24]"))
    #expect(
      try message(config: config, adding: ["head.bias": Tensor.zeros([4])])
        == "folder: 1 weight is of another shape (head.bias is [4], expected [5])")
    #expect(
      try message(config: config, removing: ["head.bias"])
        == "folder: 1 weight is missing (head.bias)")
    #expect(
      try message(config: config, adding: ["head.weight": Tensor.zeros([5, 12])])
        == "folder: 1 weight is of another shape (head.weight is [5, 12], expected [5, 24])")
  }

  /// What our own writer left in the header, changed by hand.
  @Test func `headers that contradict the weights`() throws {
    let test = try #require(Self.golden.cases(of: Case.self).first { $0.name == "average" })
    var weights = try test.read()
    weights.masking = .random(ratio: 0.75)
    try weights.write(to: scratch["whole.safetensors"], as: .original)
    let file = try SafetensorsFile(scratch["whole.safetensors"])
    let tensors = try file.tensors()
    func message(_ key: String, _ from: String, _ to: String) throws -> String {
      var metadata = file.metadata
      let text = try #require(metadata[key])
      #expect(text.contains(from), "\(text)")
      metadata[key] = text.replacing(from, with: to)
      try SafetensorsFile.write(tensors, metadata: metadata, to: scratch["x.safetensors"])
      let error = publishedError { () throws(PublishedWeightsError) in
        _ = try PublishedWeights.read(scratch["x.safetensors"])
      }
      return (error?.description ?? "nothing").replacing(scratch.path + "/", with: "")
    }
    #expect(try message("classifier", "\"bee\"", "\"wasp\"") == "nothing")
    #expect(
      try message("classifier", "\"bee\",", "")
        == "x.safetensors: names 4 classes, but the head tells 5 apart")
    #expect(
      try message("classifier", "\"bee\",", "\"bee\",\"wasp\",\"fly\",")
        == "x.safetensors: names 7 classes, but the head tells 5 apart")
    for ratio in ["7", "0", "1", "-0.5", "nan", "most"] {
      #expect(
        try message("mask_ratio", "0.75", ratio)
          == "x.safetensors: mask_ratio is '\(ratio)'; expected a number between 0 and 1")
    }
  }

  @Test func `labels of transformers`() throws {
    let folder = Self.golden.folder.path + "/hf/"
    let config = try String(contentsOfFile: folder + "config.json", encoding: .utf8)
    try FileManager.default.copyItem(
      atPath: folder + "model.safetensors", toPath: scratch["model.safetensors"])
    func message(_ config: String) throws -> String {
      try config.write(toFile: scratch["config.json"], atomically: true, encoding: .utf8)
      let error = publishedError { () throws(PublishedWeightsError) in
        _ = try PublishedWeights.read(scratch.path)
      }
      return (error?.description ?? "nothing").replacing(scratch.path + "/", with: "")
    }
    #expect(try message(config) == "nothing")
    #expect(
      try message(config.replacing(#""4": "eel""#, with: #""7": "eel""#))
        == "config.json: id2label has 5 names, but none for '4'")
    #expect(
      try message(
        config.replacing(",\n    \"4\": \"eel\"", with: "")
      ) == "config.json: names 4 classes, but the head tells 5 apart")
    #expect(
      try message(config.replacing(#""model_type": "vit""#, with: #""model_type": "deit""#))
        == "config.json: model_type is 'deit'; only 'vit_mae' or 'vit' is supported")
  }

  /// A `ViTModel` has a layer behind the class token that nothing here uses.
  @Test func `poolers are left out`() throws {
    var tensors = try SafetensorsFile(Self.golden.folder.path + "/hf/model.safetensors").tensors()
    tensors["classifier.weight"] = nil
    tensors["classifier.bias"] = nil
    var bare = Dictionary(
      uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst("vit.".count)), $0.value) })
    bare["pooler.dense.weight"] = Tensor.zeros([12, 12])
    bare["pooler.dense.bias"] = Tensor.zeros([12])
    try SafetensorsFile.write(bare, to: scratch["model.safetensors"])
    try FileManager.default.copyItem(
      atPath: Self.golden.folder.path + "/hf/config.json", toPath: scratch["config.json"])
    let weights = try PublishedWeights.read(scratch.path)
    #expect(weights.classifier == nil && !weights.hasDecoder)
    #expect(weights.configuration.grid == PatchGrid(rows: 2, columns: 4))
  }
}
