internal import CTorch

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Who computes products of float32 matrices on the CPU where no gradients are recorded.
public enum ProductKernel: String, CaseIterable, Hashable, Sendable {
  /// libtorch's own choice, most often MKL.
  case libtorch
  /// oneDNN, with the bias and GELU in the same pass over memory.
  case onednn
}

/// How attention is computed.
public enum AttentionKernel: String, CaseIterable, Hashable, Sendable {
  /// Two products of matrices with a softmax between them.
  case plain
  /// libtorch's `scaled_dot_product_attention`, which never holds all weights of attention at once.
  case fused
}

/// How a transformer block is computed on the CPU in float32.
public enum BlockKernel: String, CaseIterable, Hashable, Sendable {
  /// Operator by operator: norms, products, attention, GELU, sums.
  case plain
  /// In one operator of ours, see ``Tensor/transformerBlock(_:queries:attentionFactors:feedForwardFactors:file:line:)``.
  case fused
}

/// Which of several ways to the same result is taken on this machine: decided once for a process,
/// shown by `mae doctor`.
///
/// Ways differ in the last digits. Three environment variables, read when libtorch is first used,
/// put the choice aside: `CTORCH_BLOCKS` (`plain` or `fused`), `CTORCH_PRODUCTS` (`libtorch` or
/// `onednn`) and `CTORCH_ATTENTION` (`plain` or `fused`).
public struct KernelChoice: Hashable, Sendable {
  /// Products without gradients on the CPU; nil for the faster of both libraries, which ``ProductTimes``
  /// finds for each shape. With gradients, and on other devices, they are always libtorch's: oneDNN's
  /// operator has no derivative.
  ///
  /// `CTORCH_PRODUCTS=libtorch mae bench use CHECKPOINT IMAGES` and the same with `onednn` show what
  /// it is worth.
  public let products: ProductKernel?

  /// Attention everywhere, in training and evaluation; nil for plain up to ``plainAttentionTokens``
  /// tokens on the CPU and fused otherwise.
  public let attention: AttentionKernel?

  /// Transformer blocks on the CPU in float32, in training and evaluation. In a fused block the
  /// products and the attention are its own, so naming another kernel for either makes blocks plain,
  /// unless `CTORCH_BLOCKS` says `fused`.
  ///
  /// `CTORCH_BLOCKS=plain mae bench step small` (and `base`) and the same with `fused` measure it;
  /// figures are in Documentation/Decisions/22-fused-operators.md.
  public let blocks: BlockKernel

  /// Up to so many tokens, plain products beat libtorch's fused attention on a CPU, whose backward
  /// pass is made for long sequences.
  ///
  /// `CTORCH_ATTENTION=plain mae bench step small` (and `base`) and the same with `fused` measure
  /// it. Forward and backward of a layer on two cores, milliseconds, plain and fused: 17 tokens 7
  /// and 17, 50 tokens 6.7 and 8.1, 65 tokens 28 and 32, 197 tokens 54 and 49.
  public static let plainAttentionTokens = 96

  /// The choice for this process.
  public static let current: KernelChoice = {
    do throws(EngineError) {
      return try decided()
    } catch {
      fatalError(error.message)  // `Engine.load()` throws it
    }
  }()

  /// The kernel for keys `[B, H, M, d]`.
  func attention(of keys: Tensor) -> AttentionKernel {
    if let attention { return attention }
    let shape = keys.shape
    let tokens = shape.count > 1 ? shape[shape.count - 2] : 0
    return keys.device.kind == .cpu && tokens <= Self.plainAttentionTokens ? .plain : .fused
  }
}

extension KernelChoice {
  /// Decides by the environment.
  static func decided() throws(EngineError) -> KernelChoice {
    try decided(variable: environment, hasOneDNN: { OneDNN.isThere })
  }

