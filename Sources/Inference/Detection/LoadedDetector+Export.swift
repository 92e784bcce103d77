import DenseHeads
import FileSystem
import Foundation
import Runs
import TensorFiles
import Torch
import TorchNN
public import WeightExchange

extension LoadedDetector {
  /// Writes the weights in ViTDet's names (detectron2's) to a safetensors file.
  ///
  /// - Throws: ``/Runs/RunFailure`` for a detector of another form, `FileError` where the file
  ///   cannot be written.
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

  /// Writes an ONNX file (opset 17) that onnxruntime and others run.
  ///
  /// The whole detector takes one image: `pixel_values` `[1, C, S, S]`, normalised, the picture at
  /// the left and upper edge of the square of the detector's side and zeros beside it, and
  /// `image_size` `[2]`, the picture's height and width within it. (A detector whose pictures are
  /// filled up with gray takes no `image_size`.) It gives what ``/DenseHeads/MaskRCNN`` gives:
  /// `boxes` `[N, 4]`, x0, y0, x1 and y1 in pixels of the square, `scores` `[N]` from the highest
  /// on, `labels` `[N]`, from 0, int64, and `masks` `[N, 28, 28]`, the share of each cell of the
  /// box that the object covers.
  ///
  /// The backbone takes `pixel_values` `[batch, C, S, S]` and gives the maps `p2` … `p6`,
  /// `[batch, channels, …]`.
  ///
  /// The metadata has `image_mean`, `image_std`, `class_names` and `categories` (ids and names as
  /// the set's file has them) as JSON, and `padding`: `zero` or `gray`.
  ///
  /// - Throws: `FileError` where the file cannot be written.
  public func writeONNX(to path: String, of part: DetectorPart = .detector) throws {
    guard let own = description.detector else { return }
    func text(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    let weights = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    try writeDetectorONNX(
      part, description.model, own.shape, weights, side: own.side,
      fillsSquare: own.padding == .gray,
      metadata: [
        ("categories", text(own.categories)), ("class_names", text(classNames)),
        ("image_mean", text(description.mean)),
        ("image_std", text(description.std)), ("padding", own.padding.rawValue),
      ], to: path)
  }
}
