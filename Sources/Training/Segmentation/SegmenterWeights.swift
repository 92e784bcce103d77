import Datasets
import DenseHeads
import Inference
import MaskedAutoencoders
import Runs
import Torch
import TorchNN
import WeightExchange

/// The weights a segmenter starts from.
struct SegmenterWeights {
  /// Weights by the segmenter's names.
  let tensors: [String: Tensor]
  /// What becomes of the file's weights, each as a sentence.
  let notes: [String]

  /// Takes a model's encoder. Positions are resized to the segmenter's patches bicubically, without
  /// averaging, as the published segmentation does; norms and heads after the encoder are left out.
  init(_ loaded: LoadedModel, for description: ModelDescription) throws {
    let (found, wanted) = (loaded.description.model, description.model)
    var tensors = Dictionary(
      uniqueKeysWithValues: loaded.usedWeights.filter { name, _ in
        ["cls_token", "pos_embed"].contains(name) || name.hasPrefix("patch_embed.")
          || name.hasPrefix("blocks.")
      })
    var notes: [String] = []
    if found.grid != wanted.grid, let table = tensors["pos_embed"] {
      tensors["pos_embed"] = Self.resized(table, from: found.grid, to: wanted.grid)
      notes.append(
        "positions are resized from \(found.grid.words) patches to \(wanted.grid.words)")
    }
    let left = loaded.usedWeights.map(\.name).filter { tensors[$0] == nil }
    if !left.isEmpty {
      notes.append(
        "of \(loaded.source) \(left.count) weights have no place in a segmenter and are left out: "
          + Self.parts(of: left).joined(separator: ", "))
    }
    self.tensors = tensors
    self.notes = notes
  }

  /// Takes a segmenter, with its decoder where that has the same shapes; a layer of scores for other
  /// classes starts anew.
  init(_ loaded: LoadedSegmenter, for description: ModelDescription, in store: ParameterStore) {
    let (found, wanted) = (loaded.description.model, description.model)
    let wantedShapes = Dictionary(
      uniqueKeysWithValues: store.entries.map { ($0.name, $0.tensor.shape) })
    let sameClasses =
      loaded.description.segmenter?.numbering.names == description.segmenter?.numbering.names
    var tensors: [String: Tensor] = [:]
    var (left, notes) = ([String](), [String]())
    for (name, tensor) in loaded.store.weights {
      var tensor = tensor
      if name == "pos_embed", found.grid != wanted.grid {
        tensor = Self.resized(tensor, from: found.grid, to: wanted.grid)
      } else if name.hasSuffix(".relative_position_bias_table"), found.grid != wanted.grid {
        tensor = resizedPositionTable(tensor, from: found.grid, to: wanted.grid)
      }
      let isScores = name.contains(".conv_seg.")
      if wantedShapes[name] == tensor.shape, sameClasses || !isScores {
        tensors[name] = tensor
      } else {
        left.append(name)
      }
    }
    if found.grid != wanted.grid {
      notes.append(
        "positions are resized from \(found.grid.words) patches to \(wanted.grid.words)")
    }
    if !left.isEmpty {
      notes.append(
        "of \(loaded.source) \(left.count) weights are of other shapes or classes and start anew: "
          + Self.parts(of: left).joined(separator: ", "))
    }
    self.tensors = tensors
    self.notes = notes
  }

  /// Puts the weights into a segmenter. All of the encoder must be there; what it has beside the
  /// pre-trained one, and the decoder, stay as they were drawn where the file has none.
  ///
  /// - Returns: What starts anew, in words; nil for nothing.
  func place(in store: ParameterStore, from source: String) throws -> String? {
    let added = ["rel_pos", "relative_position_bias_table", "gamma_1", "gamma_2"]
    func mayBeNew(_ name: String) -> Bool {
      ["neck", "decode_head", "auxiliary_head"].contains { name.hasPrefix($0 + ".") }
        || added.contains { name.contains("." + $0) }
    }
    do {
      try store.load(tensors) { tensors[$0] != nil || !mayBeNew($0) }
    } catch {
      throw RunFailure(.badData, "\(source): \(error)")
    }
    let new = store.entries.map(\.name).filter { tensors[$0] == nil }
    return new.isEmpty
      ? nil
      : "\(tensors.count) weights are those of \(source); \(new.count) start anew: "
        + Self.parts(of: new).joined(separator: ", ")
  }

  private static func resized(
    _ table: Tensor, from grid: PatchGrid, to target: PatchGrid
  ) -> Tensor {
    concatenated(
      [
        table[.all, 0..<1],
        resizedPositions(table[.all, 1...].to(.float32), from: grid, to: target).to(table.dtype),
      ], along: 1)
  }

  /// The first steps of names, each once: `decode_head`; of blocks the last two.
  private static func parts(of names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.compactMap { name in
      let steps = name.split(separator: ".")
      let part =
        steps.first == "blocks" && steps.count > 3
        ? "blocks.*." + steps.dropFirst(2).joined(separator: ".")
        : steps.first == "blocks" ? "blocks.*." + (steps.last ?? "") : String(steps.first ?? "")
      return seen.insert(part).inserted ? part : nil
    }
  }
}

extension PatchGrid {
  /// `14 × 14`.
  var words: String { "\(rows) × \(columns)" }
}
