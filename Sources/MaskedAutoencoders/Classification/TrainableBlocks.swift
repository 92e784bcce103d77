import TorchNN

/// The part of a classifier that is trained: its head, and blocks counted from the last one
/// (He et al., 2022, §4.3 “Partial fine-tuning”).
public enum TrainableBlocks: Hashable, Sendable {
  /// Everything, patch embedding and positions included.
  case all
  /// The last so many blocks, the norm after them and the head; with 0 the head alone.
  case lastBlocks(Int)
  /// The multi-layer perceptron of the last block with its norm, the norm after it and the head: the
  /// paper's “½ block”.
  case halfBlock

  /// The first block of which anything is trained, counted from 0.
  public func firstBlock(depth: Int) -> Int {
    switch self {
    case .all: 0
    case .lastBlocks(let count): max(0, depth - count)
    case .halfBlock: depth - 1
    }
  }

  /// Whether a weight is trained, by its name.
  public func contains(_ name: String, depth: Int) -> Bool {
    let parts = name.split(separator: ".")
    switch parts.first {
    case "head", "fc_norm", "head_norm": return true
    case "norm": return self != .lastBlocks(0)
    case "blocks" where parts.count > 2:
      let block = Int(parts[1]) ?? 0
      switch self {
      case .all: return true
      case .lastBlocks(let count): return block >= depth - count
      case .halfBlock: return block == depth - 1 && ["norm2", "mlp"].contains(parts[2])
      }
    default: return self == .all
    }
  }
}

extension ImageClassifier {
  /// Trains a part only. What is frozen costs no backward pass.
  public func train(only part: TrainableBlocks) {
    let depth = configuration.encoder.depth
    scope.store.freeze { !part.contains($0, depth: depth) }
  }
}

/// The layer a weight counts to in layer-wise rate decay (Bao et al., 2022): 0 for the embedding, k for
/// block k counted from 1, `depth + 1` for what comes after the blocks.
public func layer(of name: String, depth: Int) -> Int {
  let parts = name.split(separator: ".")
  switch parts.first {
  case "cls_token", "pos_embed", "patch_embed": return 0
  case "blocks" where parts.count > 1: return (Int(parts[1]) ?? 0) + 1
  default: return depth + 1
  }
}
