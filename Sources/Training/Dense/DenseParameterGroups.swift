import MaskedAutoencoders
import Recipes
import Torch
import TorchNN
import TorchOptim

extension ParameterGroup {
  /// The weights of a segmenter or a detector, grouped by learning rate and weight decay. Rates are by
  /// layers of the encoder; everything on it, and tables that all blocks share, learn at the full rate.
  ///
  /// - Parameters:
  ///   - encoder: What the names of the encoder's weights begin with; empty where they have no scope of
  ///     their own.
  ///   - decayed: Which weights decay.
  static func dense(
    of store: ParameterStore, encoder: String, depth: Int, _ optimizer: OptimizerRecipe,
    _ decayed: DecayedWeights
  ) -> [ParameterGroup] {
    let table = "relative_position_bias_table"
    /// A name within the encoder; nil for one outside.
    func own(_ name: String) -> String? {
      guard name.hasPrefix(encoder) else { return nil }
      let inner = String(name.dropFirst(encoder.count))
      let parts = ["cls_token", "pos_embed", "patch_embed", "blocks"]
      return !encoder.isEmpty || parts.contains(where: { inner.hasPrefix($0) }) ? inner : nil
    }
    func layer(_ name: String) -> Int {
      own(name).map { MaskedAutoencoders.layer(of: $0, depth: depth) } ?? depth + 1
    }
    func isDecayed(_ entry: ParameterStore.Entry) -> Bool {
      let name = entry.name
      let isNorm =
        name.contains(".norm") || name.contains(".bn.") || name.contains("upsample_4x.1.")
      let isPosition = name.hasSuffix("pos_embed")
      return switch decayed {
      case .all: true
      case .mmSegmentation: entry.tensor.rank > 1
      case .matrices: entry.tensor.rank > 1 && !isPosition
      case .vitDet: !(own(name) != nil && (isNorm || isPosition))
      case .table4: !(isNorm || isPosition || name.hasSuffix(table))
      }
    }
    var groups: [ParameterGroup] = []
    var places: [[Int]: Int] = [:]
    for entry in store.trainable {
      let number = optimizer.layerDecay == 1 ? depth + 1 : layer(entry.name)
      let key = [number, isDecayed(entry) ? 1 : 0]
      if places[key] == nil {
        places[key] = groups.count
        let scale = (number..<depth + 1).reduce(1) { scale, _ in scale * optimizer.layerDecay }
        groups.append(
          ParameterGroup(
            [], weightDecay: key[1] == 1 ? optimizer.weightDecay : 0, learningRateScale: scale))
      }
      if let place = places[key] { groups[place].parameters.append((entry.name, entry.tensor)) }
    }
    return groups
  }
}
