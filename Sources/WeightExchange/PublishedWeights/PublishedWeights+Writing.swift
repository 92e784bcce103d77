import FileSystem
import MaskedAutoencoders
import TensorFiles
internal import Torch
import TorchNN

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension PublishedWeights {
  /// Writes the weights as another program expects them.
  ///
  /// - `.original`: a safetensors file with the names of the paper's code.
  /// - `.timm`: the encoder or the classifier for timm's `VisionTransformer`; a decoder is left
  ///   out. A safetensors file where the name ends in `.safetensors`, see
  ///   ``timmCall(checkpoint:)``; else a folder with `config.json` for
  ///   `timm.create_model("local-dir:…", pretrained=True)`.
  /// - `.huggingFace`: a folder with `config.json` and `model.safetensors` for
  ///   `ViTMAEForPreTraining`, for `ViTMAEModel` where there is no decoder, or for
  ///   `ViTForImageClassification`, which reads the class token only.
  ///
  /// A head's batch normalisation becomes part of the head, see ``withFoldedBatchNorm``.
  /// Safetensors files of the first two carry the configuration in their headers, which other
  /// programs do not mind and ``read(_:hints:ignoring:)`` uses.
  ///
  /// - Throws: ``PublishedWeightsError`` when the weights are not those of the configuration, the
  ///   format cannot hold the model, or a file cannot be written.
  public func write(
    to path: String, as format: PublishedFormat
  ) throws(PublishedWeightsError) {
    let expected = expectedShapes
    if let mismatch = WeightMismatch(found: tensors.mapValues(\.shape), expected: expected) {
      throw .mismatch(path: path, mismatch)
    }
    let folded = withFoldedBatchNorm
    let renamed = format.fromNative(folded.tensors)
    do {
      switch format {
      case .timm where !path.hasSuffix(".safetensors"):
        try folded.writeTimmFolder(renamed, to: path)
      case .original, .timm:
        try SafetensorsFile.write(renamed, metadata: folded.selfDescription(as: format), to: path)
      case .huggingFace: try folded.writeFolder(renamed, to: path)
      }
    } catch let error as FileError {
      throw .file(error)
    } catch let error as PublishedWeightsError {
      throw error
    } catch {
      throw .model(path: path, message: "\(error)")
    }
  }

  /// The Python call that makes timm's model of a file in its names:
  /// `timm.create_model("vit_base_patch16_224", num_classes=10, checkpoint_path="…")`.
  public func timmCall(checkpoint path: String) -> String {
    TimmModel(configuration, head: classifier?.head).call(checkpoint: path)
  }

  /// What the weights do not say of their model.
  private func selfDescription(as format: PublishedFormat) -> [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var texts = ["format": "pt"]
    texts[Self.configurationKey] = (try? encoder.encode(configuration)).map {
      String(decoding: $0, as: UTF8.self)
    }
    texts[Self.classifierKey] = (try? classifier.map(encoder.encode)).map {
      String(decoding: $0, as: UTF8.self)
    }
    texts[Self.maskRatioKey] = masking.map { "\($0.ratio)" }
    // The ratio says all of random masking, and other readers know no more.
    if let masking, masking != .random(ratio: masking.ratio) {
      texts[Self.maskingKey] = (try? encoder.encode(masking)).map {
        String(decoding: $0, as: UTF8.self)
      }
    }
    texts[PixelStandard.key] = pixels?.text
    // The rule, and what the folder states of it, which may be less; see `preprocessing(stated:)`.
    texts.merge(preprocessingTexts(as: format), uniquingKeysWith: { $1 })
    return texts
  }

  private func writeTimmFolder(_ renamed: [String: Tensor], to path: String) throws {
    try makeFolder(path)
    try SafetensorsFile.write(
      renamed, metadata: selfDescription(as: .timm), to: path + "/model.safetensors")
    let model = TimmModel(configuration, head: classifier?.head)
    try replaceFile(at: path + "/config.json") { (file) throws(FileError) in
      try file.write(model.configuration(configuration, classifier, pixels, preprocessing))
    }
  }

  private func writeFolder(_ renamed: [String: Tensor], to path: String) throws {
    let architecture = try huggingFaceArchitecture(path)
    try makeFolder(path)
    let file = HuggingFaceConfiguration(
      model: configuration, maskRatio: masking?.ratio ?? 0.75, classNames: classifier?.classNames)
    let config = file.json(
      architecture: architecture,
      dtype: "\(tensors["patch_embed.proj.weight"]?.dtype ?? .float32)")
    var texts = preprocessingTexts(as: .huggingFace)
    texts["format"] = "pt"
    try SafetensorsFile.write(renamed, metadata: texts, to: path + "/model.safetensors")
    if let text = preprocessorFile {
      try replaceFile(at: path + "/" + PixelStandard.fileName) { (file) throws(FileError) in
        try file.write(text)
      }
    }
    try replaceFile(at: path + "/config.json") { (file) throws(FileError) in
      try file.write(config)
    }
  }

  /// The class of transformers that the weights are for; throws where it has none.
  private func huggingFaceArchitecture(
    _ path: String
  ) throws(PublishedWeightsError) -> String {
    if let head = classifier?.head {
      guard head.pooling == .classToken else {
        throw .model(
          path: path,
          message: "transformers' ViTForImageClassification reads the class token; this head reads "
            + "the mean of the patches. Write it in timm's format or as ONNX")
      }
      return "ViTForImageClassification"
    }
    guard !hasDecoder || configuration.target.target.normPixLoss != nil else {
      throw .model(
        path: path,
        message: "transformers' ViTMAE predicts pixels; this model's decoder predicts "
          + "\(configuration.target.name). Write it in the original's format, or the encoder in timm's"
      )
    }
    guard !hasDecoder || !configuration.encodesMaskTokens else {
      throw .model(
        path: path,
        message:
          "transformers' ViTMAE encodes visible patches only; this model's encoder sees mask "
          + "tokens (encodesMaskTokens). Write it in the original's format, or the encoder in timm's"
      )
    }
    let grid = configuration.grid
    let side = Int(Double(grid.count).squareRoot().rounded())
    guard side * side == grid.count else {
      throw .model(
        path: path,
        message: "transformers builds a ViTMAE only where the number of patches is a square; this "
          + "model has \(grid.rows) × \(grid.columns). Write it in the original's or timm's format")
    }
    return hasDecoder ? "ViTMAEForPreTraining" : "ViTMAEModel"
  }
}
