#if Serve
  @testable import Serving
  import TestSupport
  import Testing

  /// Clients that go away, over real sockets.
  @Suite struct GoneClientTests {
    private static func ask(
      _ port: Int, _ path: String, _ body: [UInt8]? = nil
    ) async throws -> (status: Int, text: String) {
      let client = try #require(SocketClient(port: port))
      defer { client.disconnect() }
      client.send(path, body)
      return try #require(await client.answer())
    }

    /// Asks for nothing until what is worked on is as it should be. Each answer means that the
    /// server has looked at its connections again.
    private static func settle(
      _ service: ModelService, _ port: Int, _ isSettled: (Admission.Load) -> Bool
    ) async throws {
      for _ in 0..<1000 where !isSettled(service.admission.load) {
        _ = try await ask(port, "/healthz")
      }
    }

    @Test func `what was asked by clients who have gone is not computed`() async throws {
      var limits = ServingLimits()
      limits.queue = 12
      let service = try await ServedModels().service(limits: limits)
      let file = try ServedModels.file(1)
      try await SocketClient.serving(service) { port in
        // Nothing is computed while this has the engine's turn.
        try await service.queue.perform {
          let clients = try (0..<12).map { number in
            let client = try #require(SocketClient(port: port))
            client.send(number < 6 ? "/v1/reconstruct" : "/v1/embed", file)
            return client
          }
          // Six and the batch of the other six.
          while service.queue.waitingCount < 7 || service.admission.load.requests < 12 {
            await Task.yield()
          }
          #expect(try await Self.ask(port, "/v1/reconstruct", file).status == 503)
          for client in clients { client.disconnect() }
          try await Self.settle(service, port) { $0.requests == 0 }
          #expect(service.admission.load == .init())
        }
        #expect(try await Self.ask(port, "/v1/reconstruct", file).status == 200)
        #expect(try await Self.ask(port, "/v1/embed", file).status == 200)
        #expect(service.metrics.computations(.reconstruct) == 1)
        #expect(service.metrics.computations(.batch) == 1)
        let text = try await Self.ask(port, "/metrics").text
        for line in [
          "mae_requests_dropped_total{route=\"/v1/reconstruct\"} 6",
          "mae_requests_dropped_total{route=\"/v1/embed\"} 6",
          "mae_requests_total{route=\"/v1/reconstruct\",status=\"200\"} 1",
          "mae_requests_total{route=\"/v1/reconstruct\",status=\"503\"} 1",
        ] {
          #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
      }
    }

    @Test func `a client who goes while it sends is dropped`() async throws {
      let service = try await ServedModels().service()
      let file = try ServedModels.file(1)
      try await SocketClient.serving(service) { port in
        let client = try #require(SocketClient(port: port))
        client.send("/v1/embed", Array(file.prefix(20)), of: file.count)
        while service.admission.load.requests < 1 { await Task.yield() }
        client.disconnect()
        try await Self.settle(service, port) { $0.requests == 0 }
        #expect(service.admission.load == .init())
        let lines = try await Self.ask(port, "/metrics").text.split(separator: "\n")
        #expect(lines.contains("mae_requests_dropped_total{route=\"/v1/embed\"} 1"))
        #expect(!lines.contains { $0.hasPrefix("mae_requests_total{route=\"/v1/embed\"") })
      }
    }

    @Test func `what is no HTTP is refused with a line`() async throws {
      let service = try await ServedModels().service()
      try await SocketClient.serving(service) { port in
        for (text, status, line) in [
          (
            "GET /healthz?a=\(String(repeating: "b", count: 100_000)) HTTP/1.1\r\n\r\n", 431,
            "longer than"
          ),
          (
            "GET /healthz HTTP/1.1\r\nA: \(String(repeating: "b", count: 40_000))\r\n\r\n", 431,
            "longer than"
          ),
          ("no HTTP at all\r\n\r\n", 400, "is no HTTP: "),
          ("GET /healthz HTTP/9.1\r\n\r\n", 400, "is no HTTP: "),
        ] {
          let client = try #require(SocketClient(port: port))
          client.send(text)
          let refused = await client.answer()
          #expect(refused?.status == status, "\(text.prefix(30))")
          #expect(
            refused?.text.hasPrefix("{\"error\":\"") == true && refused?.text.contains(line) == true
          )
          #expect(await client.answer() == nil, "the connection is closed")
        }
        let lines = try await Self.ask(port, "/metrics").text.split(separator: "\n")
        #expect(lines.contains("mae_requests_total{route=\"none\",status=\"431\"} 2"))
        #expect(lines.contains("mae_requests_total{route=\"none\",status=\"400\"} 2"))
      }
    }

    @Test func `a client who stays is answered again and again`() async throws {
      let service = try await ServedModels().service()
      let file = try ServedModels.file(1)
      try await SocketClient.serving(service) { port in
        let client = try #require(SocketClient(port: port))
        for path in ["/v1/embed", "/v1/reconstruct", "/v1/attention", "/v1/embed?top=1"] {
          client.send(path, file)
          #expect(await client.answer()?.status == (path.hasSuffix("1") ? 400 : 200), "\(path)")
        }
        // What is no HTTP is the client's mistake, and not its going.
        client.send(
          "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            + "Transfer-Encoding: chunked\r\n\r\nno number\r\n")
        let refused = await client.answer()
        #expect(refused?.status == 400 && refused?.text.contains("whole chunks") == true)
        client.disconnect()
        let text = try await Self.ask(port, "/metrics").text
        #expect(!text.contains("mae_requests_dropped_total{"))
      }
    }
  }
#endif
