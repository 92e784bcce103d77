public import Torch
import TorchNN

/// The largest coefficients of a patch in the basis of principal components of the training images'
/// patches (Table 1d, “PCA”).
///
/// Mean and components are fitted before the first step and kept with the model's weights, as
/// `decoder_target.mean` `[V]` and `decoder_target.components` `[K, V]`. Coefficients are not scaled
/// by their deviations.
public struct PCATarget: DrawableTarget, FittedTarget {
  public static let name = "pca"
  /// How many coefficients are predicted, `K`; all of them where a patch has fewer numbers. 96 in
  /// the paper, of 768.
  public var components = 96
  /// Training images whose patches the components are fitted to; all of them where there are fewer.
  public var images = 10_000

  /// Predicts the 96 largest coefficients.
  public init() {}

  public func valuesPerPatch(of configuration: ModelConfiguration) -> Int {
    max(1, min(components, configuration.patchValues))
  }

  public func buffers(for configuration: ModelConfiguration) -> [TargetBuffer] {
    let (count, values) = (valuesPerPatch(of: configuration), configuration.patchValues)
    var first = [Float](repeating: 0, count: count * values)
    for row in 0..<count { first[row * values + row] = 1 }
    return [
      TargetBuffer("mean", [values], .constant(0)),
      TargetBuffer("components", [count, values], .values(first)),
    ]
  }

  public func problems(
    for configuration: ModelConfiguration
  ) -> [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    if !(1...65_536).contains(components) {
      found.append(("components", "is \(components); expected a whole number from 1 to 65536"))
    }
    if images < 1 { found.append(("images", "is \(images); expected at least 1")) }
    return found
  }

  public func values(for patches: TargetPatches) -> Tensor {
    (patches.chosen - patches.buffer("mean")).linear(patches.buffer("components"))
  }

  public func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor {
    prediction.matmul(patches.buffer("components")) + patches.buffer("mean")
  }

  public func fitting(for configuration: ModelConfiguration) -> any TargetFitting {
    Fitting(configuration, count: valuesPerPatch(of: configuration))
  }

  private final class Fitting: TargetFitting {
    private var rows: PrincipalComponents
    private let count: Int

    init(_ configuration: ModelConfiguration, count: Int) {
      rows = PrincipalComponents(of: configuration.patchValues)
      self.count = count
    }

    func add(_ patches: Tensor) { rows.add(patches) }

    func result() -> FittedBuffers {
      let (components, variances) = rows.largest(count)
      let held = variances[0..<count].sum().item() / max(variances.sum().item(), 1e-300)
      let share = Int((held * 1000).rounded())
      return FittedBuffers(
        tensors: ["mean": rows.mean, "components": components],
        words: "\(count) components hold \(share / 10).\(share % 10) % of the variance of "
          + "\(rows.count) patches")
    }
  }
}
