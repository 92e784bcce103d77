public import Torch

/// The principal components of rows that come in portions: their mean, and the directions of
/// largest variance.
///
/// Sums are in float64, so that many rows can be added. Equal to scikit-learn's `PCA` with its full
/// solver, its signs too: the element of a component that is largest in magnitude is positive.
public struct PrincipalComponents {
  /// Rows added so far.
  public private(set) var count = 0
  private var sum: Tensor
  private var products: Tensor

  /// Begins with no rows.
  ///
  /// - Parameter values: Numbers of a row, `V`.
  public init(of values: Int) {
    sum = Tensor.zeros([values], dtype: .float64)
    products = Tensor.zeros([values, values], dtype: .float64)
  }

  /// Adds rows: `[…, V]`, of any floating type and on any device.
  public mutating func add(_ rows: Tensor) {
    let values = sum.shape[0]
    let wide = rows.detached().to(.cpu).to(.float64).reshaped([-1, values])
    count += wide.shape[0]
    sum.add(wide.sum([0]))
    products.add(wide.transposed(0, 1).matmul(wide))
  }

  /// The mean of the rows, `[V]` float64.
  public var mean: Tensor { sum / Double(max(1, count)) }

  /// The directions of largest variance, the largest first, and the variances along them (over
  /// `count − 1`): `[K, V]` and `[V]` float64.
  ///
  /// - Precondition: There are rows, and `number` is from 1 to `V`.
  public func largest(_ number: Int) -> (components: Tensor, variances: Tensor) {
    precondition(count > 0 && (1...sum.shape[0]).contains(number))
    let mean = mean
    let outer = mean.unsqueezed(1).matmul(mean.unsqueezed(0))
    let covariance = (products - outer * Double(count)) / Double(max(1, count - 1))
    let (values, vectors) = covariance.eigh()  // ascending; vectors are columns
    let components = vectors.transposed(0, 1).flipped([0])[0..<number].contiguous()
    let places = components.abs().argmax(along: 1, keepingDimensions: true)
    let signs = components.gathered(places, along: 1).sign()
    return (components * signs, values.flipped([0]).clamped(atLeast: 0))
  }
}
