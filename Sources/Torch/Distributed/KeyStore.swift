internal import CTorch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Values by key that several processes share, over c10d's stores: what they meet by.
///
/// A client that waits for a key keeps others of the same object waiting; a thread that watches has
/// a client of its own.
public final class KeyStore: @unchecked Sendable {  // c10d's stores lock themselves.
  let raw: ct_store

  private init(_ raw: ct_store) { self.raw = raw }

  deinit { ct_store_free(raw) }

  /// A store in the memory of one process, which the others reach over TCP.
  ///
  /// - Parameters:
  ///   - host: The serving process's host.
  ///   - port: Its port; 0 lets the system choose one, see ``port``.
  ///   - serves: Whether this process keeps the store.
  ///   - timeout: Seconds that connecting may take.
  public static func tcp(
    host: String, port: Int, serves: Bool, timeout: Double
  ) throws(TorchError) -> KeyStore {
    try made("TCPStore") { ct_store_tcp(host, Int32(port), serves, milliseconds(timeout), &$0) }
  }

  /// A store in a file that all processes can write, on one host.
  ///
  /// - Parameter count: The processes; the last one that lets it go removes the file.
  public static func file(_ path: String, count: Int) throws(TorchError) -> KeyStore {
    try made("FileStore") { ct_store_file(path, Int32(count), &$0) }
  }

  /// The same store, with all keys under a prefix.
  public func prefixed(_ prefix: String) throws(TorchError) -> KeyStore {
    try Self.made("PrefixStore") { ct_store_prefixed(raw, prefix, &$0) }
  }

  private static func made(
    _ operation: String, _ make: (inout ct_store?) -> Int32
  ) throws(TorchError) -> KeyStore {
    var raw: ct_store?
    guard make(&raw) == 0, let raw else { throw TorchError.last(operation) }
    return KeyStore(raw)
  }

  /// The port of a store over TCP; 0 for one in a file.
  public var port: Int { Int(ct_store_port(raw)) }

  /// Sets a key.
  public func set(_ key: String, _ value: String) throws(TorchError) {
    var value = value
    let status = value.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { ct_store_set(raw, key, $0.baseAddress, $0.count) }
    }
    guard status == 0 else { throw TorchError.last("store.set") }
  }

  /// Waits for a key and gives its value.
  ///
  /// - Parameter timeout: Seconds to wait.
  public func get(_ key: String, timeout: Double) throws(TorchError) -> String {
    var bytes: UnsafeMutablePointer<CChar>?
    var count = 0
    guard ct_store_get(raw, key, milliseconds(timeout), &bytes, &count) == 0, let bytes else {
      throw TorchError.last("store.get")
    }
    defer { free(bytes) }
    return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// Whether a key is set.
  public func has(_ key: String) throws(TorchError) -> Bool {
    var found = false
    guard ct_store_has(raw, key, &found) == 0 else { throw TorchError.last("store.check") }
    return found
  }

  /// Adds to a key that holds a number, 0 at first, and gives the sum.
  @discardableResult
  public func add(_ key: String, _ number: Int = 1) throws(TorchError) -> Int {
    var sum: Int64 = 0
    guard ct_store_add(raw, key, Int64(number), &sum) == 0 else {
      throw TorchError.last("store.add")
    }
    return Int(sum)
  }
}

/// Seconds as c10d takes them.
func milliseconds(_ seconds: Double) -> Int32 {
  Int32(min(Double(Int32.max), max(1, (seconds * 1000).rounded())))
}
