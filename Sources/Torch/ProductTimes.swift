internal import Synchronization

/// Seconds that products of float32 matrices of one shape take by each of the libraries that compute
/// them, on the CPU and without gradients.
///
/// Which is faster depends on the processor, the threads and the shape; even of one maker's processors
/// each library wins on some. So a product that is large enough is timed the
/// first time that a process meets its shape, on its own operands, and the faster library computes
/// it from then on. ``remember(loading:keeping:)`` hands measurements to the next process.
public struct ProductTimes: Codable, Hashable, Sendable {
  /// What is timed once.
  public struct Shape: Codable, Hashable, Sendable {
    /// Rows of the first matrix: a power of two that they reach, 512 at most.
    public let rows: Int
    /// Columns of the first matrix.
    public let inputs: Int
    /// Rows of the weight.
    public let outputs: Int
    /// Whether GELU follows.
    public let hasGELU: Bool
    /// Threads that compute it.
    public let threads: Int

    init(rows: Int, inputs: Int, outputs: Int, hasGELU: Bool, threads: Int) {
      let rows = max(1, min(rows, ProductTimes.mostRows))
      self.rows = 1 << (Int.bitWidth - 1 - rows.leadingZeroBitCount)
      self.inputs = inputs
      self.outputs = outputs
      self.hasGELU = hasGELU
      self.threads = threads
    }
  }

  public let shape: Shape
  /// Seconds by libtorch's own choice, most often MKL.
  public let libtorch: Double
  /// Seconds by oneDNN.
  public let onednn: Double

  package init(_ shape: Shape, libtorch: Double, onednn: Double) {
    self.shape = shape
    self.libtorch = libtorch
    self.onednn = onednn
  }

  /// How many times as fast oneDNN has to be: a gain within the noise of a measurement is none.
  public static let leastGain = 1.05

  /// The library that computes such products.
  public var fastest: ProductKernel {
    onednn * Self.leastGain <= libtorch ? .onednn : .libtorch
  }

  /// More rows than these are not timed: the faster library is the same.
  static let mostRows = 512

  /// Multiplications below which a product is not worth timing: calls take as long.
  static let fewestMultiplications = 2_000_000
}

extension ProductTimes {
  private struct Known {
    var times: [Shape: ProductTimes] = [:]
    var isLoaded = false
    var load: @Sendable () -> [ProductTimes] = { [] }
    var keep: @Sendable ([ProductTimes]) -> Void = { _ in }
  }

  private static let known = Mutex(Known())

  /// Says where measurements are from that an earlier process has made, and where this one's go.
  ///
  /// - Parameters:
  ///   - load: Called once, before the first measurement.
  ///   - keep: Called after each one, with all that are known.
  public static func remember(
    loading load: @escaping @Sendable () -> [ProductTimes],
    keeping keep: @escaping @Sendable ([ProductTimes]) -> Void
  ) {
    known.withLock {
      $0.isLoaded = false
      $0.load = load
      $0.keep = keep
    }
  }

  /// The faster library for a shape: what is known, or what `measure` finds. Threads that meet a shape
  /// while it is measured wait.
  static func kernel(for shape: Shape, measuring measure: () -> ProductTimes) -> ProductKernel {
    known.withLock { known in
      if !known.isLoaded {
        known.isLoaded = true
        for times in known.load() where times.libtorch > 0 && times.onednn > 0 {
          known.times[times.shape] = known.times[times.shape] ?? times
        }
      }
      if let times = known.times[shape] { return times.fastest }
      let times = measure()
      known.times[shape] = times
      known.keep(Array(known.times.values))
      return times.fastest
    }
  }

  /// The least of three rounds each, in turn, after one that is not counted.
  ///
  /// - Parameter seconds: What a product takes by a library.
  static func measured(_ shape: Shape, seconds: (ProductKernel) -> Double) -> ProductTimes {
    var (libtorch, onednn) = (Double.infinity, Double.infinity)
    for round in 0...3 {
      let times = (seconds(.libtorch), seconds(.onednn))
      guard round > 0 else { continue }
      libtorch = min(libtorch, times.0)
      onednn = min(onednn, times.1)
    }
    return ProductTimes(shape, libtorch: libtorch, onednn: onednn)
  }
}
