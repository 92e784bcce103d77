import TorchNN
internal import Torch

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension PublishedWeights {
  /// Writes the weights as another program expects them.
  ///
  /// - `.original`: a safetensors file with the names of the paper's code.
  /// - `.timm`: a safetensors file of the encoder for `VisionTransformer(num_classes=0)`; the decoder
  ///   is left out.
  /// - `.huggingFace`: a folder with `config.json` and `model.safetensors` for
  ///   `ViTMAEForPreTraining`, or for `ViTMAEModel` where there is no decoder.
  ///
  /// The files of the first two carry the configuration in their headers, which other programs do not
  /// mind and ``read(_:hints:ignoring:)`` uses.
  ///
  /// - Throws: ``PublishedWeightsError`` when the weights are not those of the configuration, the
  ///   format cannot hold the model, or a file cannot be written.
  public func write(
    to path: String, as format: PublishedFormat
  ) throws(PublishedWeightsError) {
    let expected = configuration.weightShapes(decoder: hasDecoder)
    if let mismatch = WeightMismatch(found: tensors.mapValues(\.shape), expected: expected) {
      throw .mismatch(path: path, mismatch)
    }
    let renamed = format.fromNative(tensors)
    do {
      switch format {
      case .original, .timm:
        try SafetensorsFile.write(renamed, metadata: selfDescription, to: path)
      case .huggingFace: try writeFolder(renamed, to: path)
      }
    } catch let error as FileError {
      throw .file(error)
    } catch let error as PublishedWeightsError {
      throw error
    } catch {
      throw .model(path: path, message: "\(error)")
    }
  }

  /// What the weights do not say of their model.
  private var selfDescription: [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var texts = ["format": "pt"]
    texts[Self.configurationKey] = (try? encoder.encode(configuration)).map {
      String(decoding: $0, as: UTF8.self)
    }
    texts[Self.maskRatioKey] = maskRatio.map { "\($0)" }
    texts[PixelStandard.key] = pixels?.text
    return texts
  }

  private func writeFolder(_ renamed: [String: Tensor], to path: String) throws {
    let grid = configuration.grid
    let side = Int(Double(grid.count).squareRoot().rounded())
    guard side * side == grid.count else {
      throw PublishedWeightsError.model(
        path: path,
        message: "transformers builds a ViTMAE only where the number of patches is a square; this "
          + "model has \(grid.rows) × \(grid.columns). Write it in the original's or timm's format")
    }
    try makeFolder(path)
    let file = HuggingFaceConfiguration(model: configuration, maskRatio: maskRatio ?? 0.75)
    let config = file.json(
      architecture: hasDecoder ? "ViTMAEForPreTraining" : "ViTMAEModel",
      dtype: "\(tensors["norm.weight"]?.dtype ?? .float32)")
    try SafetensorsFile.write(renamed, metadata: ["format": "pt"], to: path + "/model.safetensors")
    if let pixels {
      let text = pixels.preprocessor(height: configuration.height, width: configuration.width)
      try replaceFile(at: path + "/" + PixelStandard.fileName) { (file) throws(FileError) in
        try file.write(text)
      }
    }
    try replaceFile(at: path + "/config.json") { (file) throws(FileError) in
      try file.write(config)
    }
  }
}
