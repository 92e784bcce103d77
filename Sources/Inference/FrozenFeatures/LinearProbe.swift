public import Torch
public import TorchOptim

/// A linear classifier on frozen features: softmax regression on standardised rows, solved to the
/// end by L-BFGS.
///
/// The objective is `½‖W‖² + C·Σ cross-entropy`, as scikit-learn's `LogisticRegression` has it. The
/// paper's own protocol (SGD or LARS over augmented images) is another one.
///
/// Rows are standardised in float64 a block at a time, and the blocks' losses and gradients are
/// added in the order of the rows, so that the answer is the same every time and memory beyond the
/// features is bounded: at most twice `blockBytes` (2 GiB) and what L-BFGS remembers, about
/// `200·K·D` bytes. Features that fit into one block are standardised once.
public struct LinearProbe {
  /// Bytes of a block: its rows in float64, its logits and their gradients.
  static let blockBytes = 1 << 30

  /// The weight of the data against the length of the weights, C.
  public let strength: Double
  private let weight: Tensor  // [K, D]
  private let bias: Tensor  // [K]
  private let mean: Tensor  // [1, D]
  private let std: Tensor  // [1, D]

  /// How the solution was reached.
  public let outcome: LBFGS.Outcome

  /// Fits the classifier.
  public init(_ features: Features, classes: Int, strength: Double = 1) {
    self.init(features, classes: classes, strength: strength, blockBytes: Self.blockBytes)
  }

  /// Fits the classifier with blocks of another size.
  init(_ features: Features, classes: Int, strength: Double, blockBytes: Int) {
    self.strength = strength
    let rows = features.rows
    let (count, width) = (rows.shape[0], rows.shape[1])
    let mean = rows.mean([0], keepingDimensions: true)
    let std = rows.variance([0], correction: 0, keepingDimensions: true)
      .squareRoot().clamped(atLeast: 1e-6)
    (self.mean, self.std) = (mean, std)
    let weight = Tensor.zeros([classes, width], dtype: .float64)
    let bias = Tensor.zeros([classes], dtype: .float64)
    weight.requiresGradient = true
    bias.requiresGradient = true
    // Divided by C·n: the same solution, with a gradient whose size does not depend on n.
    let decay = 0.5 / (strength * Double(count))
    // In float64: the search for the way down must not end where rounding hides it.
    func standard(_ block: Range<Int>) -> Tensor {
      ((rows.narrowed(0, to: block) - mean) / std).to(.float64)
    }
    let blocks = Self.blocks(of: count, bytesOfRow: Self.bytesOfRow(width, classes), blockBytes)
    let whole = blocks.count == 1 ? standard(0..<count) : nil
    outcome = LBFGS().minimize([weight, bias], parts: blocks.count) { number in
      let block = blocks[number]
      let labels = Tensor(Array(features.labels[block]))
      let loss = (whole ?? standard(block)).linear(weight, bias).crossEntropy(with: labels)
      let share = blocks.count == 1 ? loss : loss * (Double(block.count) / Double(count))
      return number == 0 ? share + weight.squared().sum() * decay : share
    }
    (self.weight, self.bias) = (weight.detached().to(.float32), bias.detached().to(.float32))
  }

  /// Bytes that a row of a block takes while its loss is differentiated: itself, its logits, their
  /// logarithms and their gradients.
  static func bytesOfRow(_ width: Int, _ classes: Int) -> Int { 8 * (width + 3 * classes) }

  /// The rows in blocks of so many bytes, in order.
  private static func blocks(of count: Int, bytesOfRow: Int, _ bytes: Int) -> [Range<Int>] {
    let size = max(1, bytes / bytesOfRow)
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// The same scores from rows that are not standardised: weights `[K, D]` and biases `[K]`.
  var folded: (weight: Tensor, bias: Tensor) {
    let scaled = weight.to(.float64) / std.to(.float64)
    let shift = (scaled * mean.to(.float64)).sum([1])
    return (scaled.to(.float32), (bias.to(.float64) - shift).to(.float32))
  }

  /// The score of every class for every row, row by row: `[n, D]` → `n·K` numbers.
  public func scores(for rows: Tensor) -> [Float] {
    var scores: [Float] = []
    forEachScores(for: rows) { part, _ in scores += part }
    return scores
  }

  /// Hands over the scores of some rows at a time, in order.
  func forEachScores(
    for rows: Tensor, blockBytes: Int = LinearProbe.blockBytes,
    _ body: (_ scores: [Float], _ rows: Range<Int>) -> Void
  ) {
    let size = 4 * (2 * rows.shape[1] + weight.shape[0])
    for block in Self.blocks(of: rows.shape[0], bytesOfRow: size, blockBytes) {
      let part = rows.narrowed(0, to: block)
      body(withoutGradients { ((part - mean) / std).linear(weight, bias) }.array(), block)
    }
  }
}
