import DataParallel
import Datasets
import DenseHeads
import Foundation
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import TorchNN

extension BatchInference {
  /// Puts the faster type of products for this model on this machine into ``precision``, by passes
  /// over blank images: on a CPU by all workers at once, each over a batch of its own. Of several
  /// processes the first one chooses.
  ///
  /// - Throws: `RankFailure` where another process is gone.
  public mutating func choosePrecision() throws -> PrecisionChoice {
    try choosePrecision(remembering: .standard)
  }

  package mutating func choosePrecision(
    remembering cache: PrecisionCache?
  ) throws -> PrecisionChoice {
    var choice = PrecisionChoice(nil)
    let text = try group.share {
      let work = PrecisionChoice.work(
        "embedding, \(isShared ? workers : 1) × \(batch) images", model.description.model)
      choice = PrecisionChoice(for: work, on: model.store.device, remembering: cache) { timed() }
      return choice.precision.rawValue
    }
    precision = Precision(rawValue: text)?.type
    return choice
  }

  /// Whether each core computes images of its own.
  private var isShared: Bool {
    model.store.device.kind == .cpu && parallelism == .images
  }

  private func timed() -> PrecisionChoice.Times {
    let frozen = FrozenModel(model)
    let (shape, device, batch) = (model.description.model, model.store.device, batch)
    let embedding = Embedding.standard(for: model)
    @Sendable func pass(_ type: DType?) {
      let blank = Tensor.zeros([batch, shape.channels, shape.height, shape.width]).to(device)
      withoutGradients {
        withAutocast(to: type, on: device) { _ = embedding(blank, by: frozen.model) }
      }
      device.synchronize()
    }
    guard isShared else {
      return .measured(images: batch) { precision in
        PrecisionChoice.time { pass(precision.type) }
      }
    }
    return .measured(images: workers * batch) { precision in
      let (type, running) = (precision.type, ConditionLock(workers))
      return PrecisionChoice.time {
        ComputePool.start(workers: workers, named: "mae-timing") {
          pass(type)
          running.withLock { $0 -= 1 }
          running.broadcast()
        }
        running.wait { $0 == 0 ? () : nil }
      }
    }
  }
}

extension LoadedSegmenter {
  /// Puts the faster type of products for this model on this machine into ``precision``, by passes
  /// over blank windows.
  public mutating func choosePrecision() -> PrecisionChoice {
    let (shape, device, windows) = (description.model, store.device, windows)
    let blank = Tensor.zeros([windows.batch, shape.channels, windows.side, windows.side]).to(device)
    let work = PrecisionChoice.work(
      "segmenting, \(windows.batch) windows of \(windows.side)", description.segmenter)
    let choice = PrecisionChoice(for: work, on: device) {
      .measured(images: windows.batch) { precision in
        PrecisionChoice.time {
          withoutGradients {
            withAutocast(to: precision.type, on: device) { _ = segmenter(blank) }
          }
          device.synchronize()
        }
      }
    }
    precision = choice.precision.type
    return choice
  }
}

extension LoadedDetector {
  /// Puts the faster type of products for this model on this machine into ``precision``, by passes
  /// over a blank picture.
  public mutating func choosePrecision() -> PrecisionChoice {
    let (device, side) = (store.device, description.detector?.side ?? description.model.height)
    let blank = Tensor.zeros([1, description.model.channels, side, side]).to(device)
    let work = PrecisionChoice.work("detecting, a picture of \(side)", description.detector)
    let choice = PrecisionChoice(for: work, on: device) {
      .measured(images: 1) { precision in
        PrecisionChoice.time {
          withoutGradients {
            withAutocast(to: precision.type, on: device) {
              _ = detector(blank, extents: [(Float(side), Float(side))])
            }
          }
          device.synchronize()
        }
      }
    }
    precision = choice.precision.type
    return choice
  }
}

extension PrecisionChoice {
  /// Seconds that work takes.
  static func time(_ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    body()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  /// What tells a piece of work from others: words, and a value as JSON.
  ///
  /// - Parameter fields: Names of fields at the top of the value that do not matter.
  package static func work(
    _ words: String, _ value: some Encodable, without fields: Set<String> = []
  ) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return words }
    guard !fields.isEmpty,
      let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      let rest = try? JSONSerialization.data(
        withJSONObject: object.filter { !fields.contains($0.key) },
        options: [.sortedKeys, .withoutEscapingSlashes])
    else { return words + ", " + String(decoding: data, as: UTF8.self) }
    return words + ", " + String(decoding: rest, as: UTF8.self)
  }
}
