public import DenseHeads
import FileSystem
import Foundation
import Runs
import TensorFiles
import Torch
import TorchNN
import WeightExchange

extension LoadedSegmenter {
  /// Writes the weights in others' names, without the file that would tell their programs of the
  /// model: MMSegmentation's, BEiT's code's or Hugging Face's.
  ///
  /// - Throws: `FileError` where the file cannot be written.
  public func write(to path: String, as format: SegmenterFormat) throws {
    let weights = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    try SafetensorsFile.write(format.foreign(weights), metadata: metadata, to: path)
  }

  /// Writes an ONNX file (opset 17): `pixel_values` `[batch, C, H, W]`, normalised, of the model's
  /// size → `logits` `[batch, K, H, W]`.
  ///
  /// Pictures of other sizes are cut into windows by who runs it, as ``/DenseHeads/SlidingWindow``
  /// does. The metadata has `image_mean`, `image_std` and `class_names` as JSON.
  ///
  /// - Throws: `FileError` where the file cannot be written.
  public func writeONNX(to path: String) throws {
    guard let own = description.segmenter else { return }
    let weights = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    try writeSegmenterONNX(
      description.model, own.shape, weights,
      metadata: metadata.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key },
      to: path)
  }

  private var metadata: [String: String] {
    func text(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return [
      "class_names": text(classNames), "image_mean": text(description.mean),
      "image_std": text(description.std),
    ]
  }
}
