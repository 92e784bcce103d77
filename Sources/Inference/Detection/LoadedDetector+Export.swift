import DenseHeads
import FileSystem
import Foundation
import Runs
import TensorFiles
import Torch
import TorchNN
import WeightExchange

extension LoadedDetector {
  /// Writes the weights in ViTDet's names (detectron2's) to a safetensors file.
  ///
  /// - Throws: ``RunFailure`` for a detector of another form, `FileError` where the file cannot be
  ///   written.
  public func writeViTDet(to path: String) throws {
    guard description.detector?.shape.pyramid == .simple else {
      throw RunFailure(
        .badData,
        "\(source): the detector has Table 4's form, for which there are no names of others")
    }
    let weights = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    try SafetensorsFile.write(
      DetectorFormat.vitDet.foreign(weights), metadata: [:], to: path)
  }

  /// Writes an ONNX file (opset 17) of the encoder and the pyramid: `pixel_values` `[batch, C, S, S]`,
  /// normalised, of the detector's side → the maps `p2` … `p6`, `[batch, channels, …]`.
  ///
  /// What finds boxes and masks on them is not in it. The metadata has `image_mean`, `image_std` and
  /// `class_names` as JSON.
  ///
  /// - Throws: `FileError` where the file cannot be written.
  public func writeONNX(to path: String) throws {
    guard let own = description.detector else { return }
    func text(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    let weights = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    try writePyramidONNX(
      description.model, own.shape, weights, side: own.side,
      metadata: [
        ("class_names", text(classNames)), ("image_mean", text(description.mean)),
        ("image_std", text(description.std)),
      ], to: path)
  }
}
