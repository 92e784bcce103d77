import CCurl
import FileSystem
import Imaging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Makes requests through libcurl, one at a time for each thread; connections are kept for later
/// ones.
package struct HTTPClient: Sendable {
  var settings: RemoteShardSettings

  /// Makes one request and hands the content to `sink`, which ends the transfer by giving false.
  ///
  /// - Returns: the answer's head, which has status 200 or 206.
  /// - Throws: `HTTPFailure` for any other status, a transfer that was cut or took too long, and
  ///   what libcurl refuses. What came before that has been handed over.
  @discardableResult
  func get(
    _ request: HTTPRequest, into sink: @escaping (HTTPHead, UnsafeRawBufferPointer) -> Bool
  ) throws(HTTPFailure) -> HTTPHead {
    if let missing = ccurl_missing() {
      throw HTTPFailure(
        reason: "cannot be fetched: \(String(cString: missing))", isTransient: false)
    }
    guard let handle = HTTPHandles.take() else {
      throw HTTPFailure(reason: "cannot be fetched: there is no memory", isTransient: false)
    }
    defer { HTTPHandles.giveBack(handle) }
    let transfer = Transfer(sink)
    let target = RemoteTarget(request.url, settings.stores)
    if target.signing != nil, ccurl_version() < Self.signingVersion {
      throw HTTPFailure(
        reason: "cannot be fetched: requests to a store are signed by libcurl from 7.87 on, and an "
          + "older one is installed; give presigned https:// addresses", isTransient: false)
    }
    let code = perform(request, target, transfer, handle.pointer)
    if transfer.wasStopped { return transfer.head }
    let status = transfer.head.status
    if code == ccurl_write_error || (code == 0 && status != 200 && status != 206) {
      let advice = target.advice(status: status, region: transfer.head.region)
      throw HTTPFailure(
        reason: "the server answered with status \(status)" + (advice.map { "; " + $0 } ?? ""),
        status: status,
        isTransient: Self.transientStatuses.contains(status), wait: transfer.head.wait)
    }
    guard code == 0 else {
      let text = String(cString: ccurl_error(code)).lowercased()
      throw HTTPFailure(
        reason: code == ccurl_timed_out ? "the transfer stalled or took too long" : text,
        isTransient: Self.transientErrors.contains(code))
    }
    return transfer.head
  }

  /// The first libcurl that signs as S3 wants it, as `0xMMmmpp`.
  private static let signingVersion: UInt32 = 0x07_57_00

  /// The SHA-256 of no bytes, which a request for a file has as its content.
  private static let hashOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  private func perform(
    _ request: HTTPRequest, _ target: RemoteTarget, _ transfer: Transfer,
    _ handle: UnsafeMutableRawPointer
  ) -> Int32 {
    Self.prepare(
      handle, for: target.url,
      HTTPPatience(
        connectSeconds: settings.connectSeconds, stallSeconds: settings.stallSeconds,
        slowest: settings.slowest, seconds: request.seconds))
    ccurl_set_callback(handle, Int32(ccurl_write_function)) { bytes, size, count, context in
      receive(bytes, size * count, context, isHead: false)
    }
    ccurl_set_callback(handle, Int32(ccurl_header_function)) { bytes, size, count, context in
      receive(bytes, size * count, context, isHead: true)
    }
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    ccurl_set_pointer(handle, Int32(ccurl_write_data), context)
    ccurl_set_pointer(handle, Int32(ccurl_header_data), context)
    if let range = request.range {
      range.withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_range), $0) }
    }
    var lines: UnsafeMutableRawPointer?
    if let validator = request.validator {
      lines = ccurl_list_append(nil, "If-Range: \(validator)")
    }
    if let signing = target.signing, let key = target.store?.key {
      signing.withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_aws_sigv4), $0) }
      key.id.withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_user_name), $0) }
      key.secret.withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_password), $0) }
      // Stores want it signed, and libcurl before 8 does not send it.
      lines = ccurl_list_append(lines, "x-amz-content-sha256: \(Self.hashOfNothing)")
      if let token = key.token {
        lines = ccurl_list_append(lines, "x-amz-security-token: \(token)")
      }
    }
    defer { if let lines { ccurl_list_free(lines) } }
    ccurl_set_pointer(handle, Int32(ccurl_http_header), lines)
    let code = ccurl_perform(handle)
    // The list and the context are gone when this returns.
    ccurl_reset(handle)
    return code
  }

  /// Options that every request has.
  static func prepare(
    _ handle: UnsafeMutableRawPointer, for url: String, _ patience: HTTPPatience
  ) {
    ccurl_reset(handle)
    let options: [(Int, Double)] = [
      (ccurl_no_signal, 1), (ccurl_follow_location, 1),
      (ccurl_max_redirects, Double(RemoteShardSettings.redirects)),
      (ccurl_connect_timeout_ms, patience.connectSeconds * 1000),
      (ccurl_low_speed_time, Double(patience.stallSeconds)),
      (ccurl_low_speed_limit, Double(patience.slowest)),
      (ccurl_timeout_ms, (patience.seconds ?? 0) * 1000), (ccurl_tcp_keepalive, 1),
      (ccurl_protocols, Double(ccurl_http | ccurl_https)),
      // What was asked for over TLS does not come in the open.
      (
        ccurl_redirect_protocols,
        Double(url.lowercased().hasPrefix("https:") ? ccurl_https : ccurl_http | ccurl_https)
      ),
    ].map { (Int($0.0), $0.1) }
    for (option, value) in options { ccurl_set_long(handle, Int32(option), Int(value)) }
    // Strings are copied by libcurl.
    url.withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_url), $0) }
    "swift-mae".withCString { _ = ccurl_set_pointer(handle, Int32(ccurl_user_agent), $0) }
  }

  static let transientStatuses: Set<Int> = [408, 425, 429, 500, 502, 503, 504]
  static let transientErrors = Set<Int32>(
    [
      ccurl_host_not_resolved, ccurl_not_connected, ccurl_http2, ccurl_partial, ccurl_timed_out,
      ccurl_tls_connect, ccurl_got_nothing, ccurl_send_error, ccurl_receive_error,
      ccurl_http2_stream,
    ].map { Int32($0) })
}

