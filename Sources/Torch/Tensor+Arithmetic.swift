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
    static let sign = Op("sign")
    static let sqrt = Op("sqrt")
    static let rsqrt = Op("rsqrt")
    static let exp = Op("exp")
    static let log = Op("log")
    static let square = Op("square")
    static let sin = Op("sin")
    static let cos = Op("cos")
    static let floor = Op("floor")
    static let round = Op("round")
    static let powScalar = Op("pow", "Tensor_Scalar")
    static let clamp = Op("clamp")
    static let maximum = Op("maximum")
    static let minimum = Op("minimum")
    static let add_ = Op("add_", "Tensor")
    static let mul_ = Op("mul_", "Scalar")
    static let mulTensor_ = Op("mul_", "Tensor")
    static let copy_ = Op("copy_")
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
  /// A number less each element.
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
  /// The elements with the other sign.
  public static prefix func - (a: Tensor) -> Tensor { Ops.neg(a) }

  /// Absolute values.
  public func abs() -> Tensor { Ops.abs(self) }

  /// −1, 0 or 1 for each element.
  public func sign() -> Tensor { Ops.sign(self) }
  /// Square roots.
  public func squareRoot() -> Tensor { Ops.sqrt(self) }
  /// One over the square roots.
  public func reciprocalSquareRoot() -> Tensor { Ops.rsqrt(self) }
  /// Squares.
  public func squared() -> Tensor { Ops.square(self) }
  /// e to the power of each element.
  public func exp() -> Tensor { Ops.exp(self) }
  /// Natural logarithms.
  public func log() -> Tensor { Ops.log(self) }
  /// Sines of angles in radians.
  public func sin() -> Tensor { Ops.sin(self) }
  /// Cosines of angles in radians.
  public func cos() -> Tensor { Ops.cos(self) }
  /// The next whole number at or below each element.
  public func floor() -> Tensor { Ops.floor(self) }
  /// The nearest whole number, the even one of two that are as near.
  public func rounded() -> Tensor { Ops.round(self) }

  /// Each element to a power.
  public func power(_ exponent: Double) -> Tensor { Ops.powScalar(self, exponent) }

  /// Each element moved into the range.
  public func clamped(to range: ClosedRange<Double>) -> Tensor {
    Ops.clamp(self, range.lowerBound, range.upperBound)
  }

  /// Each element, or the bound where it is smaller.
  public func clamped(atLeast bound: Double) -> Tensor { Ops.clamp(self, bound) }

  /// The larger of two elements, element by element.
  public func maximum(_ other: Tensor) -> Tensor { Ops.maximum(self, other) }

  /// The smaller of two elements, element by element.
  public func minimum(_ other: Tensor) -> Tensor { Ops.minimum(self, other) }

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
