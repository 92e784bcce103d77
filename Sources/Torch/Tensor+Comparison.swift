extension Tensor {
  private enum Ops {
    static let eq = Op("eq", "Tensor")
    static let eqScalar = Op("eq", "Scalar")
    static let ne = Op("ne", "Tensor")
    static let neScalar = Op("ne", "Scalar")
    static let lt = Op("lt", "Tensor")
    static let ltScalar = Op("lt", "Scalar")
    static let le = Op("le", "Tensor")
    static let leScalar = Op("le", "Scalar")
    static let gt = Op("gt", "Tensor")
    static let gtScalar = Op("gt", "Scalar")
    static let ge = Op("ge", "Tensor")
    static let geScalar = Op("ge", "Scalar")
    static let logicalAnd = Op("logical_and")
    static let logicalOr = Op("logical_or")
    static let logicalNot = Op("logical_not")
    static let isfinite = Op("isfinite")
    static let isnan = Op("isnan")
    static let whereSelf = Op("where", "self")
  }

  // The operators of SIMD vectors in the standard library: a dot, since the result has an answer
  // for each element and is no Bool.

  /// Where two tensors agree, with broadcasting; a tensor of `bool`.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { Ops.eq(a, b) }
  public static func .== (a: Tensor, b: Double) -> Tensor { Ops.eqScalar(a, b) }
  /// Where two tensors differ, with broadcasting.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { Ops.ne(a, b) }
  public static func .!= (a: Tensor, b: Double) -> Tensor { Ops.neScalar(a, b) }
  /// Where the left elements are smaller, with broadcasting.
  public static func .< (a: Tensor, b: Tensor) -> Tensor { Ops.lt(a, b) }
  public static func .< (a: Tensor, b: Double) -> Tensor { Ops.ltScalar(a, b) }
  /// Where the left elements are smaller or equal, with broadcasting.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { Ops.le(a, b) }
  public static func .<= (a: Tensor, b: Double) -> Tensor { Ops.leScalar(a, b) }
  /// Where the left elements are larger, with broadcasting.
  public static func .> (a: Tensor, b: Tensor) -> Tensor { Ops.gt(a, b) }
  public static func .> (a: Tensor, b: Double) -> Tensor { Ops.gtScalar(a, b) }
  /// Where the left elements are larger or equal, with broadcasting.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { Ops.ge(a, b) }
  public static func .>= (a: Tensor, b: Double) -> Tensor { Ops.geScalar(a, b) }

  /// Where both are true, or not zero.
  public static func .& (a: Tensor, b: Tensor) -> Tensor { Ops.logicalAnd(a, b) }
  /// Where either is true, or not zero.
  public static func .| (a: Tensor, b: Tensor) -> Tensor { Ops.logicalOr(a, b) }
  /// Where an element is false, or zero.
  public static prefix func .! (a: Tensor) -> Tensor { Ops.logicalNot(a) }

  /// Where elements are neither infinite nor NaN.
  public func isFinite() -> Tensor { Ops.isfinite(self) }
  /// Where elements are NaN.
  public func isNaN() -> Tensor { Ops.isnan(self) }

  /// Elements of `a` where `condition` holds, of `b` elsewhere, with broadcasting.
  public static func `where`(
    _ condition: Tensor, _ a: Tensor, _ b: Tensor,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.whereSelf(condition, a, b, file: file, line: line)
  }
}
