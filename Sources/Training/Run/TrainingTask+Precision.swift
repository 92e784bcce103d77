import FileSystem
package import Inference
import Recipes
import Runs
import Torch
import TorchNN

extension TrainingTask {
  /// Puts the faster type of products for this training on this machine in the place of
  /// `precision: auto`, by forward and backward passes over blank images.
  ///
  /// - Parameter kind: What is trained, such as `pre-training`.
  /// - Returns: What was measured and chosen; nil where the recipe names a type.
  @discardableResult
  package func choosePrecision(
    for kind: String, remembering cache: PrecisionCache? = .standard
  ) -> PrecisionChoice? {
    guard recipe.precision == .auto else { return nil }
    let work = PrecisionChoice.work(
      "\(kind), \(recipe.batch.size) images, \(description.model)", recipe,
      without: [
        "name", "note", "seed", "data", "labels", "optimizer", "schedule", "rate", "checkpoints",
        "logging",
      ])
    let choice = PrecisionChoice(for: work, on: store.device, remembering: cache) {
      let images = imagesWorthTiming()
      return .measured(images: images) { secondsOfPass(images: images, in: $0) }
    }
    recipe.precision = choice.precision
    return choice
  }

  /// Seconds of one forward and backward pass over blank images. Nothing is changed by it.
  func secondsOfPass(images count: Int, in precision: Precision) -> Double {
    let (start, device) = (ContinuousClock.now, store.device)
    withAutocast(to: precision.type, on: device) { loss(ofBlankImages: count) }.backward()
    device.synchronize()
    let time = seconds(since: start)
    store.clearGradients()
    return time
  }

  /// A batch, or as many of its images as a second is enough for; at least eight.
  private func imagesWorthTiming() -> Int {
    let whole = recipe.batch.size
    let few = min(whole, 8)
    _ = secondsOfPass(images: few, in: .float32)  // warms up
    let each = secondsOfPass(images: few, in: .float32) / Double(few)
    return max(few, min(whole, Int(1 / max(each, 1e-9))))
  }
}
