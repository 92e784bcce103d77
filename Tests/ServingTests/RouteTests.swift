#if Serve
  @testable import Serving
  import Datasets
  import Foundation
  import HTTPTypes
  import Hummingbird
  import HummingbirdTesting
  import Imaging
  import NIOCore
  import TestSupport
  import Testing

  /// Every route, without sockets.
  @Suite struct RouteTests {
    private let jpeg: HTTPFields = [.contentType: "image/jpeg"]

    /// Asks a server of a reconstructing model and a classifier.
    private func withServer(
      _ address: ServerAddress = ServerAddress(), limits: ServingLimits = ServingLimits(),
      _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
      let samples = SampleImages(RequestImages([.pixels(ServedModels.picture(5))]))
      let service = try await ServedModels().service(samples: samples, limits: limits)
      try await ModelServer(service, at: address).application().test(.router) { client in
        try await body(client)
      }
    }

    private func decoded<Record: Decodable>(
      _ type: Record.Type, _ response: TestResponse
    ) throws -> Record {
      try JSONDecoder().decode(type, from: Data(response.body.readableBytesView))
    }

    @Test func `routes answer`() async throws {
      let file = ByteBuffer(bytes: try ServedModels.file(1))
      try await withServer { [jpeg] client in
        let models = try decoded(
          ModelsRecord.self, try await client.execute(uri: "/v1/models", method: .get))
        #expect(models.models.map(\.name) == ["model", "flowers"])
        #expect(models.models.map(\.reconstructs) == [true, false])
        #expect(models.models.map(\.classes) == [0, 3])

        let filled = try await client.execute(
          uri: "/v1/reconstruct?ratio=0.5&seed=3", method: .post, headers: jpeg, body: file)
        let record = try decoded(ReconstructionRecord.self, filled)
        #expect(record.hidden.count == 8 && record.pictures.count == 4)
        #expect(filled.headers[.contentType] == "application/json")

        var headers = jpeg
        headers[.accept] = "image/png"
        let picture = try await client.execute(
          uri: "/v1/reconstruct?ratio=0.5&seed=3", method: .post, headers: headers, body: file)
        #expect(picture.headers[.contentType] == "image/png")
        #expect(picture.headers[.meanSquaredError] == "\(record.meanSquaredError)")
        #expect(picture.headers[.notice]?.contains("invented") == true)
        #expect(
          Data(picture.body.readableBytesView).base64EncodedString() == record.pictures["combined"])

        let embedding = try decoded(
          EmbeddingRecord.self,
          try await client.execute(uri: "/v1/embed", method: .post, headers: jpeg, body: file))
        #expect(embedding.embedding.count == 16)
        let classes = try decoded(
          ClassesRecord.self,
          try await client.execute(
            uri: "/v1/classify?top=2", method: .post, headers: jpeg, body: file))
        #expect(classes.classes.count == 2 && classes.model == "flowers")
        let attention = try decoded(
          AttentionRecord.self,
          try await client.execute(
            uri: "/v1/attention?patch=3", method: .post, headers: jpeg, body: file))
        #expect(attention.patch == 3 && attention.mean.count == 16)
        let map = try await client.execute(
          uri: "/v1/attention", method: .post, headers: headers, body: file)
        #expect(try ByteImage(decoding: Array(map.body.readableBytesView)).width == 16)

        let samples = try decoded(
          SamplesRecord.self, try await client.execute(uri: "/v1/samples", method: .get))
        #expect(samples.samples == ["the image"])
        let sample = try await client.execute(uri: "/v1/samples/0", method: .get)
        #expect(
          try ByteImage(decoding: Array(sample.body.readableBytesView)) == ServedModels.picture(5))
        let health = try await client.execute(uri: "/healthz", method: .get)
        #expect(String(buffer: health.body) == "{\"status\":\"ok\"}")
        let metrics = try await client.execute(uri: "/metrics", method: .get)
        #expect(
          String(buffer: metrics.body).contains(
            "mae_requests_total{route=\"/v1/embed\",status=\"200\"} 1"))
      }
    }

    @Test func `the page asks nobody else`() async throws {
      try await withServer { client in
        for (path, type) in [
          ("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript"),
          ("/openapi.json", "application/json"),
        ] {
          let file = try await client.execute(uri: path, method: .get)
          #expect(file.status == .ok && file.headers[.contentType]?.hasPrefix(type) == true, "\(path)")
          let policy = file.headers[.contentSecurityPolicy] ?? ""
          #expect(policy.contains("default-src 'none'") && !policy.contains("http"))
          #expect(file.headers[.xContentTypeOptions] == "nosniff")
          let text = String(buffer: file.body)
          #expect(!text.contains("http://") && !text.contains("https://"), "\(path)")
          let head = try await client.execute(uri: path, method: .head)
          #expect(head.status == .ok, "\(path)")
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
      ).paths.mapValues { $0.keys.sorted() }
      let service = try await ServedModels().service()
      let pages: Set<String> = ["/", "/page.css", "/page.js"]
      let routes = ModelServer(service).methods.filter { !pages.contains($0.key) }
      #expect(described == routes)
    }

    @Test func `what is wrong has its status and one line`() async throws {
      var limits = ServingLimits()
      limits.bodyBytes = 2000
      let file = ByteBuffer(bytes: try ServedModels.file(1))
      try await withServer(limits: limits) { [jpeg] client in
        let cases: [(HTTPRequest.Method, String, HTTPFields, ByteBuffer?, Int, String)] = [
          (.get, "/nothing", [:], nil, 404, "there is nothing at '/nothing'"),
          (.get, "/v1/../../etc/passwd", [:], nil, 404, "there is nothing at"),
          (.get, "/v1/samples/1", [:], nil, 404, "there is no sample 1; there are 1"),
          (.get, "/v1/samples/..%2F..%2Fetc%2Fpasswd", [:], nil, 404, "there is no sample"),
          (.get, "/v1/samples/0?size=9", [:], nil, 400, "there is no parameter 'size'"),
          (.get, "/v1/embed", [:], nil, 405, "expected POST"),
          (.delete, "/v1/models", [:], nil, 405, "expected GET, HEAD"),
          (.post, "/v1/embed", [:], file, 415, "the content type is missing"),
          (.post, "/v1/embed?model=a&model=b", jpeg, file, 400, "'model' more than once"),
          (.post, "/v1/embed?ratio=1", jpeg, file, 400, "there is no parameter 'ratio'"),
          (.post, "/v1/embed", jpeg, ByteBuffer(bytes: [1, 2, 3]), 415, "of an unknown kind"),
          (
            .post, "/v1/embed", jpeg, ByteBuffer(bytes: [UInt8](repeating: 0, count: 2001)), 413,
            "at most 2000"
          ),
          (.post, "/v1/classify?model=model", jpeg, file, 422, "no head"),
          (.post, "/v1/neighbours", jpeg, file, 422, "--index"),
        ]
        for (method, uri, headers, body, status, text) in cases {
          let response = try await client.execute(
            uri: uri, method: method, headers: headers, body: body)
          let line = try decoded(ErrorRecord.self, response).error
          #expect(response.status.code == status && line.contains(text), "\(uri): \(response.status.code) \(line)")
          #expect(!line.contains("\n"))
        }
        let refused = try await client.execute(uri: "/v1/embed", method: .put)
        #expect(refused.headers[.allow] == "POST")
        var headers = jpeg
        headers[.accept] = "image/png"
        let two = try await client.execute(
          uri: "/v1/reconstruct?pictures=original,visible", method: .post, headers: headers,
          body: file)
        #expect(two.status == .badRequest)
      }
    }

    @Test func `a full queue is said with when to come again`() async throws {
      var limits = ServingLimits()
      limits.queue = 1
      let service = try await ServedModels().service(limits: limits)
      let file = ByteBuffer(bytes: try ServedModels.file(1))
      try await ModelServer(service).application().test(.router) { [jpeg] client in
        try await service.admission.perform(bytes: 1) {
          let refused = try await client.execute(
            uri: "/v1/embed", method: .post, headers: jpeg, body: file)
          #expect(refused.status == .serviceUnavailable && refused.headers[.retryAfter] == "1")
          // What has no body is answered all the same.
          #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
        }
        let later = try await client.execute(
          uri: "/v1/embed", method: .post, headers: jpeg, body: file)
        #expect(later.status == .ok)
      }
    }

    @Test func `a token is asked for`() async throws {
      var address = ServerAddress()
      address.token = "secret"
      try await withServer(address) { client in
        for uri in ["/", "/page.js", "/page.css", "/healthz", "/openapi.json"] {
          #expect(try await client.execute(uri: uri, method: .get).status == .ok, "\(uri)")
        }
        for header in [nil, "Bearer", "Bearer secre", "Bearer secret2", "Basic secret"] {
          for uri in ["/v1/models", "/metrics", "/v1/samples/0", "/nothing"] {
            let headers: HTTPFields = header.map { [.authorization: $0] } ?? [:]
            let refused = try await client.execute(uri: uri, method: .get, headers: headers)
            #expect(refused.status == .unauthorized, "\(uri) \(header ?? "-")")
            #expect(refused.headers[.wwwAuthenticate] == "Bearer")
          }
        }
        let models = try await client.execute(
          uri: "/v1/models", method: .get, headers: [.authorization: "bearer secret"])
        #expect(models.status == .ok)
      }
    }

    /// With a socket, as the name of the host is part of it.
    @Test func `pages of other origins and other names are refused`() async throws {
      let service = try await ServedModels().service()
      var address = ServerAddress()
      address.port = 0
      try await ModelServer(service, at: address).application().test(.live) { client in
        let own = "http://localhost:\(client.port ?? 0)"
        let same = try await client.execute(
          uri: "/v1/models", method: .get, headers: [.origin: own])
        let other = try await client.execute(
          uri: "/v1/models", method: .get, headers: [.origin: "http://example.org"])
        #expect([same.status.code, other.status.code] == [200, 403])
      }
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
  }
#endif
