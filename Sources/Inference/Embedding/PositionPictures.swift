public import Figures
import Imaging
import MaskedAutoencoders
import Runs
import Torch
import TorchNN

extension LoadedModel {
  /// How alike the encoder's positions are, as in Dosovitskiy et al. (2021, Figure 7): for positions
  /// that are spread over the grid, the cosines between each and all others.
  ///
  /// They are fixed sines and cosines after pre-training, and learned where the model was fine-tuned.
  ///
  /// - Parameter most: Rows and columns that are drawn at most.
  public func positionSheet(title: String = "", most: Int = 7) -> PictureSheet {
    let grid = description.model.grid
    let cosines = positionCosines()
    func chosen(_ count: Int) -> [Int] {
      let drawn = min(most, count)
      return (0..<drawn).map { ($0 * count + count / 2) / drawn }
    }
    let columns = chosen(grid.columns)
    let side = max(1, 112 / max(grid.rows, grid.columns))
    let rows = chosen(grid.rows).map { row in
      PictureSheet.Row(
        "row \(row + 1)",
        tiles: columns.map { column in
          let start = (row * grid.columns + column) * grid.count
          return HeatMap(
            Array(cosines[start..<start + grid.count]), rows: grid.rows, columns: grid.columns
          ).drawn(side: side)
        })
    }
    return PictureSheet(
      title: title, groups: [.init(columns: columns.map { "column \($0 + 1)" })], rows: rows,
      footer: [
        "The cosine between the position of one patch and those of all patches, from the least to the "
          + "most of each map."
      ])
  }

  /// The cosines between the positions of all patches, `N·N` numbers row by row.
  func positionCosines() -> [Float] {
    withoutGradients {
      let table = encoder.positions.detached().to(.cpu).to(.float64)[0, 1...]  // [N, D]
      let unit = table / table.norm(along: 1, keepingDimensions: true).clamped(atLeast: 1e-12)
      return unit.matmul(unit.transposed(0, 1)).to(.float32).floats()
    }
  }
}
