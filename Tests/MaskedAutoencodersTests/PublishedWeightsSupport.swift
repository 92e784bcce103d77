import Foundation
import MaskedAutoencoders
import TensorFiles
import Testing
import Torch
import WeightExchange

/// What `scripts/goldens/published_weights.py` made.
enum PublishedGoldens {
  static let folder =
    #filePath.components(separatedBy: "/").dropLast(3).joined(separator: "/")
    + "/Goldens/published-weights"

  /// The model of `hugging-face/` and `original.safetensors`.
  static let tiny = ModelConfiguration(
    height: 8, width: 8, channels: 2, patch: 4,
    encoder: TransformerShape(width: 12, depth: 2, heads: 3, mlpRatio: 20.0 / 12),
    decoder: TransformerShape(width: 8, depth: 1, heads: 2, mlpRatio: 28.0 / 8),
    target: .normalizedPixels, normEpsilon: 1e-12)

  /// Names and shapes of a published model.
  static func stateDict(_ key: String) throws -> [String: [Int]] {
    let data = try Data(contentsOf: URL(filePath: folder + "/state-dicts.json"))
    let lists = try JSONDecoder().decode([String: [String: [Int]]].self, from: data)
    return try #require(lists[key])
  }

  /// The tiny model's weights under this library's names.
  static func native() throws -> [String: Tensor] {
    try SafetensorsFile(folder + "/original.safetensors").tensors()
  }
}

/// A folder that lasts as long as a test.
final class ScratchFolder {
  let path = NSTemporaryDirectory() + "swift-mae-\(UUID().uuidString)"
  init() {
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  subscript(_ name: String) -> String { path + "/" + name }
}

/// Expects two sets of weights to agree in names, shapes, types and every bit.
func expectIdentical(
  _ found: [String: Tensor], _ expected: [String: Tensor],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(Set(found.keys) == Set(expected.keys), sourceLocation: sourceLocation)
  for (name, tensor) in found {
    guard let other = expected[name] else { continue }
    let same =
      tensor.shape == other.shape && tensor.dtype == other.dtype
      && tensor.array(of: Double.self).map(\.bitPattern)
        == other.array(of: Double.self).map(\.bitPattern)
    #expect(same, "\(name)", sourceLocation: sourceLocation)
  }
}

/// Zeros of the given names and shapes.
func zeros(_ shapes: [String: [Int]]) -> [String: Tensor] { shapes.mapValues { Tensor.zeros($0) } }

/// The error that `body` throws.
func publishedError(_ body: () throws(PublishedWeightsError) -> Void) -> PublishedWeightsError? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}
