import FileSystem
import Imaging
import MaskedAutoencoders
package import Recipes
import TorchOptim

/// How fast a machine is with a set: what a plan for a time is made of.
package struct MeasuredSpeed: Hashable, Sendable {
  /// Seconds of a training step for each of its images, of the rungs that were measured, from the
  /// lowest; those above follow by their operations.
  package var secondsPerImage: [Double]
  /// Seconds in which an image is decoded and cut, all threads together, at the side of each of those
  /// rungs.
  package var decodingPerImage: [Double]
  /// Whether decoding takes time from the step: on a CPU both have the same cores.
  package var sharesCores: Bool
  /// Bytes of memory that a step may take.
  package var memory: Double

  package init(
    secondsPerImage: [Double], decodingPerImage: [Double], sharesCores: Bool, memory: Double
  ) {
    precondition(
      !secondsPerImage.isEmpty && secondsPerImage.count == decodingPerImage.count,
      "at least one rung is measured, and each in both ways")
    self.secondsPerImage = secondsPerImage
    self.decodingPerImage = decodingPerImage
    self.sharesCores = sharesCores
    self.memory = memory
  }

  /// Seconds for each image of a run on a rung.
  package func seconds(perImageOn index: Int, of rungs: [LadderRung]) -> Double {
    let known = min(index, secondsPerImage.count - 1)
    let step = secondsPerImage[known] * rungs[index].operations / rungs[known].operations
    let decoding = decodingPerImage[min(index, decodingPerImage.count - 1)]
    return sharesCores ? step + decoding : max(step, decoding)
  }
}

/// The run that is chosen for a time: which model, image size and batch, and how many steps.
package struct HoursPlan: Hashable, Sendable {
  /// Seconds that training may take.
  package let seconds: Double
  /// The set.
  package let set: SetFacts
  /// The chosen rung.
  package let rung: LadderRung
  /// Seconds of an image, decoding included.
  package let secondsPerImage: Double
  /// Images of a step.
  package let batch: Int
  /// Steps of the run.
  package let steps: Int

  /// Part of the run in which the learning rate rises.
  package static let warmupShare = 0.1
  /// Fewest steps that a run is worth.
  package static let fewestSteps = 20

  /// Chooses: the highest rung that the time shows as many images as it wants; the largest batch
  /// that leaves some thousand steps.
  package init(_ set: SetFacts, _ speed: MeasuredSpeed, seconds: Double) {
    let rungs = LadderRung.rungs(for: set)
    let views = rungs.indices.map { seconds / speed.seconds(perImageOn: $0, of: rungs) }
    let fitting = rungs.indices.last { index in
      views[index] >= rungs[index].wantedViews
        && rungs[index].bytesPerImage * Double(Self.smallestBatch) < speed.memory
    }
    let chosen = fitting ?? 0
    self.seconds = seconds
    self.set = set
    rung = rungs[chosen]
    secondsPerImage = speed.seconds(perImageOn: chosen, of: rungs)
    batch = Self.batch(views: views[chosen], images: set.images, rung, memory: speed.memory)
    steps = max(Self.fewestSteps, Int(views[chosen] / Double(batch)))
  }

  private static let smallestBatch = 16

  /// A power of two: as large as leaves 5,000 steps, 128 where that leaves 1,500, else 64; at most a
  /// quarter of the images, and what fits into memory.
  private static func batch(
    views: Double, images: Int, _ rung: LadderRung, memory: Double
  ) -> Int {
    let powers = (4...12).map { 1 << $0 }  // 16 ... 4096
    let wanted =
      powers.last { views / Double($0) >= 5000 && $0 >= 128 }
      ?? (views / 128 >= 1500 ? 128 : 64)
    let most = min(wanted, images / 4, Int(min(memory / rung.bytesPerImage, 4096)))
    return powers.last { $0 <= most } ?? smallestBatch
  }

  /// Steps of a pass over the set.
  package var stepsPerEpoch: Int { max(1, set.images / batch) }
  /// Passes over the set.
  package var epochs: Double { Double(steps) / Double(stepsPerEpoch) }

  /// The run's recipe: an ordinary one.
  package var recipe: PretrainingRecipe {
    // The paper's 2.4e-3 for a batch of 4096 is the most.
    let peak = min(rung.peakLearningRate * (Double(batch) / 128).squareRoot(), 2.4e-3)
    let warmup = Self.warmupShare * epochs
    let whole = max(1, Int(epochs.rounded(.up)))
    return PretrainingRecipe(
      name: "hours",
      note: "\(rung.name), \(rung.model.height) × \(rung.model.width), planned for "
        + Formatted.duration(seconds),
      model: rung.model,
      data: DataRecipe(
        crop: set.isSmall ? .none : .randomResized,
        normalization: set.isSmall || set.isGray ? .computed : .imageNet,
        cache: set.isSmall ? .gigabytes(0) : .auto),
      optimizer: .pretraining(baseLearningRate: (peak * 256 / Double(batch)).significant(3)),
      batch: BatchRecipe(size: batch),
      schedule: ScheduleRecipe(
        epochs: whole, steps: steps, warmupEpochs: (warmup * 1000).rounded() / 1000),
      checkpoints: CheckpointRecipe(everyEpochs: nil, everySteps: checkpointInterval),
      logging: PretrainingRecipe.Logging(
        reconstructionsEveryEpochs: max(1, Int((epochs / 10).rounded()))))
  }

  /// Steps of ten minutes, or of a quarter of the run where that is less.
  private var checkpointInterval: Int {
    let tenMinutes = 600 / (secondsPerImage * Double(batch))
    return max(1, min(Int(tenMinutes), steps / 4))
  }
}

extension Double {
  /// Rounded to so many digits that count.
  fileprivate func significant(_ digits: Int) -> Double {
    guard self > 0, isFinite else { return self }
    var (scale, value) = (1.0, self)
    while value < 1 { (scale, value) = (scale * 10, value * 10) }
    for _ in 1..<digits { scale *= 10 }
    return (self * scale).rounded() / scale
  }
}
