import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders
@testable import WeightExchange

/// ONNX files of encoders and classifiers: run operator by operator, they give the model's numbers.
///
/// `scripts/goldens/check_onnx.py` shows the same with onnxruntime.
@Suite struct ONNXTests {
  let scratch = ScratchFolder()

  static let shapes = [
    ModelConfiguration(
      height: 8, width: 12, channels: 2, patch: 4,
      encoder: TransformerShape(width: 12, depth: 2, heads: 3, mlpRatio: 20.0 / 12),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2), normEpsilon: 1e-3),
    ModelConfiguration(
      height: 4, width: 4, channels: 1, patch: 4,
      encoder: TransformerShape(width: 8, depth: 1, heads: 1),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2), qkvBias: false),
  ]

  private func images(_ model: ModelConfiguration, batch: Int) -> Tensor {
    Tensor.randn([batch, model.channels, model.height, model.width], using: Generator(seed: 9))
  }

  @Test(arguments: shapes.indices, ClassifierHead.Pooling.allCases)
  func classifiers(shape: Int, pooling: ClassifierHead.Pooling) throws {
    let model = Self.shapes[shape]
    try withEvery("normalizesBatches", in: [false, true]) { normalizesBatches in
      let head = ClassifierHead(
        pooling: pooling, classes: 5, normalizesBatches: normalizesBatches)
      let store = ParameterStore(initializing: Generator(seed: 0))
      let classifier = ImageClassifier(model, head: head, in: store.root)
      store.randomize(seed: 3)
      withoutGradients {
        _ = store["head_norm.running_mean"]?.fillNormal(
          std: 1, using: Generator(seed: 4))
        _ = store["head_norm.running_var"]?.fillUniform(0.25..<2, using: Generator(seed: 5))
      }
      let names = ["ant", "bee", "\"c\"", "d/e", "é"]
      let weights = PublishedWeights(
        configuration: model,
        tensors: Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) }),
        classifier: ClassifierDescription(head: head, classNames: names),
        pixels: PixelStandard(
          mean: [Double](repeating: 0.5, count: model.channels),
          std: [Double](repeating: 0.25, count: model.channels)))
      // All in one file, and weights in a file of their own.
      try withEvery("limit", in: [nil, 0]) { limit in
        let path = scratch["\(limit ?? 1)-\(normalizesBatches).onnx"]
        try weights.writeONNX(to: path, inlining: limit)
        #expect(FileManager.default.fileExists(atPath: path + ".data") == (limit == 0))
        let network = try ONNXInterpreter(path)
        #expect(network.opset == 17)
        #expect(network.outputs == ["logits": ["batch", "5"]])
        #expect(
          network.inputs == [
            "pixel_values": ["batch", "\(model.channels)", "\(model.height)", "\(model.width)"]
          ])
        try withEvery("batch", in: [1, 3]) { batch in
          let images = images(model, batch: batch)
          let found = try withoutGradients { try network(["pixel_values": images]) }
          let expected = withoutGradients { classifier(images) }
          expectClose(found["logits"] ?? Tensor(), expected, absolute: 1e-5, relative: 1e-5)
        }
        let listed = try JSONDecoder().decode(
          [String].self, from: Data((network.metadata["class_names"] ?? "").utf8))
        #expect(listed == names)
        #expect(network.metadata["image_std"]?.hasPrefix("[0.25") == true)
      }
    }
  }

  @Test(arguments: shapes.indices)
  func encoders(shape: Int) throws {
    let model = Self.shapes[shape]
    let test = TestModel(model, randomizing: 6)
    var weights = PublishedWeights(
      configuration: model,
      tensors: Dictionary(uniqueKeysWithValues: test.store.weights.map { ($0.name, $0.tensor) }))
    let images = images(model, batch: 2)
    let expected = withoutGradients {
      test.model.encoder(patches(of: images, side: model.patch))
    }
    // A decoder is left out; without one the file is the same.
    for name in ["whole.onnx", "encoder.onnx"] {
      try weights.writeONNX(to: scratch[name])
      let network = try ONNXInterpreter(scratch[name])
      #expect(network.outputs.keys.sorted() == ["last_hidden_state"])
      #expect(!network.constants.keys.contains(where: PublishedFormat.isDecoder))
      let found = try withoutGradients { try network(["pixel_values": images]) }
      expectClose(
        found["last_hidden_state"] ?? Tensor(), expected, absolute: 1e-5, relative: 1e-5, name)
      weights.tensors = weights.tensors.filter { !PublishedFormat.isDecoder($0.key) }
    }
    let files = try ["whole.onnx", "encoder.onnx"].map {
      try Data(contentsOf: URL(filePath: scratch[$0]))
    }
    #expect(files[0] == files[1])
  }

  /// Short types are widened: what is computed with is float32.
  @Test func `short types are widened`() throws {
    let model = Self.shapes[1]
    let test = TestModel(model, randomizing: 6)
    let weights = PublishedWeights(
      configuration: model,
      tensors: Dictionary(
        uniqueKeysWithValues: test.store.weights.map { ($0.name, $0.tensor.to(.bfloat16)) }))
    try weights.writeONNX(to: scratch["short.onnx"])
    let network = try ONNXInterpreter(scratch["short.onnx"])
    #expect(network.constants["norm.weight"]?.dtype == .float32)
  }

  @Test func `weights that do not fit are refused`() throws {
    var weights = PublishedWeights(
      configuration: PublishedGoldens.tiny, tensors: try PublishedGoldens.native())
    weights.tensors["norm.bias"] = nil
    let error = publishedError { () throws(PublishedWeightsError) in
      try weights.writeONNX(to: scratch["x.onnx"])
    }
    #expect(error?.description.hasSuffix("1 weight is missing (norm.bias)") == true)
    #expect(!FileManager.default.fileExists(atPath: scratch["x.onnx"]))
  }
}
