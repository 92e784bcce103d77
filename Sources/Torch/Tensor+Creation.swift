extension Tensor {
  private enum Ops {
    static let empty = Op("empty", "memory_format")
    static let zeros = Op("zeros")
    static let ones = Op("ones")
    static let full = Op("full")
    static let arange = Op("arange", "start")
    static let rand = Op("rand", "generator")
    static let randn = Op("randn", "generator")
    static let randperm = Op("randperm", "generator")
    static let uniform_ = Op("uniform_")
    static let normal_ = Op("normal_")
    static let zerosLike = Op("zeros_like")
    static let onesLike = Op("ones_like")
  }

  /// Memory as it comes; every element is to be written.
  public static func empty(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.empty(shape, dtype, Int?.none, device, file: file, line: line)
  }

  /// All zeros.
  public static func zeros(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.zeros(shape, dtype, Int?.none, device, file: file, line: line)
  }

  /// All ones.
  public static func ones(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.ones(shape, dtype, Int?.none, device, file: file, line: line)
  }

  /// All the same value.
  public static func full(
    _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.full(shape, value, dtype, Int?.none, device, file: file, line: line)
  }

  /// The whole numbers of a range, as int64.
  public static func arange(_ range: Range<Int>, device: Device = .cpu) -> Tensor {
    Ops.arange(range.lowerBound, range.upperBound, DType.int64, Int?.none, device)
  }

  /// Uniform in [0, 1).
  public static func rand(
    _ shape: [Int], using generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    Ops.rand(shape, generator, dtype)
  }

  /// Normal with mean 0 and variance 1.
  public static func randn(
    _ shape: [Int], using generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    Ops.randn(shape, generator, dtype)
  }

  /// The numbers below `count` in random order, as int64.
  public static func randomPermutation(_ count: Int, using generator: Generator) -> Tensor {
    Ops.randperm(count, generator)
  }

  /// Fills with uniform numbers in place.
  @discardableResult
  public func fillUniform(_ range: Range<Double>, using generator: Generator) -> Tensor {
    Ops.uniform_(self, range.lowerBound, range.upperBound, generator)
  }

  /// Fills with normal numbers in place.
  @discardableResult
  public func fillNormal(
    mean: Double = 0, std: Double, using generator: Generator
  ) -> Tensor {
    Ops.normal_(self, mean, std, generator)
  }

  /// Zeros of the same shape, type and device.
  public func zerosLike() -> Tensor { Ops.zerosLike(self) }

  /// Ones of the same shape, type and device.
  public func onesLike() -> Tensor { Ops.onesLike(self) }
}
