import DenseHeads
import FileSystem
import Foundation
import MaskedAutoencoders
import Torch

/// What a step of training is expected to need, computed from the shapes: weights with their gradients
/// and moments, and what the backward pass keeps. A lower bound, not a
/// measurement: the libraries' work space is not in it.
struct StepMemory {
  /// Weights, gradients and two moments.
  let weights: Int
  /// What is kept of one picture.
  let picture: Int
  /// Work space that does not grow with the pictures.
  let held: Int
  /// Pictures of a pass on this machine.
  let batch: Int
  /// Passes of a step.
  let accumulation: Int
  /// Whether blocks are computed twice.
  let recomputes: Bool

  /// Describes a step of AdamW.
  init(
    parameters: Int, picture: Int, held: Int = 0, batch: Int, accumulation: Int, recomputes: Bool
  ) {
    weights = 16 * parameters
    self.picture = picture
    self.held = held
    self.batch = batch
    self.accumulation = accumulation
    self.recomputes = recomputes
  }

  /// All of it for a pass.
  var total: Int { weights + held + batch * picture }

  /// Bytes of an encoder's results that the backward pass keeps of one picture.
  static func encoder(
    _ model: ModelConfiguration, _ shape: BackboneShape, patches: Int, recomputes: Bool
  ) -> Int {
    let tokens = patches + (shape.hasClassToken ? 1 : 0)
    let (width, depth) = (model.encoder.width, model.encoder.depth)
    // Of a block: norms and their inputs, q, k, v, the product, both branches; the hidden layer twice.
    let hidden = Int(Double(width) * model.encoder.mlpRatio)
    let block = 4 * tokens * (9 * width + 2 * hidden)
    // A bias that learns keeps the rows of attention.
    let hasTables = [.shared, .tables].contains(shape.relativePositions)
    func logits(windowed: Bool) -> Int {
      guard hasTables else { return 0 }
      let reach = windowed ? min(tokens, (shape.window ?? 0) * (shape.window ?? 0)) : tokens
      return 4 * model.encoder.heads * tokens * reach
    }
    if recomputes { return 4 * tokens * width * depth + block + logits(windowed: false) }
    return (0..<depth).reduce(0) { $0 + block + logits(windowed: shape.isWindowed(block: $1)) }
  }

  /// What there is to say, and what to set where it does not fit.
  func sentence(on device: Device) -> String {
    sentence(
      available: device.kind == .cpu ? Int(ProcessInfo.processInfo.physicalMemory) : nil)
  }

  /// - Parameter available: Bytes that there are; nil where nobody knows.
  func sentence(available: Int?) -> String {
    let text =
      "about \(Formatted.bytes(total)) a step: weights with gradients and moments "
      + "\(Formatted.bytes(weights)), \(Formatted.bytes(picture)) for each of \(batch) pictures"
    guard let available, total > available else { return text }
    let room = available * 9 / 10 - weights - held
    var advice: [String] = []
    if !recomputes { advice.append("--set memory.recompute=true") }
    if room >= picture {
      // As many pictures a step as before, where that can be.
      let fits = min(batch, room / max(1, picture))
      let size = stride(from: fits, through: 1, by: -1).first { batch % $0 == 0 } ?? 1
      if size < batch {
        advice.append(
          "--set batch.size=\(size) --set batch.accumulation=\(accumulation * batch / size)")
      }
    } else {
      if batch > 1 {
        advice.append("--set batch.size=1 --set batch.accumulation=\(accumulation * batch)")
      }
      advice.append("a smaller size or encoder, for one picture alone does not fit")
    }
    return text + "; this machine has \(Formatted.bytes(available)): "
      + advice.joined(separator: ", or ")
  }
}
