public import Torch

// C channels, H × W pixels, K classes, h × w pixels of a window.

/// Scores of pictures of any size from a network for one size: windows that overlap, whose scores are
/// averaged (MMSegmentation's `slide` mode).
///
/// What is smaller than a window is filled up with zeros at the right and below, and the scores of
/// what was added are dropped.
public struct SlidingWindow: Hashable, Sendable {
  /// The side of a window in pixels.
  public var side: Int
  /// From window to window in pixels.
  public var stride: Int
  /// Windows that are computed at a time.
  public var batch: Int

  /// Describes windows; two thirds of a side from one to the next unless told otherwise.
  public init(side: Int, stride: Int? = nil, batch: Int = 4) {
    self.side = side
    self.stride = stride ?? max(1, side * 2 / 3)
    self.batch = batch
  }

  /// Where windows begin along a length; the last is moved back so that it ends inside.
  public func starts(along length: Int) -> [Int] {
    let count = (max(0, length - side) + stride - 1) / stride + 1
    return (0..<count).map { max(0, min($0 * stride, length - side)) }
  }

  /// Scores of a picture: `[C, H, W]`, normalised → `[K, H, W]`.
  ///
  /// - Parameter network: Windows `[B, C, side, side]` → scores `[B, K, side, side]`.
  public func scores(of picture: Tensor, by network: (Tensor) -> Tensor) -> Tensor {
    let (height, width) = (picture.shape[1], picture.shape[2])
    let (below, right) = (max(0, side - height), max(0, side - width))
    let filled = below + right > 0 ? picture.padded([0, right, 0, below]) : picture
    let places = starts(along: height).flatMap { y in starts(along: width).map { (y, $0) } }
    var sums = Tensor()
    let counts = Tensor.zeros([1, height + below, width + right])
      .to(picture.device)
    for first in Swift.stride(from: 0, to: places.count, by: batch) {
      let part = Array(places[first..<min(places.count, first + batch)])
      let windows = stacked(
        part.map { y, x in filled[.all, y..<y + side, x..<x + side] })
      let scores = network(windows).to(.float32)
      if !sums.isDefined {
        sums = Tensor.zeros([scores.shape[1], height + below, width + right])
          .to(picture.device)
      }
      for (index, (y, x)) in part.enumerated() {
        sums[.all, y..<y + side, x..<x + side].add(scores[index])
        let place = counts[.all, y..<y + side, x..<x + side]
        place.add(place.onesLike())
      }
    }
    return (sums / counts)[.all, 0..<height, 0..<width]
  }
}