/// What libcurl calls while a request is made.
private final class Transfer {
  var head = HTTPHead()
  var wasStopped = false
  private let sink: (HTTPHead, UnsafeRawBufferPointer) -> Bool
  private var refused = 0

  init(_ sink: @escaping (HTTPHead, UnsafeRawBufferPointer) -> Bool) { self.sink = sink }

  /// Takes bytes; false ends the transfer.
  func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if head.status == 200 || head.status == 206 {
      wasStopped = !sink(head, bytes)
      return !wasStopped
    }
    // A page that explains an error is read to its end, so that the connection can be used again.
    refused += bytes.count
    return refused <= 1 << 16
  }
}

private func receive(
  _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
  isHead: Bool
) -> Int {
  guard let context, let bytes else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  let block = UnsafeRawBufferPointer(start: bytes, count: count)
  if isHead {
    transfer.head.read(Substring(decoding: block, as: UTF8.self).prefix { !$0.isNewline })
    return count
  }
  return transfer.take(block) ? count : 0
}

/// Transfers that wait for their next request, with their connections.
enum HTTPHandles {
  /// One of libcurl's; used by one thread at a time, because it is either waiting or taken.
  struct Handle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
  }

  private static let waiting = Mutex<[Handle]>([])

  static func take() -> Handle? {
    if let handle = waiting.withLock({ $0.popLast() }) { return handle }
    return ccurl_new().map(Handle.init)
  }

  static func giveBack(_ handle: Handle) {
    let isKept = waiting.withLock { waiting in
      guard waiting.count < 64 else { return false }
      waiting.append(handle)
      return true
    }
    if !isKept { ccurl_free(handle.pointer) }
  }
}

extension HTTPClient {
  /// Whether a path is an address that is read over HTTP, one of a store as well.
  static func isAddress(_ path: String) -> Bool {
    let start = path.prefix(8).lowercased()
    return start.hasPrefix("http://") || start.hasPrefix("https://") || RemoteTarget.isStore(path)
  }

  /// An address for messages: without a name and password, and without what follows a question
  /// mark, which may be as secret.
  package static func shown(_ url: String) -> String {
    let plain = url.prefix { $0 != "?" && $0 != "#" }
    guard let slashes = plain.firstRange(of: "://") else { return String(plain) }
    let host = plain[slashes.upperBound...].prefix { $0 != "/" }
    guard let at = host.lastIndex(of: "@") else { return String(plain) }
    return String(plain[..<slashes.upperBound] + plain[plain.index(after: at)...])
  }

