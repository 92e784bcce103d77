#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
public import Torch

// B images, C channels, H × W cells of a map, R regions, P bins of a side.

/// What a map has at regions, each divided into `bins` × `bins` bins (He et al., 2017, “Mask R-CNN”,
/// §3): a bin is the mean of samples on a grid within it, each interpolated bilinearly.
///
/// Samples lie on a grid, and both the weights of interpolation and the rules at the border are
/// products of one rule for each axis. So the result is a product of matrices, `out[p, q] = Σ Σ
/// Y[p, y] · map[y, x] · X[q, x]`, with `Y` and `X` made of the boxes alone: exact, differentiable in
/// the map on every device, and the same at every run.
public struct RegionAlign: Hashable, Sendable {
  /// Bins of a side, `P`.
  public var bins: Int
  /// Samples of a bin and axis; 0 for as many as the bin has cells.
  public var samples: Int
  /// Whether cells' centres lie at half numbers, as they do. Otherwise regions are shifted by half a
  /// cell and have a side of one cell at least, as in the first implementations.
  public var isAligned: Bool
  /// Values of a middle result that is held at a time.
  static let heldValues = 1 << 26

  /// Creates a rule.
  public init(bins: Int, samples: Int = 0, isAligned: Bool = true) {
    self.bins = bins
    self.samples = samples
    self.isAligned = isAligned
  }

  /// Regions of a batch of maps: `[B, C, H, W]` → `[R, C, P, P]`, in the regions' order.
  ///
  /// - Parameters:
  ///   - regions: The boxes of each image, in pixels of the picture.
  ///   - scale: Cells of the map in a pixel: 1/16 at a stride of 16.
  public func callAsFunction(_ map: Tensor, _ regions: [[Box]], scale: Double) -> Tensor {
    let size = map.shape
    precondition(
      regions.count == size[0], "\(regions.count) lists of regions for \(size[0]) images")
    var parts: [Tensor] = []
    for (image, boxes) in regions.enumerated() where !boxes.isEmpty {
      let one = map[image]  // [C, H, W]
      let held = size[1] * size[2] * bins
      let few = max(1, Self.heldValues / max(1, held))
      for first in stride(from: 0, to: boxes.count, by: few) {
        let part = Array(boxes[first..<min(boxes.count, first + few)])
        parts.append(pooled(one, part, scale: Float(scale)))
      }
    }
    return parts.isEmpty
      ? map.flattened().narrowed(0, to: 0..<0).reshaped([0, size[1], bins, bins])
      : parts.count == 1 ? parts[0] : concatenated(parts, along: 0)
  }

  /// Regions of one map: `[C, H, W]` → `[R, C, P, P]`.
  private func pooled(_ map: Tensor, _ boxes: [Box], scale: Float) -> Tensor {
    let (channels, height, width, count) = (
      map.shape[0], map.shape[1], map.shape[2], boxes.count
    )
    let across = weights(boxes.map { ($0.x0, $0.x1) }, cells: width, scale: scale)
      .sent(to: map.device).to(map.dtype)  // [R·P, W]
    let down = weights(boxes.map { ($0.y0, $0.y1) }, cells: height, scale: scale)
      .sent(to: map.device).to(map.dtype).reshaped([count, bins, height])
    let middle = map.reshaped([channels * height, width]).matmul(across.transposed(0, 1))
      .reshaped([channels, height, count, bins]).permuted([2, 1, 0, 3])  // [R, H, C, P]
      .reshaped([count, height, channels * bins])
    return down.matmul(middle).reshaped([count, bins, channels, bins]).permuted([0, 2, 1, 3])
  }

