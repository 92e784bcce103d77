package import Foundation
import TensorFiles
package import Torch

/// A suite of `Goldens/`: what published packages computed, and how closely we must agree.
package struct Golden: Sendable {
  /// The suite's folder.
  package let folder: URL

  /// Names a suite, such as `layers`.
  package init(_ suite: String, file: String = #filePath) {
    // Tests/TestSupport/Golden.swift → the root of the repository
    let root = (0..<3).reduce(URL(fileURLWithPath: file)) { url, _ in
      url.deletingLastPathComponent()
    }
    folder = root.appendingPathComponent("Goldens/\(suite)")
  }

  /// How far a value may lie from a golden: `absolute + relative · |golden|`, for each element, and
  /// `ofLargest · max|golden|` of its array on top, see
  /// ``expectClose(_:_:absolute:relative:ofLargest:_:sourceLocation:)``.
  package struct Tolerance: Decodable, Hashable, Sendable {
    package var absolute: Double
    package var relative: Double
    package var ofLargest: Double

    package init(absolute: Double = 0, relative: Double = 0, ofLargest: Double = 0) {
      self.absolute = absolute
      self.relative = relative
      self.ofLargest = ofLargest
    }

    /// A manifest's `{"absolute", "relative", "ofLargest"}`; what is left out is 0.
    package init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      func number(_ key: CodingKeys) throws -> Double {
        try container.decodeIfPresent(Double.self, forKey: key) ?? 0
      }
      absolute = try number(.absolute)
      relative = try number(.relative)
      ofLargest = try number(.ofLargest)
    }

    private enum CodingKeys: String, CodingKey { case absolute, relative, ofLargest }
  }

  /// The whole manifest.
  package func manifest<Content: Decodable>(as type: Content.Type = Content.self) throws -> Content
  {
    let data = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
    return try JSONDecoder().decode(type, from: data)
  }

  /// The suite's cases, each with the fields that the test asks for.
  package func cases<Case: Decodable>(of type: Case.Type = Case.self) throws -> [Case] {
    try manifest(as: Cases<Case>.self).cases
  }

  /// The suite's tolerance.
  package func tolerance() throws -> Tolerance {
    try manifest(as: Tolerances.self).tolerance
  }

  /// All tensors of one of the suite's files.
  package func tensors(_ path: String) throws -> GoldenTensors {
    let file = try SafetensorsFile(folder.appendingPathComponent(path).path)
    return GoldenTensors(path: path, all: try file.tensors())
  }
}

private struct Cases<Case: Decodable>: Decodable { let cases: [Case] }
private struct Tolerances: Decodable { let tolerance: Golden.Tolerance }

/// The tensors of a golden file; asking for one that is not there throws.
package struct GoldenTensors {
  /// The file in its suite.
  package let path: String
  /// The tensors by name.
  package let all: [String: Tensor]

  package subscript(_ name: String) -> Tensor {
    get throws {
      guard let tensor = all[name] else { throw MissingGolden(path: path, name: name) }
      return tensor
    }
  }

  /// The tensors whose name starts with `prefix`, under the rest of their name.
  package func starting(with prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in all where name.hasPrefix(prefix) {
      found[String(name.dropFirst(prefix.count))] = tensor
    }
    return found
  }
}

/// A golden that a test looks for and that is not in the file.
package struct MissingGolden: Error, CustomStringConvertible {
  let path: String
  let name: String
  package var description: String { "\(path) has no tensor '\(name)'" }
}
