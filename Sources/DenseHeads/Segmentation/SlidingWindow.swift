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
    scores(of: [picture], by: network)[0]
  }

  /// Scores of some pictures of any sizes, whose windows are computed together.
  public func scores(of pictures: [Tensor], by network: (Tensor) -> Tensor) -> [Tensor] {
    let parts = pictures.map { Part($0, windows: self) }
    let places = parts.indices.flatMap { index in parts[index].places.map { (index, $0) } }
    for first in Swift.stride(from: 0, to: places.count, by: batch) {
      let some = Array(places[first..<min(places.count, first + batch)])
      let windows = stacked(some.map { parts[$0].window(at: $1, side: side) })
      let scores = network(windows).to(.float32)
      for (row, (index, place)) in some.enumerated() {
        parts[index].add(scores[row], at: place, side: side)
      }
    }
    return parts.map(\.mean)
  }

  /// A picture and the scores of its windows so far.
  private final class Part {
    let places: [(y: Int, x: Int)]
    private let size: (height: Int, width: Int)
    private let filled: Tensor
    private var sums = Tensor()
    private let counts: Tensor

    init(_ picture: Tensor, windows: SlidingWindow) {
      size = (picture.shape[1], picture.shape[2])
      let below = max(0, windows.side - size.height)
      let right = max(0, windows.side - size.width)
      filled = below + right > 0 ? picture.padded([0, right, 0, below]) : picture
      let columns = windows.starts(along: size.width)
      places = windows.starts(along: size.height).flatMap { y in columns.map { (y, $0) } }
      counts = Tensor.zeros([1, size.height + below, size.width + right]).to(picture.device)
    }

    func window(at place: (y: Int, x: Int), side: Int) -> Tensor {
      filled[.all, place.y..<place.y + side, place.x..<place.x + side]
    }

    func add(_ scores: Tensor, at place: (y: Int, x: Int), side: Int) {
      if !sums.isDefined {
        sums = Tensor.zeros([scores.shape[0], counts.shape[1], counts.shape[2]])
          .to(scores.device)
      }
      window(of: sums, at: place, side).add(scores)
      let seen = window(of: counts, at: place, side)
      seen.add(seen.onesLike())
    }

    private func window(of map: Tensor, at place: (y: Int, x: Int), _ side: Int) -> Tensor {
      map[.all, place.y..<place.y + side, place.x..<place.x + side]
    }

    var mean: Tensor { (sums / counts)[.all, 0..<size.height, 0..<size.width] }
  }
}