  /// Makes a request until it succeeds, fails for good or has been made often enough. An address
  /// from a list that its server no longer takes is looked up again.
  ///
  /// - Parameter body: makes it once, of an address.
  func attempting<Result>(
    _ address: RemoteAddress, until isCancelled: () -> Bool = { false },
    _ body: (String) throws(HTTPFailure) -> Result
  ) throws(FileError) -> Result {
    var attempts = 0
    while true {
      let url = address.url
      do throws(HTTPFailure) {
        return try body(url)
      } catch {
        if error.isRefusal, address.renew(after: url), !isCancelled() { continue }
        attempts += 1
        let mayBeTaken = error.isTransient || (error.isRefusal && address.isListed)
        guard mayBeTaken, attempts < settings.attempts, !isCancelled() else {
          throw Self.error(address, error, attempts: attempts)
        }
        let delay = settings.delay(
          after: attempts, chance: Double.random(in: 0..<1), asked: error.wait)
        Self.sleep(delay, until: isCancelled)
      }
    }
  }

  static func sleep(_ seconds: Double, until isCancelled: () -> Bool) {
    var left = seconds
    while left > 0, !isCancelled() {
      usleep(UInt32(min(left, 0.1) * 1e6))
      left -= 0.1
    }
  }

  /// The line for a user.
  static func error(
    _ address: RemoteAddress, _ failure: HTTPFailure, attempts: Int
  ) -> FileError {
    let isMissing = failure.status == 404 || failure.status == 410
    let times = attempts > 1 ? ", also at the last of \(attempts) attempts" : ""
    let stale =
      failure.isRefusal
      ? address.listPath.map {
        "; \($0) was read again and has no newer address, write fresh ones there"
      }
      : nil
    return FileError(
      isMissing ? .missing : .unreadable, of: shown(address.url),
      failure.reason + times + (stale ?? ""))
  }

  /// The whole content of a small file; nil where the server has none.
  func small(_ address: RemoteAddress, limit: Int) throws(FileError) -> [UInt8]? {
    try attempting(address) { url throws(HTTPFailure) -> [UInt8]? in
      let content = Gathered(limit: limit)
      do throws(HTTPFailure) {
        try get(HTTPRequest(url: url, seconds: settings.requestSeconds)) { _, bytes in
          content.add(bytes)
        }
      } catch {
        // Stores that do not let strangers list say 403 for what is not there.
        if let status = error.status, [404, 410].contains(status) { return nil }
        if error.status == 403, !address.renew(after: url) { return nil }
        throw error
      }
      if content.isTooLarge {
        throw HTTPFailure(reason: "has more than \(limit) bytes", isTransient: false)
      }
      return content.bytes
    }
  }

  /// Bytes of a file.
  ///
  /// - Parameters:
  ///   - size: the bytes that the whole file must have.
  ///   - validator: the version that it must be.
  func bytes(
    _ count: Int, at offset: Int, of address: RemoteAddress, size: Int, validator: String?
  ) throws(FileError) -> [UInt8] {
    if count == 0 { return [] }
    return try attempting(address) { url throws(HTTPFailure) -> [UInt8] in
      let content = Gathered(limit: count)
      let request = HTTPRequest(
        url: url, range: "\(offset)-\(offset + count - 1)", validator: validator,
        seconds: settings.requestSeconds)
      let head = try get(request) { head, bytes in
        head.status == 206 && head.range?.first == offset && content.add(bytes)
      }
      guard head.status == 206, head.range?.first == offset else {
        throw HTTPFailure(
          reason: head.total == size && (validator == nil || head.validator == validator)
            ? "is not sent in parts by its server; let it be kept whole (MAE_SHARD_CACHE_GB)"
            : changed, isTransient: false)
      }
      if let total = head.range?.total, total != size {
        throw HTTPFailure(reason: changed, isTransient: false)
      }
      guard content.bytes.count == count else {
        throw HTTPFailure(reason: "sent other bytes than were asked for", isTransient: true)
      }
      return content.bytes
    }
  }

  /// What to say of a file that is not the one it was.
  var changed: String {
    "is another file than when it was first read; to read it anew, remove what \(settings.cacheFolder) "
      + "keeps of it"
  }
}

/// Bytes of one answer, no more than a limit.
final class Gathered {
  private(set) var bytes: [UInt8] = []
  private(set) var isTooLarge = false
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func add(_ block: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count + block.count <= limit else {
      isTooLarge = true
      return false
    }
    bytes.append(contentsOf: block)
    return true
  }
}
