import CCurl
package import FileSystem

/// A request that may carry something to a server.
package struct HTTPMessage {
  /// What is asked for.
  package enum Method: String { case get = "GET", post = "POST", put = "PUT" }

  /// What is carried.
  package enum Content {
    case none
    case bytes([UInt8])
    /// Read while it is sent.
    case file(ReadableFile)
  }

  package var method: Method
  package var url: String
  package var headers: [String]
  package var content: Content

  /// - Parameter headers: Lines such as `Content-Type: application/json`.
  package init(
    _ method: Method, _ url: String, headers: [String] = [], content: Content = .none
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.content = content
  }
}

/// What a server says to a message.
package struct HTTPAnswer: Hashable, Sendable {
  package var status: Int
  /// What came with it, no more than its first 256 kB.
  package var content: [UInt8]
}

extension HTTPMessage {
  /// Sends it and waits for the answer, of whatever status.
  ///
  /// - Throws: `HTTPFailure` where there was no answer.
  package func send(_ patience: HTTPPatience) throws(HTTPFailure) -> HTTPAnswer {
    if let missing = ccurl_missing() {
      throw HTTPFailure(reason: String(cString: missing), isTransient: false)
    }
    guard let handle = HTTPHandles.take() else {
      throw HTTPFailure(reason: "there is no memory for a request", isTransient: true)
    }
    defer { HTTPHandles.giveBack(handle) }
    let exchange = Exchange()
    let code = perform(exchange, patience, handle.pointer)
    guard code == 0 else {
      throw HTTPFailure(
        reason: code == ccurl_timed_out
          ? "it does not answer in time" : String(cString: ccurl_error(code)).lowercased(),
        isTransient: HTTPClient.transientErrors.contains(code))
    }
    return HTTPAnswer(status: exchange.status, content: exchange.content)
  }

  private func perform(
    _ exchange: Exchange, _ patience: HTTPPatience, _ handle: UnsafeMutableRawPointer
  ) -> Int32 {
    HTTPClient.prepare(handle, for: url, patience)
    let context = Unmanaged.passUnretained(exchange).toOpaque()
    func set(_ option: Int, _ value: Int) { ccurl_set_long(handle, Int32(option), value) }
    ccurl_set_callback(handle, Int32(ccurl_write_function)) { bytes, size, count, context in
      guard let context, let bytes else { return 0 }
      Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        .take(UnsafeRawBufferPointer(start: bytes, count: size * count))
      return size * count
    }
    ccurl_set_pointer(handle, Int32(ccurl_write_data), context)
    // Redirected, a request stays what it is.
    set(Int(ccurl_post_redirects), 7)
    // No "Expect: 100-continue", for which some servers make one wait a second.
    var lines = ccurl_list_append(nil, "Expect:")
    for header in headers { lines = ccurl_list_append(lines, header) }
    defer { if let lines { ccurl_list_free(lines) } }
    ccurl_set_pointer(handle, Int32(ccurl_http_header), lines)
    defer { ccurl_reset(handle) }
    switch content {
    case .file(let file):
      exchange.file = file
      set(Int(ccurl_upload), 1)
      set(Int(ccurl_upload_size), file.size)
      ccurl_set_callback(handle, Int32(ccurl_read_function)) { bytes, size, count, context in
        guard let context, let bytes else { return 0 }
        return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
          .fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
      }
      ccurl_set_pointer(handle, Int32(ccurl_read_data), context)
      return perform(handle, exchange)
    case .bytes(let bytes):
      set(Int(ccurl_post), 1)
      set(Int(ccurl_post_size), bytes.count)
      return bytes.withUnsafeBytes { bytes in
        ccurl_set_pointer(handle, Int32(ccurl_post_fields), bytes.baseAddress)
        return perform(handle, exchange)
      }
    case .none: return perform(handle, exchange)
    }
  }

  private func perform(_ handle: UnsafeMutableRawPointer, _ exchange: Exchange) -> Int32 {
    method.rawValue.withCString {
      _ = ccurl_set_pointer(handle, Int32(ccurl_custom_request), $0)
    }
    let code = ccurl_perform(handle)
    exchange.status = ccurl_status(handle)
    return code
  }
}

/// What libcurl calls while a message is sent.
private final class Exchange {
  var status = 0
  var content: [UInt8] = []
  var file: ReadableFile?
  private var sent = 0
  private static let limit = 1 << 18
  /// libcurl's `CURL_READFUNC_ABORT`.
  private static let abort = 0x1000_0000

  func take(_ bytes: UnsafeRawBufferPointer) {
    content += bytes.prefix(Self.limit - content.count)
  }

  func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let count = try? file?.read(into: buffer, at: sent) else { return Self.abort }
    sent += count
    return count
  }
}
