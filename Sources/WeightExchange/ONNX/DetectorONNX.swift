package import DenseHeads
package import FileSystem
package import MaskedAutoencoders
import TensorFiles
package import Torch

/// What of a detector an ONNX file holds.
public enum DetectorPart: String, Hashable, Sendable, CaseIterable {
  /// The whole detector, one image at a time: boxes, scores, labels and masks.
  case detector
  /// Encoder and pyramid, of any number of images: the maps `p2` to `p6`.
  case backbone
}

/// Writes a detector, or its encoder and pyramid, as an ONNX file (opset 17).
///
/// - Parameters:
///   - side: The side `S` of the squares.
///   - fillsSquare: Whether pictures fill the square. Otherwise a whole detector has a second input
///     `image_size`, the height and width of the picture within it.
///   - metadata: Free text by key.
///   - limit: Bytes of weights from which they go into a file of their own beside it.
/// - Throws: `FileError` where the file cannot be written.
package func writeDetectorONNX(
  _ part: DetectorPart, _ model: ModelConfiguration, _ shape: DetectorShape,
  _ tensors: [String: Tensor], side: Int, fillsSquare: Bool = false,
  metadata: [(key: String, value: String)], to path: String, inlining limit: Int? = nil
) throws(FileError) {
  var detector = DetectorGraph(
    model, shape, tensors, side: side, named: part == .detector ? "detector" : "pyramid")
  var graph =
    part == .detector
    ? detector.buildDetector(isWhole: fillsSquare) : detector.buildPyramid()
  graph.metadata = metadata
  try graph.write(to: path, inlining: limit ?? ONNXGraph.inlineLimit)
}
