import Inference
import MaskedAutoencoders
import Runs
import Torch
import TorchNN
import WeightExchange

/// The weights a classifier starts from.
struct InitialWeights {
  /// Encoder weights and, where they fit, those of the head, by the classifier's names.
  let tensors: [String: Tensor]
  /// What is not as one may think, each as a sentence.
  let warnings: [String]

  /// Takes a model's encoder, resized to the classifier's images; its head too where it was trained
  /// for the same classes in the same way.
  init(_ loaded: LoadedModel, for description: ModelDescription) throws {
    var warnings: [String] = []
    let model = description.model
    var tensors = Dictionary(
      uniqueKeysWithValues: loaded.usedWeights.filter { !PublishedFormat.isDecoder($0.name) })
    let found = loaded.description.model
    do throws(AdaptingError) {
      tensors = try adapted(tensors, from: found, to: model)
    } catch {
      throw RunFailure(.recipe, "\(loaded.source): \(error)")
    }
    if found.grid != model.grid {
      warnings.append(
        "positions are interpolated from \(found.grid.rows) × \(found.grid.columns) patches to "
          + "\(model.grid.rows) × \(model.grid.columns)")
    }
    if loaded.description.classifier != description.classifier {
      let head = tensors.keys.filter { name in
        ["head.", "fc_norm.", "head_norm."].contains { name.hasPrefix($0) }
      }
      if !head.isEmpty {
        warnings.append(
          "the head of \(loaded.source) is for other classes or pooling; a new one is trained")
      }
      for name in head { tensors[name] = nil }
    }
    if description.classifier?.head.pooling == .normalizedMean {
      tensors = tensors.filter { !$0.key.hasPrefix("norm.") }
    } else if tensors["norm.weight"] == nil {
      warnings.append(
        "\(loaded.source) has no norm after its blocks; a new one of ones and zeros takes its place"
      )
    }
    self.tensors = tensors
    self.warnings = warnings
  }

  /// Puts the weights into a classifier; the others stay as they were drawn.
  func place(in store: ParameterStore, from source: String) throws {
    do {
      try store.load(tensors) { name in
        tensors[name] != nil
          || !["norm", "fc_norm", "head", "head_norm"].contains { part in
            name.hasPrefix(part + ".")
          }
      }
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
  }
}
