import DenseHeads
import FileSystem
import Foundation
import MaskedAutoencoders

/// What a step of training a detector is expected to need, computed from the shapes: weights with their
/// gradients and moments, and what the backward pass keeps. An estimate, not a measurement.
struct DetectionMemory {
  /// Weights, gradients and two moments.
  let weights: Int
  /// What is kept of one image.
  let image: Int
  private let batch: Int
  private let recomputes: Bool

  init(
    _ model: ModelConfiguration, _ shape: DetectorShape, side: Int, batch: Int, recomputes: Bool,
    parameters: Int
  ) {
    weights = 16 * parameters
    let tokens = (side / model.patch) * (side / model.patch)
    let (width, depth) = (model.encoder.width, model.encoder.depth)
    // Of a block: norms and their inputs, q, k, v, the product, both branches; the hidden layer twice.
    let hidden = Int(Double(width) * model.encoder.mlpRatio)
    let block = 4 * tokens * (9 * width + 2 * hidden)
    let logits =
      shape.backbone.relativePositions == .shared
      ? 4 * model.encoder.heads * tokens * tokens : 0
    let kept =
      recomputes
      ? 4 * tokens * width * depth + block + logits
      : depth * block + (shape.backbone.globalBlocks.count) * logits
    // Of the pyramid: the finest map of 4 × 4 cells a patch, and a third more for the others; inputs and
    // results of two convolutions with norms, and of the proposal network.
    let finest = 4 * 16 * tokens * shape.channels
    let widened = 4 * tokens * (4 * width / 2 * 3 + 16 * width / 4 * 2)
    let pyramid = finest * 4 / 3 * (6 + 2 * shape.proposalConvolutions) + widened
    let cells = BoxHead.bins * BoxHead.bins
    let boxes = 4 * shape.rules.regions * shape.channels * cells * (3 * shape.convolutions + 1)
    let masks =
      shape.hasMasks
      ? 4 * (shape.rules.regions / 4) * shape.channels * 196 * (3 * shape.convolutions + 9) : 0
    image = kept + pyramid + boxes + masks
    self.batch = batch
    self.recomputes = recomputes
  }

  /// All of it for a batch.
  var total: Int { weights + batch * image + RegionAlignMemory.held }

  private enum RegionAlignMemory { static let held = 256 << 20 }

  /// What there is to say, and what to set where it does not fit.
  var sentence: String {
    var text =
      "about \(Formatted.bytes(total)) a step: weights with gradients and moments "
      + "\(Formatted.bytes(weights)), \(Formatted.bytes(image)) for each of \(batch) pictures"
    let available = Int(ProcessInfo.processInfo.physicalMemory)
    if total > available {
      let fits = max(1, (available * 9 / 10 - weights) / max(1, image))
      text +=
        "; this machine has \(Formatted.bytes(available)): "
        + (recomputes ? "" : "--set memory.recompute=true, or ")
        + "--set batch.size=\(min(batch, fits)) --set batch.accumulation="
        + "\(max(1, batch / min(batch, fits)))"
    }
    return text
  }
}
