/// Fixed two-dimensional sine-cosine positions, `[1 + N, D]` row by row, the first row zero for the
/// class token.
///
/// Half of the width encodes the column and half the row of a patch, each half as `D/4` sines
/// followed by `D/4` cosines of `position / 10000^(i / (D/4))`, computed in double precision
/// (Vaswani et al., 2017, §3.5; He et al., 2022, A.1; column first, as in the published code).
///
/// - Precondition: `width` is a multiple of 4.
public func sineCosinePositions(_ grid: PatchGrid, width: Int) -> [Float] {
  precondition(width % 4 == 0, "sine-cosine positions need a width that 4 divides, not \(width)")
  let quarter = width / 4
  let frequencies = (0..<quarter).map { 1 / power(10_000, Double($0) / Double(quarter)) }
  var table = [Float](repeating: 0, count: (1 + grid.count) * width)
  for row in 0..<grid.rows {
    for column in 0..<grid.columns {
      let start = (1 + row * grid.columns + column) * width
      for (axis, position) in [column, row].enumerated() {
        for (i, frequency) in frequencies.enumerated() {
          let angle = Double(position) * frequency
          table[start + axis * 2 * quarter + i] = Float(sine(angle))
          table[start + axis * 2 * quarter + quarter + i] = Float(cosine(angle))
        }
      }
    }
  }
  return table
}
