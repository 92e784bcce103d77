@testable import Serving
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Runs
import TestSupport
import Torch
import TorchNN

/// Tiny untrained models in a folder, and the service of them.
struct ServedModels {
  let folder = TemporaryFolder()

  /// A model of 16² pixels in 4 × 4 patches: a classifier where there are classes.
  @discardableResult
  func make(_ name: String = "model", classes: [String]? = nil, channels: Int = 3) throws -> String
  {
    let configuration = ModelConfiguration(
      height: 16, width: 16, channels: channels, patch: 4,
      encoder: TransformerShape(width: 16, depth: 2, heads: 2),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2))
    let store = ParameterStore(initializing: Generator(seed: 3))
    let mean = [Double](repeating: 0.5, count: channels)
    let std = [Double](repeating: 0.25, count: channels)
    var description = ModelDescription(model: configuration, mean: mean, std: std)
    if let classes {
      let head = ClassifierHead(classes: classes.count)
      _ = ImageClassifier(configuration, head: head, std: 0.5, in: store.root)
      description = ModelDescription(
        model: configuration, classifier: .init(head: head, classNames: classes), mean: mean,
        std: std)
    } else {
      _ = MaskedAutoencoder(configuration, in: store.root)
    }
    try Checkpoint(path: folder[name]).write(description, weights: store.weights)
    return folder[name]
  }

  /// A service of a reconstructing model `model` and a classifier `flowers`.
  func service(
    index: String? = nil, samples: SampleImages? = nil, limits: ServingLimits = ServingLimits()
  ) async throws -> ModelService {
    let paths = [try make(), try make("flowers", classes: ["rose", "lily", "iris"])]
    return try await ModelService(index: index, samples: samples, limits: limits) {
      [("model", try LoadedModel(paths[0])), ("flowers", try LoadedModel(paths[1]))]
    }
  }

  /// A picture as a PNG file.
  static func file(_ number: Int = 0, side: Int = 16) throws -> [UInt8] {
    try picture(number, side: side).encodedAsPNG()
  }

  static func picture(_ number: Int = 0, side: Int = 16) -> ByteImage {
    ByteImage(
      width: side, height: side, channels: 3,
      pixels: (0..<side * side * 3).map { at in
        let (x, y) = (at / 3 % side, at / 3 / side)
        return UInt8(truncatingIfNeeded: x * (3 + number % 7) + y * (5 + number % 11) + number * 37)
      })
  }

  /// A request with a picture and parameters.
  static func request(
    _ number: Int = 0, side: Int = 16, _ values: [String: RequestParameters.Value] = [:]
  ) throws -> ImageRequest {
    try ImageRequest(
      contentType: "image/png", query: RequestParameters(values), body: file(number, side: side),
      limits: ServingLimits())
  }
}

/// The error of a request; nil where it has none.
func refusal(_ body: () async throws -> Void) async -> ServingError? {
  do {
    try await body()
    return nil
  } catch {
    return ServingError(of: error) ?? ServingError(0, "\(error)")
  }
}
