public import CTorch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An n-dimensional array of libtorch, a reference to shared memory.
///
/// Operations that get shapes or types that do not fit stop the program with libtorch's message and
/// the caller's line; ``withTorchErrors(_:)`` turns that into a throw.
///
/// **Threads.** A tensor that is written to, or that gradients are recorded through, belongs to one
/// thread or actor at a time: libtorch does not lock it, and the order of the operations would
/// decide the result. A tensor that nobody writes any more, such as a weight of a frozen model, may
/// be read by several threads at once, each under ``withoutGradients(_:)`` (the mode belongs to the
/// thread). The type is not `Sendable`, since the compiler cannot tell the two apart; a type that
/// shares frozen weights says so with `@unchecked Sendable`.
public struct Tensor {
  @usableFromInline let handle: TensorHandle

  /// Takes over the reference.
  @inlinable
  init(owning raw: ct_tensor) { handle = TensorHandle(raw) }

  /// The undefined tensor, which has no elements and fits no operation.
  @inlinable
  public init() { handle = TensorHandle(ct_undefined()) }

  /// Whether this is a real tensor.
  public var isDefined: Bool { ct_defined(handle.raw) }

  /// The size of each dimension.
  public var shape: [Int] {
    let rank = Int(ct_dim(handle.raw))
    return [Int](unsafeUninitializedCapacity: rank) { sizes, count in
      sizes.withMemoryRebound(to: Int64.self) { ct_sizes(handle.raw, $0.baseAddress) }
      count = rank
    }
  }

  /// Number of dimensions.
  public var rank: Int { Int(ct_dim(handle.raw)) }

  /// Number of elements.
  public var count: Int { Int(ct_count(handle.raw)) }

  /// Type of the elements.
  public var dtype: DType {
    guard let type = DType(rawValue: ct_dtype(handle.raw)) else {
      preconditionFailure("a tensor type that Swift has no name for")
    }
    return type
  }

  /// Where the elements live.
  public var device: Device {
    var kind: Int8 = 0
    var index: Int8 = 0
    ct_device(handle.raw, &kind, &index)
    return Device(Device.Kind(rawValue: kind) ?? .cpu, index: Swift.max(0, Int(index)))
  }

  /// The value of a tensor of one element. On a GPU this waits for the device.
  public func item(file: StaticString = #fileID, line: UInt = #line) -> Double {
    var value = Double.nan
    if ct_item_double(handle.raw, &value) != 0 { TorchFailure.report("item", file, line) }
    return value
  }
}

/// One reference of a libtorch tensor. Its count is atomic, so that threads may hold the same
/// handle.
@usableFromInline
final class TensorHandle {
  @usableFromInline let raw: ct_tensor

  @inlinable
  init(_ raw: ct_tensor) { self.raw = raw }

  @inlinable
  deinit { ct_release(raw) }
}

extension Tensor: CustomStringConvertible {
  /// The elements as PyTorch prints them.
  public var description: String {
    var text: UnsafeMutablePointer<CChar>?
    guard ct_description(handle.raw, &text) == 0, let text else { return "undefined tensor" }
    defer { free(text) }
    return String(cString: text)
  }
}
