public import Torch
public import TorchNN

// B batch, D width of the encoder, C channels of the pyramid, R × S patches.

/// ViTDet's pyramid: four maps, all made of the last one of the encoder (Li et al., 2022, “Exploring
/// plain Vision Transformer backbones”, §3). With patches of 16 pixels the strides are 4, 8, 16, 32.
public struct SimplePyramid: Module {
  public let scope: Scope
  private let four: (first: ConvTranspose2d, norm: ChannelNorm, second: ConvTranspose2d)
  private let two: ConvTranspose2d
  private let ends: [(side: NormedConv2d, smooth: NormedConv2d)]

  /// Declares `simfp_2.{0,1,3,4,5}`, `simfp_3.{0,1,2}`, `simfp_4.{0,1}` and `simfp_5.{1,2}`
  /// (detectron2's names).
  ///
  /// - Precondition: 4 divides the width.
  public init(width: Int, channels: Int, in scope: Scope) {
    precondition(width % 4 == 0, "the width \(width) is no multiple of 4")
    self.scope = scope
    func end(_ level: Int, _ channelsIn: Int, at index: Int) -> (NormedConv2d, NormedConv2d) {
      let own = scope["simfp_\(level)"]
      return (
        NormedConv2d(channelsIn, channels, kernel: 1, norm: .channel, in: own["\(index)"]),
        NormedConv2d(channels, channels, kernel: 3, norm: .channel, in: own["\(index + 1)"])
      )
    }
    let own = scope["simfp_2"]
    four = (
      ConvTranspose2d(width, width / 2, kernel: 2, stride: 2, in: own["0"]),
      ChannelNorm(width / 2, in: own["1"]),
      ConvTranspose2d(width / 2, width / 4, kernel: 2, stride: 2, in: own["3"])
    )
    let first = end(2, width / 4, at: 4)
    two = ConvTranspose2d(width, width / 2, kernel: 2, stride: 2, in: scope["simfp_3"]["0"])
    ends = [first, end(3, width / 2, at: 1), end(4, width, at: 0), end(5, width, at: 1)]
  }

  /// `[B, D, R, S]` → `[B, C, 4R, 4S]`, `[B, C, 2R, 2S]`, `[B, C, R, S]`, `[B, C, R/2, S/2]`.
  public func callAsFunction(_ map: Tensor, training: DenseTraining? = nil) -> [Tensor] {
    let maps = [
      four.second(four.norm(four.first(map)).gelu()), two(map), map, halved(map),
    ]
    return zip(ends, maps).map { $0.smooth($0.side($1, training: training), training: training) }
  }
}

/// The largest of each 2 × 2 pixels; a map of one row or column stays.
func halved(_ map: Tensor) -> Tensor {
  min(map.shape[2], map.shape[3]) < 2 ? map : map.maxPool2d(2)
}
