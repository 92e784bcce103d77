import Torch

/// How a tensor gets its first values.
public enum Initializer {
  /// All the same.
  case constant(Double)
  /// Uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
  case xavierUniform(fanIn: Int, fanOut: Int)
  /// Uniform in ±bound.
  case uniform(bound: Double)
  /// Normal around 0.
  case normal(std: Double)
  /// Normal around 0, of which what lies beyond two deviations is drawn again.
  case truncatedNormal(std: Double)
  /// Given values, row by row.
  case values([Float])

  /// Uniform in ±1/√(fan in): what PyTorch gives convolutions and their biases.
  public static func uniform(fanIn: Int) -> Initializer {
    .uniform(bound: 1 / Double(fanIn).squareRoot())
  }

  /// Normal with a variance of 2 / (fan out), for layers that a ReLU follows (He et al., 2015).
  public static func kaimingNormal(fanOut: Int) -> Initializer {
    .normal(std: (2 / Double(fanOut)).squareRoot())
  }

  /// Normal with a variance of 1 / (fan in), without what lies beyond two deviations of the normal that
  /// it is cut from (LeCun et al., 1998; as JAX, TensorFlow and timm have it).
  public static func lecunNormal(fanIn: Int) -> Initializer {
    // The deviation of a standard normal that is cut off at ±2.
    .truncatedNormal(std: (1 / Double(fanIn)).squareRoot() / 0.879_625_661_034_239_78)
  }

  func fill(_ tensor: Tensor, using generator: Generator) {
    switch self {
    case .constant(let value):
      tensor.fill(value)
    case .xavierUniform(let fanIn, let fanOut):
      let bound = (6 / Double(fanIn + fanOut)).squareRoot()
      tensor.fillUniform(-bound..<bound, using: generator)
    case .uniform(let bound):
      tensor.fillUniform(-bound..<bound, using: generator)
    case .normal(let std):
      tensor.fillNormal(std: std, using: generator)
    case .truncatedNormal(let std):
      tensor.fillNormal(std: 1, using: generator)
      // One in 22 is drawn again; after so many rounds none is left.
      for _ in 0..<16 {
        let others = Tensor.randn(tensor.shape, using: generator).to(tensor.device)
        tensor.copy(Tensor.where(tensor.abs() .> 2, others, tensor))
      }
      tensor.copy(tensor * std)
    case .values(let values):
      tensor.copy(Tensor(values, shape: tensor.shape))
    }
  }
}
