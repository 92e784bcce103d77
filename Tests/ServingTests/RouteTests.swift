#if Serve
  @testable import Serving
  import Datasets
  import Foundation
  import HTTPTypes
  import Imaging
  import TestSupport
  import Testing

  /// Every route, without sockets.
  @Suite struct RouteTests {
    private let jpeg: HTTPFields = [.contentType: "image/jpeg"]

    /// Asks a server of a reconstructing model and a classifier.
    private func withServer(
      _ address: ServerAddress = ServerAddress(), limits: ServingLimits = ServingLimits(),
      _ body: (RouteClient) async throws -> Void
    ) async throws {
      let samples = SampleImages(RequestImages([.pixels(ServedModels.picture(5))]))
      let service = try await ServedModels().service(samples: samples, limits: limits)
      try await body(RouteClient(ModelServer(service, at: address)))
    }

    private func decoded<Record: Decodable>(
      _ type: Record.Type, _ response: RouteClient.Answer
    ) throws -> Record {
      try JSONDecoder().decode(type, from: Data(response.body))
    }

    @Test func `routes answer`() async throws {
      let file = try ServedModels.file(1)
      try await withServer { client in
        let models = try decoded(
          ModelsRecord.self, try await client.ask("/v1/models"))
        #expect(models.models.map(\.name) == ["model", "flowers"])
        #expect(models.models.map(\.reconstructs) == [true, false])
        #expect(models.models.map(\.classes) == [0, 3])

        let filled = try await client.ask(
          "/v1/reconstruct?ratio=0.5&seed=3", .post, jpeg, body: file)
        let record = try decoded(ReconstructionRecord.self, filled)
        #expect(record.hidden.count == 8 && record.pictures.count == 4)
        #expect(filled.headers[.contentType] == "application/json")

        var headers = jpeg
        headers[.accept] = "image/png"
        let picture = try await client.ask(
          "/v1/reconstruct?ratio=0.5&seed=3", .post, headers, body: file)
        #expect(picture.headers[.contentType] == "image/png")
        #expect(picture.headers[.meanSquaredError] == "\(record.meanSquaredError)")
        #expect(picture.headers[.notice]?.contains("invented") == true)
        #expect(
          Data(picture.body).base64EncodedString() == record.pictures["combined"])

        let embedding = try decoded(
          EmbeddingRecord.self,
          try await client.ask("/v1/embed", .post, jpeg, body: file))
        #expect(embedding.embedding.count == 16)
        let classes = try decoded(
          ClassesRecord.self,
          try await client.ask("/v1/classify?top=2", .post, jpeg, body: file))
        #expect(classes.classes.count == 2 && classes.model == "flowers")
        let attention = try decoded(
          AttentionRecord.self,
          try await client.ask("/v1/attention?patch=3", .post, jpeg, body: file))
        #expect(attention.patch == 3 && attention.mean.count == 16)
        let map = try await client.ask("/v1/attention", .post, headers, body: file)
        #expect(try ByteImage(decoding: map.body).width == 16)

        let samples = try decoded(
          SamplesRecord.self, try await client.ask("/v1/samples"))
        #expect(samples.samples == ["the image"])
        let sample = try await client.ask("/v1/samples/0")
        #expect(
          try ByteImage(decoding: sample.body) == ServedModels.picture(5))
        let health = try await client.ask("/healthz")
        #expect(health.text == "{\"status\":\"ok\"}")
        let metrics = try await client.ask("/metrics")
        #expect(
          metrics.text.contains(
            "mae_requests_total{route=\"/v1/embed\",status=\"200\"} 1"))
      }
    }

    @Test func `the page asks nobody else`() async throws {
      try await withServer { client in
        for (path, type) in [
          ("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript"),
          ("/openapi.json", "application/json"),
        ] {
          let file = try await client.ask(path)
          #expect(
            file.status == 200 && file.headers[.contentType]?.hasPrefix(type) == true, "\(path)")
          let policy = file.headers[.contentSecurityPolicy] ?? ""
          #expect(policy.contains("default-src 'none'") && !policy.contains("http"))
          #expect(file.headers[.xContentTypeOptions] == "nosniff")
          let text = file.text
          #expect(!text.contains("http://") && !text.contains("https://"), "\(path)")
          let head = try await client.ask(path, .head)
          #expect(head.status == 200, "\(path)")
        }
      }
    }

    /// `openapi.json` has the routes, their methods and no others.
    @Test func `the description has every route`() async throws {
      struct Description: Decodable {
        struct Operation: Decodable {}
        let paths: [String: [String: Operation]]
      }
      let described = try JSONDecoder().decode(
        Description.self, from: Data(PackageResources.openapi_json)
      ).paths.mapValues { $0.keys.map { $0.uppercased() } }
      let service = try await ServedModels().service()
      let pages: Set<String> = ["/", "/page.css", "/page.js"]
      let routes = ModelServer(service).methods.filter { !pages.contains($0.key) }
        .mapValues { $0.filter { $0 != "HEAD" } }
      #expect(described == routes)
    }

    @Test func `what is wrong has its status and one line`() async throws {
      var limits = ServingLimits()
      limits.bodyBytes = 2000
      let file = try ServedModels.file(1)
      try await withServer(limits: limits) { client in
        let query = try #require(HTTPRequest.Method("QUERY"))
        let cases: [(HTTPRequest.Method, String, HTTPFields, [UInt8]?, Int, String)] = [
          (.get, "/nothing", [:], nil, 404, "there is nothing at '/nothing'"),
          (.get, "/v1/../../etc/passwd", [:], nil, 404, "there is nothing at"),
          (.get, "/v1/samples/1", [:], nil, 404, "there is no sample 1; there are 1"),
          (.get, "/v1/samples/..%2F..%2Fetc%2Fpasswd", [:], nil, 404, "there is no sample"),
          (.get, "/v1/samples/0?size=9", [:], nil, 400, "there is no parameter 'size'"),
          (.get, "/v1/embed", [:], nil, 405, "expected POST"),
          (.delete, "/v1/models", [:], nil, 405, "expected GET, HEAD"),
          (query, "/v1/samples/0", [:], nil, 405, "is not asked with QUERY; expected GET, HEAD"),
          (.post, "/v1/embed", [:], file, 415, "the content type is missing"),
          (.post, "/v1/embed?model=a&model=b", jpeg, file, 400, "'model' more than once"),
          (.post, "/v1/embed?ratio=1", jpeg, file, 400, "there is no parameter 'ratio'"),
          (.post, "/v1/embed", jpeg, [1, 2, 3], 415, "of an unknown kind"),
          (
            .post, "/v1/embed", jpeg, [UInt8](repeating: 0, count: 2001), 413,
            "at most 2000"
          ),
          (.post, "/v1/classify?model=model", jpeg, file, 422, "no head"),
          (.post, "/v1/neighbours", jpeg, file, 422, "--index"),
        ]
        for (method, uri, headers, body, status, text) in cases {
          let response = try await client.ask(uri, method, headers, body: body)
          let line = try decoded(ErrorRecord.self, response).error
          #expect(
            response.status == status && line.contains(text), "\(uri): \(response.status) \(line)")
          #expect(!line.contains("\n"))
        }
        let refused = try await client.ask("/v1/embed", .put)
        #expect(refused.headers[.allow] == "POST")
        var headers = jpeg
        headers[.accept] = "image/png"
        let two = try await client.ask(
          "/v1/reconstruct?pictures=original,visible", .post, headers, body: file)
        #expect(two.status == 400)
      }
    }

    @Test func `a full queue is said with when to come again`() async throws {
      var limits = ServingLimits()
      limits.queue = 1
      let service = try await ServedModels().service(limits: limits)
      let file = try ServedModels.file(1)
      let client = RouteClient(ModelServer(service))
      try await service.admission.perform(bytes: 1) {
        let refused = try await client.ask("/v1/embed", .post, jpeg, body: file)
        #expect(refused.status == 503 && refused.headers[.retryAfter] == "1")
        // What has no body is answered all the same.
        #expect(try await client.ask("/healthz").status == 200)
      }
      #expect(try await client.ask("/v1/embed", .post, jpeg, body: file).status == 200)
    }

    @Test func `a token is asked for`() async throws {
      var address = ServerAddress()
      address.token = "secret"
      try await withServer(address) { client in
        for uri in ["/", "/page.js", "/page.css", "/healthz", "/openapi.json"] {
          #expect(try await client.ask(uri).status == 200, "\(uri)")
        }
        for header in [nil, "Bearer", "Bearer secre", "Bearer secret2", "Basic secret"] {
          for uri in ["/v1/models", "/metrics", "/v1/samples/0", "/nothing"] {
            let headers: HTTPFields = header.map { [.authorization: $0] } ?? [:]
            let refused = try await client.ask(uri, .get, headers)
            #expect(refused.status == 401, "\(uri) \(header ?? "-")")
            #expect(refused.headers[.wwwAuthenticate] == "Bearer")
          }
        }
        let models = try await client.ask("/v1/models", .get, [.authorization: "bearer secret"])
        #expect(models.status == 200)
      }
    }

    @Test func `pages of other origins and other names are refused`() async throws {
      let service = try await ServedModels().service()
      let client = RouteClient(ModelServer(service))
      func status(_ host: String, _ origin: String? = nil) async throws -> Int {
        let headers: HTTPFields = origin.map { [.origin: $0] } ?? [:]
        return try await client.ask("/v1/models", .get, headers, host: host).status
      }
      #expect(try await status("localhost:8080", "http://localhost:8080") == 200)
      #expect(try await status("[::1]:8080") == 200)
      #expect(try await status("localhost:8080", "http://example.org") == 403)
      #expect(try await status("localhost:8080", "http://localhost:9090") == 403)
      #expect(try await status("example.org:8080") == 421)
      #expect(try await status("127.example.org") == 421)
      var open = ServerAddress()
      open.host = "0.0.0.0"
      let answer = try await RouteClient(ModelServer(service, at: open))
        .ask("/v1/models", host: "example.org")
      #expect(answer.status == 200)
      for name in ["127.0.0.1", "localhost", "::1", "127.9.8.7"] {
        #expect(ServerAddress.isLoopback(name), "\(name)")
      }
      for name in ["127.example.org", "127.0.0.1.example.org", "example.org", "", "0.0.0.0"] {
        #expect(!ServerAddress.isLoopback(name), "\(name)")
      }
    }

    @Test func `models are called by the last part of their paths`() {
      #expect(
        ModelServer.names(of: ["runs/first", "old/first/", "first", "a.safetensors"])
          == ["first", "first-2", "first-3", "a.safetensors"])
    }

    @Test func `the page on serving shows the code that is compiled here`() throws {
      let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let code = try String(
        contentsOf: tests.appending(path: "ServeExample.swift"), encoding: .utf8
      )
      .split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("#") }
      .map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }
      .joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
      let root = tests.deletingLastPathComponent().deletingLastPathComponent()
      let page = try String(
        contentsOf: root.appending(path: "Documentation/Serving.md"), encoding: .utf8)
      #expect(page.contains("```swift\n\(code)\n```"))
    }
  }
#endif