  /// What each cell of an axis counts in each bin: `[R·P, cells]`.
  func weights(_ spans: [(from: Float, to: Float)], cells: Int, scale: Float) -> Tensor {
    var weights = [Float](repeating: 0, count: spans.count * bins * cells)
    weights.withUnsafeMutableBufferPointer { weights in
      for (region, span) in spans.enumerated() {
        let shift: Float = isAligned ? 0.5 : 0
        let start = span.from * scale - shift
        var length = span.to * scale - shift - start
        if !isAligned { length = max(length, 1) }
        guard start.isFinite, length.isFinite else { continue }
        let bin = length / Float(bins)
        let count = samples > 0 ? samples : Int(bin.rounded(.up))
        guard count > 0 else { continue }
        for row in 0..<bins {
          let line = (region * bins + row) * cells
          for sample in 0..<count {
            let place =
              start + Float(row) * bin + (Float(sample) + 0.5) * bin / Float(count)
            if place < -1 || place > Float(cells) { continue }
            let inside = max(place, 0)
            let low = min(Int(inside), cells - 1)
            let part = low == cells - 1 ? 0 : inside - Float(low)
            weights[line + low] += (1 - part) / Float(count)
            if part > 0 { weights[line + low + 1] += part / Float(count) }
          }
        }
      }
    }
    return Tensor(weights, shape: [spans.count * bins, cells])
  }
}

/// The level of a pyramid that a region is taken from (Lin et al., 2017, “Feature pyramid networks”,
/// equation 1): ⌊4 + log₂(√area / 224)⌋ of levels 2 to 5 with patches of 16 pixels.
public struct LevelAssignment: Hashable, Sendable {
  /// The side of a region that belongs to the third level: 14 patches.
  public var canonicalSide: Double
  /// Levels there are.
  public var levels: Int

  /// Creates a rule.
  public init(canonicalSide: Double, levels: Int) {
    self.canonicalSide = canonicalSide
    self.levels = levels
  }

  /// The level of a box, counted from 0, the finest.
  public func level(of box: Box) -> Int {
    let side = Double(box.area).squareRoot()
    let level = (2 + log2(side / canonicalSide + 1e-8)).rounded(.down)
    return level.isNaN ? 0 : Int(min(max(level, 0), Double(levels - 1)))
  }

  /// The least area from which a box belongs to a level or a coarser one.
  ///
  /// - Parameter level: From 1.
  public func leastArea(ofLevel level: Int) -> Float {
    let side = (exp2(Double(level - 2)) - 1e-8) * canonicalSide
    let area = Float(side * side)
    return Double(area) < side * side ? area.nextUp : area
  }

  /// Regions of each level and image, and the places they had in the list of all images' regions.
  func divided(_ regions: [[Box]]) -> (levels: [[[Box]]], order: [Int]) {
    var divided = [[[Box]]](
      repeating: [[Box]](repeating: [], count: regions.count), count: levels)
    var places = [[[Int]]](
      repeating: [[Int]](repeating: [], count: regions.count), count: levels)
    var place = 0
    for (image, boxes) in regions.enumerated() {
      for box in boxes {
        let level = level(of: box)
        divided[level][image].append(box)
        places[level][image].append(place)
        place += 1
      }
    }
    return (divided, places.flatMap { $0.flatMap { $0 } })
  }
}

extension RegionAlign {
  /// Regions of a pyramid, each from its level: maps `[B, C, H, W]` → `[R, C, P, P]`, in the regions'
  /// order.
  func callAsFunction(
    _ maps: [Tensor], _ regions: [[Box]], scales: [Double], _ assignment: LevelAssignment
  ) -> Tensor {
    let (levels, order) = assignment.divided(regions)
    let parts = levels.indices.filter { level in levels[level].contains { !$0.isEmpty } }
      .map { self(maps[$0], levels[$0], scale: scales[$0]) }
    guard !parts.isEmpty else { return self(maps[0], regions, scale: scales[0]) }
    var back = [Int](repeating: 0, count: order.count)
    for (place, region) in order.enumerated() { back[region] = place }
    let all = parts.count == 1 ? parts[0] : concatenated(parts, along: 0)
    if back == Array(back.indices) { return all }
    return all.selected(Tensor(back).sent(to: all.device), along: 0)
  }
}
