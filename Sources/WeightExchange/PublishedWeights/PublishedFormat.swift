import MaskedAutoencoders
public import Torch
public import TorchNN

/// The ways in which published checkpoints of masked autoencoders, and of classifiers made of them,
/// name their weights.
public enum PublishedFormat: String, CaseIterable, Codable, Hashable, Sendable {
  /// The names of the paper's code, encoder and decoder: `blocks.0.attn.qkv.weight`,
  /// `decoder_pred.bias`. They are this library's own.
  case original
  /// Hugging Face's `ViTMAEForPreTraining`, `ViTMAEModel` without a decoder, or
  /// `ViTForImageClassification`: `vit.encoder.layer.0.attention.attention.query.weight`.
  case huggingFace = "hugging-face"
  /// timm's `VisionTransformer`, an encoder or a classifier: the names of the original.
  case timm

  /// The format that names point to; nil when they are of no model of these kinds.
  public static func detected(in names: some Sequence<String>) -> PublishedFormat? {
    var (own, decoder) = (false, false)
    for name in names {
      // Many other models have a classifier: its name alone says nothing.
      if !name.hasPrefix("classifier."), HuggingFaceNames.part(of: name) != nil {
        return .huggingFace
      }
      if name.hasPrefix("blocks.") || name == "patch_embed.proj.weight" { own = true }
      if name.hasPrefix("decoder_") { decoder = true }
    }
    return own ? decoder ? .original : .timm : nil
  }

  /// Weights under this library's names.
  ///
  /// Queries, keys and values that are apart are joined: three `[D, D]` → `[3·D, D]`. A name that
  /// the format does not know stays as it is, to be refused with the others that a model does not
  /// have.
  ///
  /// - Throws: ``/TorchNN/WeightMismatch`` when of queries, keys and values some are missing or
  ///   differ in shape.
  public func toNative(_ tensors: [String: Tensor]) throws(WeightMismatch) -> [String: Tensor] {
    switch self {
    case .original, .timm:
      Dictionary(
        tensors.sorted { $0.key < $1.key }.map { (MAEReleaseNames.native($0.key), $0.value) },
        uniquingKeysWith: { first, _ in first })
    case .huggingFace: try HuggingFaceNames.joined(tensors)
    }
  }

  /// Whether a file of the format may have a weight that no model here has a use for: a count of
  /// batches, or the layer that Hugging Face's `ViTModel` puts behind the class token.
  static func isUnused(_ name: String) -> Bool {
    ["head.0.num_batches_tracked", "vit.pooler.dense.", "pooler.dense."]
      .contains { name.hasPrefix($0) }
  }

  /// Weights under the format's names; those that the format has no place for are left out.
  ///
  /// Queries, keys and values are views of the joined tensor: nothing is copied.
  public func fromNative(_ tensors: [String: Tensor]) -> [String: Tensor] {
    switch self {
    case .original: tensors
    case .timm: tensors.filter { !Self.isDecoder($0.key) }
    case .huggingFace: HuggingFaceNames.split(tensors)
    }
  }

  /// Whether one of this library's names belongs to the decoder.
  package static func isDecoder(_ name: String) -> Bool {
    name.hasPrefix("decoder_") || name == "mask_token"
  }

  /// The format's names and shapes for a model.
  func weightShapes(
    _ configuration: ModelConfiguration, decoder: Bool, head: ClassifierHead? = nil
  ) -> [(name: String, shape: [Int])] {
    let native =
      head.map { configuration.weightShapes(head: $0) }
      ?? configuration.weightShapes(decoder: decoder)
    guard self == .huggingFace else { return native }
    return native.flatMap { name, shape in
      let names = HuggingFaceNames.names(of: name)
      let rows = (shape.first ?? 0) / names.count
      return names.map { ($0, names.count == 1 ? shape : [rows] + shape.dropFirst()) }
    }
  }
}
