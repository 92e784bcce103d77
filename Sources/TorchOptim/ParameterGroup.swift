public import Torch
public import TorchNN

/// Parameters that an optimizer treats alike.
public struct ParameterGroup {
  /// The parameters under their names.
  public var parameters: [(name: String, tensor: Tensor)]
  /// The share of a parameter that a step at a learning rate of 1 takes away.
  public var weightDecay: Double
  /// Multiplies the learning rate.
  public var learningRateScale: Double

  /// Groups parameters.
  public init(
    _ parameters: [(name: String, tensor: Tensor)], weightDecay: Double,
    learningRateScale: Double = 1
  ) {
    self.parameters = parameters
    self.weightDecay = weightDecay
    self.learningRateScale = learningRateScale
  }

  /// Two groups: matrices and tokens are decayed, biases and other one-dimensional parameters are
  /// not (He et al., 2022, A.1 with the published code; class and mask token are decayed there).
  public static func decayingMatrices(
    of entries: [ParameterStore.Entry], weightDecay: Double
  ) -> [ParameterGroup] {
    let named = entries.map { (name: $0.name, tensor: $0.tensor) }
    return [
      ParameterGroup(named.filter { $0.tensor.rank > 1 }, weightDecay: weightDecay),
      ParameterGroup(named.filter { $0.tensor.rank <= 1 }, weightDecay: 0),
    ].filter { !$0.parameters.isEmpty }
  }
}

extension ParameterGroup {
  /// Groups with layer-wise rates (Bao et al., 2022; He et al., 2022, Table 9): the rate of a
  /// weight is scaled by `decay^(layers − layer)`, so that what comes after the last block learns
  /// at the full rate and the embedding slowest.
  ///
  /// - Parameters:
  ///   - entries: The weights.
  ///   - decay: The factor from a layer to the one below; 1 for equal rates.
  ///   - layers: The number of the topmost layer: a Vision Transformer's depth + 1.
  ///   - weightDecay: Of parameters of two dimensions and more that are not in `undecayed`.
  ///   - undecayed: Names without weight decay, such as `pos_embed` and `cls_token`.
  ///   - layer: The layer that a name belongs to, from 0 to `layers`.
  public static func layerwise(
    of entries: [ParameterStore.Entry], decay: Double, layers: Int, weightDecay: Double,
    undecayed: Set<String>, layer: (String) -> Int
  ) -> [ParameterGroup] {
    var groups: [ParameterGroup] = []
    var places: [[Int]: Int] = [:]
    for entry in entries {
      let layer = layer(entry.name)
      let isDecayed = entry.tensor.rank > 1 && !undecayed.contains(entry.name)
      let key = [decay == 1 ? layers : layer, isDecayed ? 1 : 0]
      if places[key] == nil {
        places[key] = groups.count
        let scale = (key[0]..<layers).reduce(1) { scale, _ in scale * decay }
        groups.append(
          ParameterGroup([], weightDecay: isDecayed ? weightDecay : 0, learningRateScale: scale))
      }
      if let place = places[key] { groups[place].parameters.append((entry.name, entry.tensor)) }
    }
    return groups
  }
}
