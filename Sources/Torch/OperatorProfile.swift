internal import CTorch

#if canImport(Glibc)
  private import Glibc
#elseif canImport(Darwin)
  private import Darwin
#endif

/// The time of every operator of libtorch, and of ours, that ran in a piece of a program.
public struct OperatorProfile: Hashable, Sendable {
  /// Products of matrices of one shape: `count` of `[M, K]` and `[K, N]`.
  public struct Product: Hashable, Sendable {
    /// Products in one call.
    public let count: Int
    public let m: Int
    public let n: Int
    public let k: Int
    /// Whether the first matrix lies in memory column by column.
    public let transposesFirst: Bool
    /// Whether the second does.
    public let transposesSecond: Bool

    package init(
      count: Int, m: Int, n: Int, k: Int, transposesFirst: Bool, transposesSecond: Bool
    ) {
      self.count = count
      self.m = m
      self.n = n
      self.k = k
      self.transposesFirst = transposesFirst
      self.transposesSecond = transposesSecond
    }

    /// Floating-point operations of a call: a multiplication and an addition for each element.
    public var operations: Double { 2 * Double(count) * Double(m) * Double(n) * Double(k) }
  }

  /// An operator, or a part of one of ours, with all its calls.
  public struct Entry: Hashable, Sendable {
    /// The schema name, such as `aten::addmm`.
    public let name: String
    /// What was multiplied, where it is a product.
    public let product: Product?
    public let calls: Int
    /// Seconds of all calls, without those of the operators that it called itself.
    public let seconds: Double

    package init(name: String, product: Product?, calls: Int, seconds: Double) {
      self.name = name
      self.product = product
      self.calls = calls
      self.seconds = seconds
    }
  }

  /// In no order.
  public let entries: [Entry]

  /// Runs `body` and notes what operators of all threads take, its recording included: about a
  /// microsecond a call. The time of a queue of a GPU is not seen.
  ///
  /// - Precondition: No other profile is being taken.
  public static func measured<Failure: Error>(
    _ body: () throws(Failure) -> Void
  ) throws(Failure) -> OperatorProfile {
    guard ct_profile_begin() == 0 else {
      TorchFailure.report("profile", #fileID, #line)
      return OperatorProfile(entries: [])
    }
    let result: Result<Void, Failure>
    do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
    var text: UnsafeMutablePointer<CChar>?
    let status = ct_profile_end(&text)
    defer { free(text) }
    try result.get()
    guard status == 0, let text else { return OperatorProfile(entries: []) }
    return OperatorProfile(lines: String(cString: text))
  }

  /// - Parameter lines: As `ct_profile_end` gives them.
  init(lines: String) {
    self.init(entries: lines.split(separator: "\n").compactMap { Entry(line: $0) })
  }

  private init(entries: [Entry]) { self.entries = entries }
}

extension OperatorProfile.Entry {
  fileprivate init?(line: Substring) {
    let parts = line.split(separator: "\t")
    guard parts.count >= 3, let calls = Int(parts[0]), let nanoseconds = Int(parts[1]) else {
      return nil
    }
    let sizes = parts.dropFirst(3).compactMap { Int($0) }
    let product =
      sizes.count == 6
      ? OperatorProfile.Product(
        count: sizes[0], m: sizes[1], n: sizes[2], k: sizes[3], transposesFirst: sizes[4] != 0,
        transposesSecond: sizes[5] != 0) : nil
    self.init(
      name: String(parts[2]), product: product, calls: calls, seconds: Double(nanoseconds) / 1e9)
  }
}

extension OperatorProfile.Product {
  /// The least seconds of some calls of libtorch's own product of this shape, alone, with operands
  /// that were just used.
  public func secondsAlone(calls: Int = 5) -> Double {
    func matrix(_ rows: Int, _ columns: Int, _ isTransposed: Bool, seed: UInt64) -> Tensor {
      let lead = count > 1 ? [count] : []
      let generator = Generator(seed: seed)
      return isTransposed
        ? Tensor.randn(lead + [columns, rows], using: generator).transposed(-2, -1)
        : Tensor.randn(lead + [rows, columns], using: generator)
    }
    let a = matrix(m, k, transposesFirst, seed: 1)
    let b = matrix(k, n, transposesSecond, seed: 2)
    return withoutGradients {
      (0..<max(2, calls)).map { _ in
        let start = ContinuousClock.now
        _ = a.matmul(b)
        return (ContinuousClock.now - start) / .seconds(1)
      }.min() ?? 0
    }
  }
}
