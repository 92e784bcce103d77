import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders
@testable import WeightExchange

/// Exported files against onnxruntime, which is apart from the author of both writer and
/// interpreter.
///
/// `scripts/goldens/check_onnx.py write` exported the files of `Goldens/onnx` and ran them with
/// onnxruntime. A file that comes out otherwise has to be run again before it is committed.
@Suite struct ONNXRuntimeTests {
  static let golden = Golden("onnx")
  let scratch = ScratchFolder()

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name, source, output: String
    var testDescription: String { name }
  }

  private func weights(_ test: Case) throws -> PublishedWeights {
    let goldens = Self.golden.folder.deletingLastPathComponent()
    var weights = try PublishedWeights.read(goldens.appendingPathComponent(test.source).path)
    // What `mae weights import` takes where the source does not say.
    if weights.pixels == nil {
      weights.pixels = PixelStandard(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    }
    return weights
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `what is exported is the file that onnxruntime ran, byte for byte`(_ test: Case) throws {
    let path = scratch[test.name + ".onnx"]
    try weights(test).writeONNX(to: path)
    let found = try Data(contentsOf: URL(filePath: path))
    let wanted = try Data(
      contentsOf: Self.golden.folder.appendingPathComponent(test.name + ".onnx"))
    #expect(found == wanted, "it differs; see the suite's comment")
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `our model answers as onnxruntime does`(_ test: Case) throws {
    let arrays = try Self.golden.tensors(test.name + ".safetensors")
    let (images, wanted) = (try arrays["pixel_values"], try arrays[test.output])
    let weights = try weights(test)
    let store = ParameterStore(initializing: nil)
    let found: Tensor
    if let head = weights.classifier?.head {
      let model = ImageClassifier(weights.configuration, head: head, in: store.root)
      try store.load(weights.tensors)
      found = withoutGradients { model(images) }
    } else {
      let model = MaskedAutoencoder(weights.configuration, in: store.root)
      try store.load(weights.tensors)
      found = withoutGradients {
        model.encoder(patches(of: images, side: weights.configuration.patch))
      }
    }
    let tolerance = try Self.golden.tolerance()
    expectClose(found, wanted, within: tolerance, "the model")
    // The interpreter of the other tests reads the format as onnxruntime does.
    let network = try ONNXInterpreter(
      Self.golden.folder.appendingPathComponent(test.name + ".onnx").path)
    let interpreted = try withoutGradients { try network(["pixel_values": images]) }
    expectClose(interpreted[test.output] ?? Tensor(), wanted, within: tolerance, "the interpreter")
  }
}
