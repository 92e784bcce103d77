extension Tensor {
  private enum Ops {
    static let add = Op("add", "Tensor")
    static let addScalar = Op("add", "Scalar")
    static let sub = Op("sub", "Tensor")
    static let subScalar = Op("sub", "Scalar")
    static let rsubScalar = Op("rsub", "Scalar")
    static let mul = Op("mul", "Tensor")
    static let mulScalar = Op("mul", "Scalar")
    static let div = Op("div", "Tensor")
    static let divScalar = Op("div", "Scalar")
    static let reciprocal = Op("reciprocal")
    static let neg = Op("neg")
    static let abs = Op("abs")
    static let sqrt = Op("sqrt")
    static let rsqrt = Op("rsqrt")
    static let exp = Op("exp")
    static let log = Op("log")
    static let square = Op("square")
    static let powScalar = Op("pow", "Tensor_Scalar")
    static let clamp = Op("clamp")
    static let maximum = Op("maximum")
    static let minimum = Op("minimum")
    static let matmul = Op("matmul")
    static let eq = Op("eq", "Tensor")
    static let eqScalar = Op("eq", "Scalar")
    static let ltScalar = Op("lt", "Scalar")
    static let gtScalar = Op("gt", "Scalar")
    static let whereSelf = Op("where", "self")
    static let isfinite = Op("isfinite")
    static let add_ = Op("add_", "Tensor")
    static let mul_ = Op("mul_", "Scalar")
    static let mulTensor_ = Op("mul_", "Tensor")
    static let copy_ = Op("copy_")
    static let zero_ = Op("zero_")
    static let fill_ = Op("fill_", "Scalar")
    static let lerp_ = Op("lerp_", "Scalar")
  }

  /// Element by element, with broadcasting.
  public static func + (a: Tensor, b: Tensor) -> Tensor { Ops.add(a, b) }
  public static func + (a: Tensor, b: Double) -> Tensor { Ops.addScalar(a, b) }
  /// With a whole number, which leaves whole numbers whole.
  public static func + (a: Tensor, b: Int) -> Tensor { Ops.addScalar(a, b) }
  /// Element by element, with broadcasting.
  public static func - (a: Tensor, b: Tensor) -> Tensor { Ops.sub(a, b) }
  public static func - (a: Tensor, b: Double) -> Tensor { Ops.subScalar(a, b) }
  /// With a whole number, which leaves whole numbers whole.
  public static func - (a: Tensor, b: Int) -> Tensor { Ops.subScalar(a, b) }
  public static func - (a: Double, b: Tensor) -> Tensor { Ops.rsubScalar(b, a) }
  /// Element by element, with broadcasting.
  public static func * (a: Tensor, b: Tensor) -> Tensor { Ops.mul(a, b) }
  public static func * (a: Tensor, b: Double) -> Tensor { Ops.mulScalar(a, b) }
  /// With a whole number, which leaves whole numbers whole.
  public static func * (a: Tensor, b: Int) -> Tensor { Ops.mulScalar(a, b) }
  public static func * (a: Double, b: Tensor) -> Tensor { Ops.mulScalar(b, a) }
  /// Element by element, with broadcasting.
  public static func / (a: Tensor, b: Tensor) -> Tensor { Ops.div(a, b) }
  public static func / (a: Tensor, b: Double) -> Tensor { Ops.divScalar(a, b) }
  /// A number over each element.
  public static func / (a: Double, b: Tensor) -> Tensor { Ops.reciprocal(b) * a }
  public static prefix func - (a: Tensor) -> Tensor { Ops.neg(a) }

  /// Absolute value.
  public var magnitude: Tensor { Ops.abs(self) }
  /// Square root.
  public var squareRoot: Tensor { Ops.sqrt(self) }
  /// One over the square root.
  public var reciprocalSquareRoot: Tensor { Ops.rsqrt(self) }
  /// The square.
  public var squared: Tensor { Ops.square(self) }
  /// e to the power of each element.
  public var exponential: Tensor { Ops.exp(self) }
  /// Natural logarithm.
  public var logarithm: Tensor { Ops.log(self) }

  /// Each element to a power.
  public func power(_ exponent: Double) -> Tensor { Ops.powScalar(self, exponent) }

  /// Each element moved into the range.
  public func clamped(to range: ClosedRange<Double>) -> Tensor {
    Ops.clamp(self, range.lowerBound, range.upperBound)
  }

  /// Each element, or the bound where it is smaller.
  public func clamped(atLeast bound: Double) -> Tensor { Ops.clamp(self, bound) }

  /// The product of matrices, over the last two dimensions.
  public func matmul(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.matmul(self, other, file: file, line: line)
  }

  /// Where two tensors agree.
  public func equal(to other: Tensor) -> Tensor { Ops.eq(self, other) }
  /// Where elements equal a value.
  public func equal(to value: Double) -> Tensor { Ops.eqScalar(self, value) }
  /// Where elements are below a value.
  public func less(than value: Double) -> Tensor { Ops.ltScalar(self, value) }
  /// Where elements are above a value.
  public func greater(than value: Double) -> Tensor { Ops.gtScalar(self, value) }
  /// Where elements are neither infinite nor NaN.
  public var isFinite: Tensor { Ops.isfinite(self) }

  /// Elements of `self` where `condition` holds, of `other` elsewhere.
  public func selected(where condition: Tensor, else other: Tensor) -> Tensor {
    Ops.whereSelf(condition, self, other)
  }

  /// Adds `scale` times another tensor in place.
  @discardableResult
  public func add(
    _ other: Tensor, scale: Double = 1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.add_(self, other, scale, file: file, line: line)
  }

  /// Multiplies in place.
  @discardableResult
  public func multiply(by factor: Double) -> Tensor { Ops.mul_(self, factor) }

  /// Multiplies in place, element by element.
  @discardableResult
  public func multiply(by other: Tensor) -> Tensor { Ops.mulTensor_(self, other) }

  /// Moves in place towards another tensor: `self + weight · (other − self)`.
  @discardableResult
  public func interpolate(to other: Tensor, weight: Double) -> Tensor {
    Ops.lerp_(self, other, weight)
  }

  /// Copies another tensor's elements here, converting type and device.
  @discardableResult
  public func copy(
    _ source: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.copy_(self, source, file: file, line: line)
  }

  /// Sets every element in place.
  @discardableResult
  public func fill(_ value: Double) -> Tensor { Ops.fill_(self, value) }
}
