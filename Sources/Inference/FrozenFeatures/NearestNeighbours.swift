import Evaluation
public import Torch

/// Classification by the nearest neighbours in the space of frozen features (Wu et al., 2018).
public struct NearestNeighbours {
  /// Neighbours that vote.
  public var count: Int
  /// A vote weighs `exp(similarity / temperature)`; 0.07 is customary.
  public var temperature: Double

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
    let known = labelled.rows.unitLength
    let neighbours = min(count, labelled.labels.count)
    let vote = NeighborVote(classes: classes, weighting: .exponential(temperature: temperature))
    var scores: [Float] = []
    for chunk in rows.split(1024, along: 0) {
      let best = withoutGradients {
        chunk.unitLength.matmul(known.transposed(0, 1)).topK(neighbours)
      }
      let similarities: [Float] = best.values.array()
      let indices: [Int] = best.indices.array()
      for row in 0..<chunk.shape[0] {
        let span = row * neighbours..<(row + 1) * neighbours
        scores += vote.scores(
          similarities: Array(similarities[span]),
          labels: indices[span].map { labelled.labels[$0] })
      }
    }
    return scores
  }
}

extension Tensor {
  /// Rows divided by their lengths.
  var unitLength: Tensor {
    self / norm(along: 1, keepingDimensions: true).clamped(atLeast: 1e-12)
  }
}
