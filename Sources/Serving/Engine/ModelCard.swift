import Figures
package import Inference
import MaskedAutoencoders
package import Runs

/// What people and programs are told of a model that is served.
package struct ModelCard: Sendable {
  /// Its name in requests.
  package let name: String
  /// Its number in the engine.
  package let number: Int
  /// Shapes, and how pixels are prepared.
  package let description: ModelDescription
  /// Whether it fills in hidden patches as pixels.
  package let reconstructs: Bool
  /// Whether there are embeddings to look for neighbours in, and of which kind.
  package let neighbours: Embedding?
  /// Images in that index.
  package let indexed: Int

  /// What has to be said beside its reconstructions.
  package var notices: [String] {
    [PictureSheet.inventedNotice]
      + (description.model.target.usesOriginalStatistics
        ? [PictureSheet.normalizedTargetNotice] : [])
  }

  /// What the model's record in `/v1/models` says.
  package var record: ModelRecord {
    let model = description.model
    return ModelRecord(
      name: name, kind: description.kind.rawValue, height: model.height, width: model.width,
      channels: model.channels, patch: model.patch, rows: model.grid.rows,
      columns: model.grid.columns, encoder: model.encoder.words,
      decoder: reconstructs ? model.decoder?.words : nil, heads: model.encoder.heads,
      embeddingWidth: model.encoder.width, reconstructs: reconstructs,
      strategy: description.masking.name, ratio: description.masking.ratio,
      strategies: reconstructs ? MaskingStrategies.names : [],
      classes: description.classifier?.classNames.count ?? 0, indexedImages: indexed,
      readsRasters: description.usedRaster != nil, notices: reconstructs ? notices : [])
  }
}

/// A model in `/v1/models`.
package struct ModelRecord: Codable, Hashable, Sendable {
  package let name: String
  package let kind: String
  package let height: Int
  package let width: Int
  package let channels: Int
  package let patch: Int
  package let rows: Int
  package let columns: Int
  package let encoder: String
  package let decoder: String?
  package let heads: Int
  package let embeddingWidth: Int
  package let reconstructs: Bool
  package let strategy: String
  package let ratio: Double
  package let strategies: [String]
  package let classes: Int
  package let indexedImages: Int
  package let readsRasters: Bool
  package let notices: [String]
}
