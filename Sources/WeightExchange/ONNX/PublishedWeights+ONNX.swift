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
  /// Writes the encoder, or the classifier, as an ONNX file (opset 17) that onnxruntime and others
  /// run.
  ///
  /// Input is `pixel_values` `[batch, C, H, W]`, normalised; output is `logits` `[batch, K]` of a
  /// classifier and `last_hidden_state` `[batch, 1 + N, D]` of an encoder. A decoder is left out.
  /// The file's metadata has `image_mean`, `image_std` and `class_names` as JSON. Everything is
  /// computed in float32, GELU exactly.
  ///
  /// - Parameter limit: Bytes of weights from which they go into a file of their own beside it, see
  ///   ``/TensorFiles/ONNXGraph/write(to:inlining:)``.
  /// - Throws: ``PublishedWeightsError`` when the weights are not those of the configuration, or
  ///   the file cannot be written.
  public func writeONNX(
    to path: String, inlining limit: Int? = nil
  ) throws(PublishedWeightsError) {
    if let mismatch = WeightMismatch(found: tensors.mapValues(\.shape), expected: expectedShapes) {
      throw .mismatch(path: path, mismatch)
    }
    var transformer = TransformerGraph(withFoldedBatchNorm)
    var graph = transformer.build()
    graph.metadata = onnxMetadata
    do {
      try graph.write(to: path, inlining: limit ?? ONNXGraph.inlineLimit)
    } catch {
      throw .file(error)
    }
  }

  /// How images are prepared and what the scores are of.
  private var onnxMetadata: [(key: String, value: String)] {
    func text(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      // Finite numbers and texts: there is nothing that could not be encoded.
      return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    var entries: [(key: String, value: String)] = []
    if let pixels {
      entries.append(("image_mean", text(pixels.mean)))
      entries.append(("image_std", text(pixels.std)))
    }
    if let classifier { entries.append(("class_names", text(classifier.classNames))) }
    return entries
  }
}