  /// The value of an environment variable.
  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Decides; a variable that is empty counts as not set.
  package static func decided(
    variable: (String) -> String?, hasOneDNN: () -> Bool
  ) throws(EngineError) -> KernelChoice {
    let products: ProductKernel? = try value(of: "CTORCH_PRODUCTS", variable)
    let attention: AttentionKernel? = try value(of: "CTORCH_ATTENTION", variable)
    let blocks: BlockKernel? = try value(of: "CTORCH_BLOCKS", variable)
    if products == .onednn, !hasOneDNN() {
      throw EngineError(
        message: "CTORCH_PRODUCTS is onednn, and this libtorch has no oneDNN; unset it")
    }
    return KernelChoice(
      products: products,
      attention: attention,
      blocks: blocks ?? (products == nil && attention == nil ? .fused : .plain))
  }

  private static func value<Kernel: RawRepresentable<String> & CaseIterable>(
    of name: String, _ variable: (String) -> String?
  ) throws(EngineError) -> Kernel? {
    guard let text = variable(name), !text.isEmpty else { return nil }
    if let kernel = Kernel(rawValue: text) { return kernel }
    let names = Kernel.allCases.map(\.rawValue).joined(separator: " or ")
    throw EngineError(message: "\(name) is '\(text)'; expected \(names)")
  }

  /// One line about blocks, one about products and one about attention.
  public var lines: [String] {
    let words =
      switch products {
      case nil:
        "products without gradients are by libtorch or oneDNN, whichever is faster for a shape"
      case .onednn: "products are oneDNN's where no gradients are recorded, libtorch's in training"
      case .libtorch: "products are libtorch's"
      }
    return [
      blocks == .fused
        ? "transformer blocks are one operator on the CPU in float32"
        : "transformer blocks are composed of libtorch's operators",
      words,
      attention.map { "attention is \($0)" }
        ?? "attention is plain up to \(Self.plainAttentionTokens) tokens on the CPU, else fused",
    ]
  }
}

/// Matrix products by oneDNN, with what follows them in the same pass over memory; forward only.
enum OneDNN {
  private static let operation = Op(ifThere: "_linear_pointwise", namespace: "mkldnn")

  /// Whether the operator works, tried once: a libtorch without oneDNN has the name and not the
  /// code.
  static let isThere: Bool = {
    guard let operation else { return false }
    let trial = Tensor.ones([1, 1])
    return (try? operation.attempt(trial, trial, Tensor?.none, "none", [Int](), "none")) != nil
  }()

  /// `x·Wᵀ + b` and what follows, `none` or `gelu`; nil where libtorch's own operator is to do it.
  ///
  /// - Parameter ours: The same by libtorch's operator, to be timed.
  static func linear(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, then next: String = "none",
    file: StaticString, line: UInt, orElse ours: (Tensor) -> Tensor
  ) -> Tensor? {
    let choice = KernelChoice.current.products
    guard choice != .libtorch, !ct_grad_mode(), let operation,
      !ct_autocast_enabled(Device.Kind.cpu.rawValue), x.isProduct(with: weight, bias)
    else { return nil }
    func product(_ x: Tensor) -> Tensor {
      operation(x, weight, bias, next, [Int](), "none", file: file, line: line)
    }
    if choice == nil {
      let (inputs, outputs) = (weight.shape[1], weight.shape[0])
      let rows = x.count / inputs
      guard rows * inputs * outputs >= ProductTimes.fewestMultiplications, isThere else {
        return nil
      }
      let shape = ProductTimes.Shape(
        rows: rows, inputs: inputs, outputs: outputs, hasGELU: next == "gelu",
        threads: Engine.threads)
      let kernel = ProductTimes.kernel(for: shape) {
        let some = x.reshaped([rows, inputs]).narrowed(0, to: 0..<shape.rows)
        return .measured(shape) { kernel in
          let start = ContinuousClock.now
          _ = kernel == .onednn ? product(some) : ours(some)
          return (ContinuousClock.now - start) / .seconds(1)
        }
      }
      guard kernel == .onednn else { return nil }
    }
    return product(x)
  }
}

extension Tensor {
  /// Whether these are matrices of float32 in main memory that can be multiplied, and a bias that
  /// fits.
  fileprivate func isProduct(with weight: Tensor, _ bias: Tensor?) -> Bool {
    let (own, other) = (shape, weight.shape)
    return own.count >= 2 && other.count == 2 && own.last == other[1] && count > 0 && other[0] > 0
      && isPlain && weight.isPlain
      && (bias.map { $0.isPlain && $0.shape == [other[0]] } ?? true)
  }
}
