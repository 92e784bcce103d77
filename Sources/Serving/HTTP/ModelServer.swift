#if Serve
  package import Hummingbird
  import HummingbirdCore
  import Logging
  import NIOCore

  /// Where a server listens and whom it answers.
  public struct ServerAddress: Hashable, Sendable {
    /// A name or an address; loopback unless told.
    public var host = "127.0.0.1"
    /// A port; 0 for any that is free.
    public var port = 8080
    /// The word that requests must bring; nil for none.
    public var token: String?

    /// Takes loopback's port 8080 and asks for no token.
    public init() {}

    /// Whether only this machine can reach it.
    public var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a name or an address is this machine's own: `localhost`, `::1` or 127.0.0.0/8. A name
    /// such as `127.example.org` is not.
    static func isLoopback(_ name: String) -> Bool {
      let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
      return name == "localhost" || name == "::1"
        || numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }
  }

  /// Models over HTTP, and the page to look at them.
  public struct ModelServer: Sendable {
    /// What is served.
    package let service: ModelService
    /// Where, and to whom.
    public var address: ServerAddress

    /// Takes models that are loaded.
    package init(_ service: ModelService, at address: ServerAddress = ServerAddress()) {
      self.service = service
      self.address = address
    }

    /// Answers requests until the program is told to end by SIGTERM or SIGINT; those that have been
    /// begun are answered before this returns.
    ///
    /// - Parameter started: Called with the port once requests are accepted.
    public func run(started: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
      try await application(started: started).runService()
    }

    /// The application, for running and for tests.
    package func application(
      started: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
      var logger = Logger(label: "mae-serve")
      logger.logLevel = .critical
      let limits = service.limits
      let patience = TimeAmount.seconds(Int64(limits.seconds))
      return Application(
        router: router(),
        server: .http1(
          configuration: .init(
            additionalChannelHandlers: [
              DeadlineHandler(patience), ParserErrorHandler(service.metrics),
              ClientPresenceHandler(),
            ],
            idleTimeout: patience,
            httpDecoderConfiguration: .init(
              maxHeaderFieldSize: 16 << 10, maxHeaderListSize: ParserErrorHandler.mostHeadBytes,
              maxHeaderFieldCount: 100))),
        configuration: .init(
          address: .hostname(address.host, port: address.port),
          availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
        onServerRunning: { await started($0.localAddress?.port ?? 0) },
        logger: logger)
    }
  }
#endif
