import Evaluation
public import Torch

/// Classification by the nearest neighbours in the space of frozen features (Wu et al., 2018).
///
/// Similarities are computed a block at a time on both sides, and of each row only its `k` best are
/// kept, so that memory beyond the features is bounded: two blocks of `blockBytes` and a quarter
/// more for sorting (640 MiB), and `8·k` bytes for each row that is classified. The result does not
/// depend on the blocks: of rows that are equally similar, those that come first among the labelled
/// rows vote.
public struct NearestNeighbours: Hashable, Sendable {
  /// Neighbours that vote, `k`.
  public var count: Int
  /// A vote weighs `exp(similarity / temperature)`; 0.07 is customary.
  public var temperature: Double

  /// Bytes of a block of similarities, and of a block of labelled rows.
  var blockBytes = 256 << 20
  /// Rows that are classified in a block.
  var blockRows = 1024

  /// Creates a classifier.
  public init(count: Int = 20, temperature: Double = 0.07) {
    self.count = count
    self.temperature = temperature
  }

  /// The classes' shares of the votes for every row, by cosine similarity to the labelled rows; row
  /// by row, `n·K` numbers.
  ///
  /// - Parameters:
  ///   - labelled: Rows whose classes are known.
  ///   - rows: Rows to classify, `[n, D]`.
  ///   - classes: Number of classes.
  public func scores(for rows: Tensor, from labelled: Features, classes: Int) -> [Float] {
    var scores: [Float] = []
    forEachScores(for: rows, from: labelled, classes: classes) { part, _ in scores += part }
    return scores
  }

  /// Hands over the scores of some rows at a time, in order.
  func forEachScores(
    for rows: Tensor, from labelled: Features, classes: Int,
    _ body: (_ scores: [Float], _ rows: Range<Int>) -> Void
  ) {
    let vote = NeighborVote(classes: classes, weighting: .exponential(temperature: temperature))
    let nearest = nearest(to: rows, among: labelled.rows)
    let total = rows.shape[0]
    for start in stride(from: 0, to: total, by: blockRows) {
      let block = start..<min(start + blockRows, total)
      var scores: [Float] = []
      for row in block {
        let span = row * nearest.count..<(row + 1) * nearest.count
        scores += vote.scores(
          similarities: Array(nearest.similarities[span]),
          labels: nearest.indices[span].map { labelled.labels[Int($0)] })
      }
      body(scores, block)
    }
  }

  /// The neighbours of each row, the most similar first and of equally similar ones that of the
  /// lower number first.
  struct Nearest {
    /// Neighbours of each row, `k`, or all labelled rows where they are fewer.
    var count: Int
    /// Cosine similarities, `n·k`, row by row.
    var similarities: [Float]
    /// The neighbours' numbers among the labelled rows, `n·k`.
    var indices: [Int32]
  }

  /// Labelled rows in a block.
  func blockOfLabelled(width: Int) -> Int {
    max(1, blockBytes / (4 * max(blockRows, width)))
  }

  /// Finds the neighbours of rows `[n, D]` among labelled rows `[m, D]`.
  func nearest(to rows: Tensor, among labelled: Tensor) -> Nearest {
    let (total, known) = (rows.shape[0], labelled.shape[0])
    let count = min(count, known)
    var found = Nearest(
      count: count, similarities: [Float](repeating: 0, count: total * count),
      indices: [Int32](repeating: 0, count: total * count))
    var filled = 0
    let size = blockOfLabelled(width: labelled.shape[1])
    for start in stride(from: 0, to: known, by: size) {
      let block = labelled.narrowed(0, to: start..<min(start + size, known)).unitLength
      let taken = min(count, block.shape[0])
      let more = min(taken + 1, block.shape[0])
      var row = 0
      for chunk in rows.split(blockRows, along: 0) {
        let (similarities, best) = withoutGradients {
          let similarities = chunk.unitLength.matmul(block.transposed(0, 1))  // [B, m]
          return (similarities, similarities.topK(more))
        }
        let values: [Float] = best.values.array()
        let indices: [Int] = best.indices.array()
        for place in 0..<chunk.shape[0] {
          let span = place * more..<(place + 1) * more
          var candidates = Candidates(values[span].prefix(taken), indices[span].prefix(taken))
          if more > taken, values[span.upperBound - 1] == values[span.upperBound - 2] {
            // Equally similar rows on both sides of the border: the first of them are taken.
            candidates = Candidates(
              taken, of: similarities.selected(place, along: 0).floats(),
              border: values[span.upperBound - 1])
          }
          found.merge(candidates, into: row + place, filled: filled, from: start)
        }
        row += chunk.shape[0]
      }
      filled = min(count, filled + taken)
    }
    return found
  }
}

/// The most similar rows of a block, the most similar first, of equally similar ones the first.
private struct Candidates {
  var list: [(similarity: Float, index: Int)]

  /// Takes the sorted values and their numbers, of which equal values may be in any order.
  init(_ values: ArraySlice<Float>, _ indices: ArraySlice<Int>) {
    list = Array(zip(values, indices))
    for place in list.indices.dropFirst() {
      var place = place
      while place > 0, list[place - 1].similarity == list[place].similarity,
        list[place - 1].index > list[place].index
      {
        list.swapAt(place - 1, place)
        place -= 1
      }
    }
  }

  /// Takes `count` of all similarities: those above the border, and the first that equal it.
  init(_ count: Int, of similarities: [Float], border: Float) {
    let above = similarities.indices.filter { similarities[$0] > border }
      .sorted { (similarities[$1], $0) < (similarities[$0], $1) }
    let equal = similarities.indices.lazy.filter { similarities[$0] == border }
      .prefix(count - above.count)
    list = (above + equal).map { (similarities[$0], $0) }
  }
}

extension NearestNeighbours.Nearest {
  /// Adds the candidates of a later block to a row that has `filled` neighbours.
  fileprivate mutating func merge(
    _ candidates: Candidates, into row: Int, filled: Int, from start: Int
  ) {
    let base = row * count
    let known = (base..<base + filled).map { (similarities[$0], indices[$0]) }
    var (old, new) = (0, 0)
    let total = min(count, filled + candidates.list.count)
    for place in base..<base + total {
      let takesOld =
        new == candidates.list.count
        || old < filled && !(candidates.list[new].similarity > known[old].0)
      if takesOld {
        (similarities[place], indices[place]) = known[old]
        old += 1
      } else {
        similarities[place] = candidates.list[new].similarity
        indices[place] = Int32(start + candidates.list[new].index)
        new += 1
      }
    }
  }
}

extension Tensor {
  /// Rows divided by their lengths.
  var unitLength: Tensor {
    self / norm(along: 1, keepingDimensions: true).clamped(atLeast: 1e-12)
  }
}
