import CTorch

/// libtorch as a whole: loading, version, threads.
///
/// The engine is opened by the first tensor. A program that wants to say so politely when it is not
/// there calls ``load()`` first.
public enum Engine {
  /// Opens libtorch through the bridge; repeating it costs nothing.
  ///
  /// - Throws: ``EngineError`` with the places looked at and what to do, or with an environment
  ///   variable that ``KernelChoice`` cannot read.
  public static func load() throws(EngineError) {
    var reason: UnsafePointer<CChar>?
    if ct_load(&reason) != 0 {
      throw EngineError(message: reason.map { String(cString: $0) } ?? "libtorch is missing")
    }
    if let mistake = Self.mistake { throw mistake }
  }

  /// What is wrong with the environment variables of ``KernelChoice``; looked at once.
  private static let mistake: EngineError? = {
    do throws(EngineError) {
      _ = try KernelChoice.decided(
        variable: KernelChoice.environment, hasOneDNN: { OneDNN.isThere })
      return nil
    } catch {
      return error
    }
  }()

  /// The version of libtorch, such as `2.13.0`.
  public static var version: String { String(cString: ct_version()) }

  /// Threads a single operator may use on the CPU.
  public static var threads: Int {
    get { Int(ct_threads()) }
    set { ct_set_threads(Int32(clamping: newValue)) }
  }
}

/// The engine could not be opened.
public struct EngineError: Error, CustomStringConvertible, Sendable {
  /// What was looked for, where, and what to do.
  public let message: String
  public var description: String { message }
}
