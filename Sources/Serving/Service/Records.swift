import Foundation
package import Inference

// What the routes answer with, as JSON. `Page/openapi.json` describes the same.

/// The models that are served.
package struct ModelsRecord: Codable, Hashable, Sendable {
  package let models: [ModelRecord]
}

/// Why a request is not answered.
package struct ErrorRecord: Codable, Hashable, Sendable {
  package let error: String
}

/// One image, filled in.
package struct ReconstructionRecord: Codable, Hashable, Sendable {
  package let model: String
  /// Patches from top to bottom and from left to right.
  package let rows: Int
  package let columns: Int
  /// Numbers of the hidden patches, row by row.
  package let hidden: [Int]
  /// Of the hidden patches' values: pixels of 0…1, or of rasters normalised.
  package let meanSquaredError: Double
  /// What has to be said beside the pictures.
  package let notices: [String]
  /// PNG files as base64, by what they show.
  package let pictures: [String: String]
}

/// What of a reconstruction is drawn.
package enum ReconstructionPicture: String, CaseIterable, Sendable {
  case original, visible, reconstruction, combined
}

/// An embedding.
package struct EmbeddingRecord: Codable, Hashable, Sendable {
  package let model: String
  package let tokens: String
  package let shape: [Int]
  package let embedding: [Float]
}

/// The most probable classes.
package struct ClassesRecord: Codable, Hashable, Sendable {
  package let model: String
  package let classes: [Prediction]
}

/// The most similar images of an index.
package struct NeighboursRecord: Codable, Hashable, Sendable {
  package struct Neighbour: Codable, Hashable, Sendable {
    /// The image's row in the index.
    package let row: Int
    /// The last part of its name.
    package let name: String
    /// The cosine of the angle between the embeddings.
    package let similarity: Double
    /// A small PNG file as base64, where it was asked for and the image is still there.
    package let picture: String?
  }
  package let model: String
  package let neighbours: [Neighbour]
}

/// How much a token attends to each patch.
package struct AttentionRecord: Codable, Hashable, Sendable {
  package let model: String
  package let rows: Int
  package let columns: Int
  /// Whose attention; nothing for the class token's.
  package let patch: Int?
  /// The mean of the heads, row by row.
  package let mean: [Float]
  /// Each head, row by row.
  package let heads: [[Float]]
}

/// Images to begin with.
package struct SamplesRecord: Codable, Hashable, Sendable {
  /// Their names; their numbers are their places.
  package let samples: [String]
}
