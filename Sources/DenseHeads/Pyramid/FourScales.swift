public import Torch
public import TorchNN

// B batch, D width, R × S patches.

/// Four maps of a plain Vision Transformer as a pyramid: four times as large, twice, as they are, and
/// half as large (Bao et al., 2022, A.3 “BEiT”; Li et al., 2021). Widths stay.
///
/// With patches of 16 pixels the strides are 4, 8, 16 and 32.
public struct FourScales: Module {
  /// What normalises between the two steps that enlarge the first map. Detection's steps start LeCun
  /// normal, with biases of 0, as MIMDet's (Li et al., 2021); segmentation's as PyTorch's.
  public enum Norm: Hashable, Sendable {
    /// Batch normalisation: segmentation.
    case batch
    /// Group normalisation of so many groups: detection, 32.
    case group(Int)
  }

  public let scope: Scope
  private let first: ConvTranspose2d
  private let batchNorm: BatchNorm2d?
  private let groupNorm: GroupNorm?
  private let second: ConvTranspose2d
  private let double: ConvTranspose2d

  /// Declares `upsample_4x.0`, `.1` and `.3`, and `upsample_2x.0` (MMSegmentation's names).
  public init(width: Int, norm: Norm, in scope: Scope) {
    self.scope = scope
    let four = scope["upsample_4x"]
    func enlarging(_ scope: Scope) -> ConvTranspose2d {
      guard case .group = norm else {
        return ConvTranspose2d(width, width, kernel: 2, stride: 2, in: scope)
      }
      return ConvTranspose2d(
        width, width, kernel: 2, stride: 2, initializing: .lecunNormal(fanIn: 4 * width),
        initializingBias: .constant(0), in: scope)
    }
    first = enlarging(four["0"])
    switch norm {
    case .batch:
      (batchNorm, groupNorm) = (BatchNorm2d(width, in: four["1"]), nil)
    case .group(let count):
      (batchNorm, groupNorm) = (nil, GroupNorm(groups: count, width, in: four["1"]))
    }
    second = enlarging(four["3"])
    double = enlarging(scope["upsample_2x"]["0"])
  }

  /// Four maps `[B, D, R, S]` → `[B, D, 4R, 4S]`, `[B, D, 2R, 2S]`, `[B, D, R, S]`,
  /// `[B, D, R/2, S/2]`.
  public func callAsFunction(_ maps: [Tensor], training: DenseTraining? = nil) -> [Tensor] {
    precondition(maps.count == 4, "\(maps.count) maps; expected 4")
    var large = first(maps[0])
    large =
      batchNorm?(large, isTraining: training != nil)
      ?? groupNorm?(large) ?? large
    // A map of one row or column cannot be halved and stays.
    let (rows, columns) = (maps[3].shape[2], maps[3].shape[3])
    return [
      second(large.gelu()), double(maps[1]), maps[2],
      min(rows, columns) < 2 ? maps[3] : maps[3].maxPool2d(2),
    ]
  }
}
