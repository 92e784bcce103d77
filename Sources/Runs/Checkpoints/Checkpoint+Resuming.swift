import MaskedAutoencoders
import Torch
package import TorchNN
package import TorchOptim

extension Checkpoint {
  /// Puts weights and moments where they were, and gives the number of steps taken.
  ///
  /// - Parameters:
  ///   - average: The average of weights, where one is kept; the checkpoint's weights are then it,
  ///     and those that are trained lie beside the moments.
  ///   - images: Images in the set now.
  ///   - layout: The fingerprint of their layout.
  /// - Throws: ``RunFailure`` where the checkpoint is of another run than the arguments.
  package func restore(
    _ store: ParameterStore, _ optimizer: any Optimizer, average: ModelEMA? = nil,
    as description: ModelDescription, images: Int, layout: UInt32?, seed: UInt64
  ) throws -> Int {
    let progress = try progress()
    guard progress.images == images else {
      throw RunFailure(
        .badData,
        "the run was trained on \(progress.images) images and there are \(images) now; a resumed "
          + "run needs the same set. Start another run with --out, or restore the set")
    }
    guard progress.layout == layout else {
      throw RunFailure(
        .badData,
        "the run was trained on images in other parts than there are now: the shards or the weights of "
          + "a mixture have changed; a resumed run needs the same. Start another run with --out")
    }
    let found = try self.description()
    guard progress.seed == seed, found.model == description.model,
      found.classifier == description.classifier, found.tokenizer == description.tokenizer
    else {
      throw RunFailure(
        .recipe,
        "\(path) is of another model or seed than the recipe; a resumed run keeps both")
    }
    do {
      let weights = try weights()
      var state = try optimizerState()
      if let average {
        let trained = state.filter { $0.key.hasPrefix(Self.trainedPrefix) }
        state = state.filter { !$0.key.hasPrefix(Self.trainedPrefix) }
        try average.restore(weights)
        try store.load(
          Dictionary(
            uniqueKeysWithValues: trained.map {
              (String($0.key.dropFirst(Self.trainedPrefix.count)), $0.value)
            }))
      } else {
        try store.load(weights)
      }
      try optimizer.restore(state, steps: progress.step)
    } catch {
      throw RunFailure(.badData, "\(path): \(error)")
    }
    return progress.step
  }

  /// What weights that are trained are called where the checkpoint's own are their average.
  package static let trainedPrefix = "trained."
}
