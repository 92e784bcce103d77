public import MaskedAutoencoders
public import Torch
import TorchNN

/// Tokens: the number of the nearest of a set of random patches, which are drawn with the first
/// weights and stay as they are.
public struct CodeTarget: DrawableTarget {
  public static let name = "codes"
  /// How many patches the set has, `K`.
  public var count = 512

  /// Tells 512 codes apart.
  public init() {}

  public var criterion: PatchCriterion { .crossEntropy }
  public func valuesPerPatch(of configuration: ModelConfiguration) -> Int { count }

  public func buffers(for configuration: ModelConfiguration) -> [TargetBuffer] {
    [TargetBuffer("codes", [count, configuration.patchValues], .normal(std: 1))]
  }

  public func problems(
    for configuration: ModelConfiguration
  ) -> [(path: String, message: String)] {
    (2...65_536).contains(count)
      ? [] : [("count", "is \(count); expected a whole number from 2 to 65536")]
  }

  public func values(for patches: TargetPatches) -> Tensor {
    let codes = patches.buffer("codes")  // [K, P·P·C]
    // ‖x − c‖² is smallest where x·c − ½‖c‖² is largest.
    let closeness = patches.chosen.matmul(codes.transposed(0, 1)) - codes.squared().sum([1]) * 0.5
    return closeness.argmax(along: -1)  // […, K] → […]
  }

  public func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor {
    let best = prediction.argmax(along: -1)
    let pixels = patches.buffer("codes").selected(best.flattened(), along: 0)
    return pixels.reshaped(best.shape + [patches.configuration.patchValues])
  }
}
