public import Torch
public import TorchOptim

/// A linear classifier on frozen features: softmax regression on standardised rows, solved to the
/// end by L-BFGS.
///
/// The objective is `½‖W‖² + C·Σ cross-entropy`, as scikit-learn's `LogisticRegression` has it. The
/// paper's own protocol (SGD or LARS over augmented images) is another one.
public struct LinearProbe {
  /// The weight of the data against the length of the weights, C.
  public let strength: Double
  private let weight: Tensor  // [K, D]
  private let bias: Tensor  // [K]
  private let mean: Tensor  // [1, D]
  private let deviation: Tensor  // [1, D]

  /// How the solution was reached.
  public let outcome: LBFGS.Outcome

  /// Fits the classifier.
  public init(_ features: Features, classes: Int, strength: Double = 1) {
    self.strength = strength
    let rows = features.rows
    mean = rows.mean([0], keepingDimensions: true)
    deviation = rows.variance([0], correction: 0, keepingDimensions: true)
      .squareRoot().clamped(atLeast: 1e-6)
    // In float64: the search for the way down must not end where rounding hides it.
    let standard = ((rows - mean) / deviation).to(.float64)
    let labels = Tensor(features.labels)
    let weight = Tensor.zeros([classes, rows.shape[1]], dtype: .float64)
    let bias = Tensor.zeros([classes], dtype: .float64)
    weight.requiresGradient = true
    bias.requiresGradient = true
    // Divided by C·n: the same solution, with a gradient whose size does not depend on n.
    let decay = 0.5 / (strength * Double(features.labels.count))
    outcome = LBFGS().minimize([weight, bias]) {
      standard.linear(weight, bias).crossEntropy(with: labels) + weight.squared().sum() * decay
    }
    (self.weight, self.bias) = (weight.detached().to(.float32), bias.detached().to(.float32))
  }

  /// The same scores from rows that are not standardised: weights `[K, D]` and biases `[K]`.
  var folded: (weight: Tensor, bias: Tensor) {
    let scaled = weight.to(.float64) / deviation.to(.float64)
    let shift = (scaled * mean.to(.float64)).sum([1])
    return (scaled.to(.float32), (bias.to(.float64) - shift).to(.float32))
  }

  /// The score of every class for every row, row by row: `[n, D]` → `n·K` numbers.
  public func scores(for rows: Tensor) -> [Float] {
    withoutGradients { ((rows - mean) / deviation).linear(weight, bias) }.array()
  }
}
