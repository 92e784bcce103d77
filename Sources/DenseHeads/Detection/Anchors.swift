public import MaskedAutoencoders
public import Torch

// A anchors, L levels, R × S cells of a level.

/// The boxes that a proposal network starts from: at each cell of each level one for each ratio of
/// height to width, all of the level's area (Ren et al., 2015). Their centres lie on the corners of
/// cells, (x·stride, y·stride), and edges are not rounded.
public struct Anchors {
  /// In the order of levels, rows, columns, ratios.
  public let boxes: [Box]
  /// The anchors of each level.
  public let levels: [Range<Int>]

  /// Anchors over some maps.
  ///
  /// - Parameters:
  ///   - grids: The cells of each level.
  ///   - strides: The side of a cell in pixels, for each level.
  ///   - sizes: The side of a square anchor in pixels, for each level.
  public init(grids: [PatchGrid], strides: [Double], sizes: [Double], ratios: [Double]) {
    precondition(grids.count == strides.count && grids.count == sizes.count, "levels differ")
    var boxes: [Box] = []
    boxes.reserveCapacity(grids.reduce(0) { $0 + $1.count } * ratios.count)
    var levels: [Range<Int>] = []
    for (level, grid) in grids.enumerated() {
      let first = boxes.count
      let halves = ratios.map { ratio in
        let width = (sizes[level] * sizes[level] / ratio).squareRoot()
        return (x: Float(width / 2), y: Float(ratio * width / 2))
      }
      for row in 0..<grid.rows {
        let y = Float(row) * Float(strides[level])
        for column in 0..<grid.columns {
          let x = Float(column) * Float(strides[level])
          for half in halves {
            boxes.append(Box(x - half.x, y - half.y, x + half.x, y + half.y))
          }
        }
      }
      levels.append(first..<boxes.count)
    }
    self.boxes = boxes
    self.levels = levels
  }

  /// The edges, `[A, 4]`.
  public var tensor: Tensor { Tensor(boxes) }
}

extension Tensor {
  /// Edges of boxes: `[R, 4]`.
  public init(_ boxes: [Box]) {
    var edges: [Float] = []
    edges.reserveCapacity(4 * boxes.count)
    for box in boxes {
      edges.append(box.x0)
      edges.append(box.y0)
      edges.append(box.x1)
      edges.append(box.y1)
    }
    self.init(edges, shape: [boxes.count, 4])
  }

  /// The boxes of edges `[…, 4]`, row by row. On a GPU this waits for the device.
  public var boxes: [Box] {
    let edges = floats()
    return Swift.stride(from: 0, to: edges.count, by: 4).map {
      Box(edges[$0], edges[$0 + 1], edges[$0 + 2], edges[$0 + 3])
    }
  }
}
