import CTorch
import Synchronization

/// An operation that libtorch refused, in libtorch's own words.
public struct TorchError: Error, CustomStringConvertible, Sendable {
  /// What kind of failure it was, where that changes what to do about it.
  public enum Kind: Sendable {
    /// Memory of the CPU or of a device ran out.
    case outOfMemory
    /// Anything else: most often shapes or types that do not fit.
    case other
  }

  /// The operator that failed, such as `matmul`.
  public let operation: String
  /// libtorch's message without its C++ backtrace.
  public let message: String
  /// What kind of failure it was.
  public let kind: Kind

  public var description: String { "\(operation): \(message)" }

  @usableFromInline
  init(operation: String, message: String, kind: Kind = .other) {
    self.operation = operation
    self.message = message
    self.kind = kind
  }

  /// The last error of the current thread.
  @usableFromInline
  static func last(_ operation: String) -> TorchError {
    TorchError(
      operation: operation, message: String(cString: ct_error()),
      kind: ct_last_error_kind() == Int32(CT_ERROR_OUT_OF_MEMORY.rawValue) ? .outOfMemory : .other)
  }
}

/// Runs `body`; a tensor operation that fails in it is thrown here instead of stopping the process.
///
/// After the first failure the operations that follow work on undefined tensors, and their own
/// failures are ignored: `body` should be a formula, not a program.
public func withTorchErrors<Result>(_ body: () -> Result) throws(TorchError) -> Result {
  let sink = ErrorSink()
  let result = ErrorSink.$current.withValue(sink) { body() }
  if let error = sink.first.withLock({ $0 }) { throw error }
  return result
}

/// What becomes of a tensor operation that fails outside ``withTorchErrors(_:)``.
public enum TorchFailure {
  /// Called with the error and the caller's file and line before the process stops; a program sets
  /// it once, at its start, to speak to its user in its own way. It must not return.
  public static func setHandler(
    _ handler: @escaping @Sendable (TorchError, StaticString, UInt) -> Never
  ) {
    Self.handler.withLock { $0 = handler }
  }

  private static let handler = Mutex<(@Sendable (TorchError, StaticString, UInt) -> Never)?>(nil)

  /// Inside `withTorchErrors`: keeps the first error and goes on with an undefined tensor. Outside:
  /// stops with libtorch's message and the caller's line.
  @usableFromInline @inline(never)
  static func report(_ operation: String, _ file: StaticString, _ line: UInt) {
    report(TorchError.last(operation), file, line)
  }

  /// The same for an error that is not libtorch's.
  static func report(_ error: TorchError, _ file: StaticString, _ line: UInt) {
    if let sink = ErrorSink.current {
      sink.first.withLock { if $0 == nil { $0 = error } }
      return
    }
    if let handler = handler.withLock({ $0 }) { handler(error, file, line) }
    fatalError("libtorch: \(error)", file: file, line: line)
  }
}

/// The first error met inside a `withTorchErrors` block; read on the failure path only.
private final class ErrorSink: Sendable {
  @TaskLocal static var current: ErrorSink?
  let first = Mutex<TorchError?>(nil)
}
