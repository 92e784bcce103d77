import Datasets
import DenseHeads
import Inference
import MaskedAutoencoders
import Runs
import Torch
import TorchNN
import WeightExchange

/// What a detector starts from: an encoder, another detector, or nothing.
enum DetectionSource {
  /// The encoder of any model.
  case encoder(LoadedModel)
  /// A detector.
  case detector(LoadedDetector)
  /// Random weights of a model's shape.
  case shape(LoadedModel)
  /// Random weights of the recipe's model.
  case recipe

  init(_ inputs: DetectionInputs) throws {
    if let path = inputs.model {
      self =
        LoadedDetector.isDetector(path)
        ? .detector(try LoadedDetector(path))
        : .encoder(try LoadedModel(path, hints: inputs.hints))
    } else if let like = inputs.like {
      self = .shape(try LoadedModel(like, hints: inputs.hints))
    } else {
      self = .recipe
    }
  }

  /// What is described; nil where there is nothing.
  var description: ModelDescription? {
    switch self {
    case .encoder(let model), .shape(let model): model.description
    case .detector(let model): model.description
    case .recipe: nil
    }
  }

  /// What was assumed or left out in reading, each as a sentence.
  var notes: [String] {
    switch self {
    case .encoder(let model), .shape(let model): model.readingNotes + model.assumptions
    case .detector(let model): model.notes
    case .recipe: []
    }
  }

  /// Puts the weights to start from into a detector's; nothing from scratch.
  ///
  /// - Returns: What becomes of them, each as a sentence.
  func place(in store: ParameterStore, for description: ModelDescription) throws -> [String] {
    switch self {
    case .shape, .recipe: return []
    case .encoder(let model): return try place(model, in: store, for: description)
    case .detector(let model): return try place(model, in: store, for: description)
    }
  }

  private static let encoder = "backbone.net."

  private func place(
    _ loaded: LoadedModel, in store: ParameterStore, for description: ModelDescription
  ) throws -> [String] {
    let (found, wanted) = (loaded.description.model, description.model)
    var tensors: [String: Tensor] = [:]
    var (left, notes) = ([String](), [String]())
    for (name, tensor) in loaded.usedWeights {
      if ["cls_token", "pos_embed"].contains(name) || name.hasPrefix("patch_embed.")
        || name.hasPrefix("blocks.")
      {
        tensors[Self.encoder + name] = tensor
      } else {
        left.append(name)
      }
    }
    let positions = Self.encoder + "pos_embed"
    if found.grid != wanted.grid, let table = tensors[positions] {
      tensors[positions] = concatenated(
        [
          table[.all, 0..<1],
          resizedPositions(table[.all, 1...].to(.float32), from: found.grid, to: wanted.grid)
            .to(table.dtype),
        ], along: 1)
      notes.append(
        "positions are resized from \(found.grid.words) patches to \(wanted.grid.words)")
    }
    if !left.isEmpty {
      notes.append(
        "of \(loaded.source) \(left.count) weights have no place in a detector and are left out")
    }
    // All of the encoder must be there but what it has beside the pre-trained one.
    func mayBeNew(_ name: String) -> Bool {
      !name.hasPrefix(Self.encoder) || name.contains("rel_pos")
        || name.hasSuffix("relative_position_bias_table")
    }
    do {
      try store.load(tensors) { tensors[$0] != nil || !mayBeNew($0) }
    } catch {
      throw RunFailure(.badData, "\(loaded.source): \(error)")
    }
    let new = store.entries.count - tensors.count
    notes.append(
      "\(tensors.count) weights are those of \(loaded.source); \(new) start anew: pyramid, heads, "
        + "relative positions")
    return notes
  }

  private func place(
    _ loaded: LoadedDetector, in store: ParameterStore, for description: ModelDescription
  ) throws -> [String] {
    let names = { (d: ModelDescription) in d.detector?.categories.map(\.name) }
    let sameClasses = names(loaded.description) == names(description)
    let shapes = Dictionary(
      uniqueKeysWithValues: store.entries.map { ($0.name, $0.tensor.shape) })
    var (tensors, left) = ([String: Tensor](), [String]())
    for (name, tensor) in loaded.store.weights {
      let isOfClasses =
        name.contains(".box_predictor.") || name.contains(".mask_head.predictor.")
      if shapes[name] == tensor.shape, sameClasses || !isOfClasses {
        tensors[name] = tensor
      } else {
        left.append(name)
      }
    }
    do {
      try store.load(tensors) { tensors[$0] != nil }
    } catch {
      throw RunFailure(.badData, "\(loaded.source): \(error)")
    }
    return left.isEmpty
      ? []
      : [
        "of \(loaded.source) \(left.count) weights are of other shapes or classes and start anew: "
          + left.prefix(4).joined(separator: ", ") + (left.count > 4 ? ", …" : "")
      ]
  }
}
