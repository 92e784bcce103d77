#if Serve
  @testable import Serving
  import Dispatch
  import Hummingbird
  import TestSupport

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #else
    import Darwin
  #endif

  /// A client over a real socket, which can go away in the middle of anything.
  struct SocketClient: Sendable {
    private let socket: Int32

    /// Serves for as long as `body` takes.
    static func serving(
      _ service: ModelService, _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
      var address = ServerAddress()
      address.port = 0
      let (ports, port) = AsyncStream<Int>.makeStream()
      let application = ModelServer(service, at: address).application { port.yield($0) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await application.run() }
        group.addTask {
          for await port in ports { return try await body(port) }
        }
        defer { group.cancelAll() }
        _ = try await group.next()
      }
    }

    init?(port: Int) {
      guard let socket = connection(to: port) else { return nil }
      self.socket = socket
    }

    /// Sends the head of a request and as much of its body as is given.
    func send(_ path: String, _ body: [UInt8]? = nil, of count: Int? = nil) {
      let fields = "Content-Type: image/png\r\nContent-Length: \(count ?? body?.count ?? 0)\r\n"
      send("\(body == nil ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
      if let body { sendAll(socket, body[...]) }
    }

    /// Sends text as it is.
    func send(_ text: String) { sendAll(socket, Array(text.utf8)[...]) }

    /// The next answer's status and text; nil where the connection ends before it does.
    func answer() async -> (status: Int, text: String)? {
      // A thread that waits for the server must not be one that the server's tasks need.
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: read()) }
      }
    }

    /// Ends the connection, as the system does for a program that was killed.
    func disconnect() { close(socket) }

    private func read() -> (status: Int, text: String)? {
      var head: [UInt8] = []
      while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
        guard let byte = receive(1).first else { return nil }
        head.append(byte)
      }
      let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
      let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
        .flatMap { Int($0.split(separator: " ")[1]) }
      var body: [UInt8] = []
      while body.count < length ?? 0 {
        let more = receive((length ?? 0) - body.count)
        if more.isEmpty { return nil }
        body += more
      }
      guard let status = lines.first.flatMap({ Int($0.split(separator: " ")[1]) }) else {
        return nil
      }
      return (status, String(decoding: body, as: UTF8.self))
    }

    private func receive(_ count: Int) -> [UInt8] {
      [UInt8](unsafeUninitializedCapacity: count) { buffer, found in
        found = max(0, recv(socket, buffer.baseAddress, count, 0))
      }
    }
  }
#endif
