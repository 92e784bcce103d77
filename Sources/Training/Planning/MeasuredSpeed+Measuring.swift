package import Datasets
import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
import Recipes
package import Torch
import TorchNN
import TorchOptim

extension MeasuredSpeed {
  /// Takes the time of a few real steps of models in ascending order, and of decoding, until a model
  /// is too large for four times the time.
  ///
  /// - Parameters:
  ///   - path: What the set is called in messages.
  ///   - seconds: Of the run that is to be planned; a few hundredths of them are spent.
  /// - Throws: `DatasetError` where the set cannot be read.
  package static func measured(
    _ dataset: any ImageDataset, at path: String, _ facts: SetFacts, on device: Device,
    forRunOf seconds: Double
  ) throws -> MeasuredSpeed {
    let rungs = LadderRung.rungs(for: facts)
    // On a GPU's memory nothing is known here; ten gigabytes are had by most.
    let memory =
      device.kind == .cpu ? 0.4 * Double(ProcessInfo.processInfo.physicalMemory) : 10e9
    // Each of the two measurements of a rung.
    let budget = min(max(seconds / 150, 0.5), 10)
    var speed: MeasuredSpeed?
    for (index, rung) in rungs.enumerated() {
      let most = min(memory / rung.bytesPerImage, Double(facts.images))
      let batch = max(4, min(64, Int(most)))
      if let speed, 2 * speed.seconds(perImageOn: index, of: rungs) * Double(batch) > budget {
        break
      }
      let step = secondsPerImage(of: rung, batch: batch, on: device, budget)
      let decoding = try decodingPerImage(dataset, at: path, rung, batch: batch, budget)
      speed = MeasuredSpeed(
        secondsPerImage: (speed?.secondsPerImage ?? []) + [step],
        decodingPerImage: (speed?.decodingPerImage ?? []) + [decoding],
        sharesCores: device.kind == .cpu, memory: memory)
      if let found = speed,
        4 * seconds / found.seconds(perImageOn: index, of: rungs) < rung.wantedViews
      {
        break
      }
    }
    return speed
      ?? MeasuredSpeed(
        secondsPerImage: [1], decodingPerImage: [1], sharesCores: true, memory: memory)
  }

  /// Seconds of real steps on images of noise, for each image: forward, backward, AdamW.
  private static func secondsPerImage(
    of rung: LadderRung, batch: Int, on device: Device, _ budget: Double
  ) -> Double {
    let model = rung.model
    let store = ParameterStore(on: device, initializing: Generator(seed: 0))
    let network = MaskedAutoencoder(model, in: store.root)
    let optimizer = AdamW(ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05))
    let images = Tensor.randn(
      [batch, model.channels, model.height, model.width], using: Generator(seed: 1)
    ).to(device)
    var (total, counted) = (0.0, 0)
    let start = ContinuousClock.now
    // The first one allocates and does not count.
    for number in 0..<12 where number < 2 || FileSystem.seconds(since: start) < budget {
      let begun = ContinuousClock.now
      store.clearGradients()
      let mask = Masking().mask(
        model.grid, batch: batch, using: Generator(seed: 2, stream: 0, step: number))
      network.loss(images, mask: mask.to(device)).backward()
      optimizer.step(learningRate: 1e-4)
      device.synchronize()
      let seconds = FileSystem.seconds(since: begun)
      if number > 0 { (total, counted) = (total + seconds, counted + 1) }
    }
    return total / Double(max(1, counted) * batch)
  }

  /// Seconds in which the loader makes an image, all its threads together.
  private static func decodingPerImage(
    _ dataset: any ImageDataset, at path: String, _ rung: LadderRung, batch: Int, _ budget: Double
  ) throws -> Double {
    let model = rung.model
    let size = PixelSize(width: model.width, height: model.height)
    let data = DataRecipe(crop: .randomResized, normalization: .none)
    let loader = BatchLoader(
      dataset, path: path,
      transform: ImageTransform(
        data.augmentation(for: size), size: size,
        normalization: data.pixelNormalization(channels: model.channels)),
      batch: batch, sampling: data.sampling(BatchRecipe(size: batch)), seed: 0,
      workers: data.threads, prefetch: 1, brokenFraction: 1)
    defer { loader.stop() }
    // What is made ahead of the first one is not counted twice.
    _ = try loader.next()
    let start = ContinuousClock.now
    var batches = 0
    while batches < 2 || (FileSystem.seconds(since: start) < budget && batches < 200) {
      _ = try loader.next()
      batches += 1
    }
    return FileSystem.seconds(since: start) / Double(batches * batch)
  }
}
