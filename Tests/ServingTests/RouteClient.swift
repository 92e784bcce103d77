#if Serve
  @testable import Serving
  import HTTPTypes
  import Hummingbird
  import Logging
  import NIOCore
  import NIOEmbedded
  import Synchronization

  /// Asks a server's routes without sockets. Hummingbird has such a client too; its package brings a
  /// TLS library that takes longer to build than all the rest.
  struct RouteClient: Sendable {
    /// An answer.
    struct Answer {
      let status: Int
      let headers: HTTPFields
      let body: [UInt8]
      var text: String { String(decoding: body, as: UTF8.self) }
    }

    private let responder: RouterResponder<ServingContext>

    init(_ server: ModelServer) { responder = server.router().buildResponder() }

    func ask(
      _ path: String, _ method: HTTPRequest.Method = .get, _ headers: HTTPFields = [:],
      body: [UInt8]? = nil, host: String? = nil
    ) async throws -> Answer {
      var headers = headers
      if let body { headers[.contentLength] = "\(body.count)" }
      let head = HTTPRequest(
        method: method, scheme: "http", authority: host, path: path, headerFields: headers)
      let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
      let channel = try await NIOAsyncTestingChannel { channel in
        try channel.pipeline.syncOperations.addHandler(ClientPresenceHandler())
      }
      let context = ServingContext(
        source: .init(channel: channel, logger: Logger(label: "tests")))
      let response = try await responder.respond(to: request, context: context)
      let collected = Collected()
      try await response.body.write(collected)
      return Answer(
        status: response.status.code, headers: response.headers,
        body: collected.bytes.withLock { $0 })
    }

    private final class Collected: ResponseBodyWriter {
      let bytes = Mutex<[UInt8]>([])
      func write(_ buffer: ByteBuffer) async throws {
        bytes.withLock { $0 += buffer.readableBytesView }
      }
      func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
  }
#endif
