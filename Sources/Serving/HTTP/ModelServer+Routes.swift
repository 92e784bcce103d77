#if Serve
  import Foundation
  import HTTPTypes
  import Hummingbird
  import NIOCore
  import NIOHTTP1

  extension ModelServer {
    typealias Context = ServingContext
    typealias Handler = @Sendable (Request, Context) async throws -> Response

    /// Everything that is answered: path, method, and how.
    private var routes: [(path: String, method: HTTPRequest.Method, handler: Handler)] {
      let service = service
      return [
        ("/", .get, { _, _ in .file(PackageResources.index_html, "text/html; charset=utf-8") }),
        (
          "/page.css", .get, { _, _ in .file(PackageResources.page_css, "text/css; charset=utf-8") }
        ),
        (
          "/page.js", .get,
          { _, _ in .file(PackageResources.page_js, "text/javascript; charset=utf-8") }
        ),
        (
          "/openapi.json", .get,
          { _, _ in .file(PackageResources.openapi_json, "application/json") }
        ),
        ("/healthz", .get, { _, _ in try .json(["status": "ok"]) }),
        (
          "/metrics", .get,
          { _, _ in
            .file(
              Array(service.metrics.text(service.admission.load).utf8),
              "text/plain; version=0.0.4; charset=utf-8")
          }
        ),
        ("/v1/models", .get, { _, _ in try .json(service.models) }),
        (
          "/v1/samples", .get,
          { _, _ in try .json(SamplesRecord(samples: service.samples?.names ?? [])) }
        ),
        ("/v1/samples/{number}", .get, { try sample($0, $1) }),
        ("/v1/reconstruct", .post, withImage { try await reconstruct($0, wantsPicture: $1) }),
        (
          "/v1/embed", .post,
          withImage { image, _ in try .json(try await service.embed(image)) }
        ),
        (
          "/v1/classify", .post,
          withImage { image, _ in try .json(try await service.classify(image)) }
        ),
        (
          "/v1/neighbours", .post,
          withImage { image, _ in try .json(try await service.neighbours(image)) }
        ),
        ("/v1/attention", .post, withImage { try await attention($0, wantsPicture: $1) }),
      ]
    }

    /// The methods of each path.
    var methods: [String: [String]] {
      Dictionary(
        routes.map { ($0.path, $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue]) },
        uniquingKeysWith: +)
    }

    func router() -> Router<Context> {
      let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
      router.add(middleware: AnswerMiddleware(metrics: service.metrics, methods: methods))
      router.add(middleware: GuardMiddleware(address))
      for route in routes {
        router.on(RouterPath(route.path), method: route.method, use: route.handler)
      }
      return router
    }

    /// Reads a request's image, if there is room for it, and answers, unless the client goes.
    private func withImage(
      _ answer: @escaping @Sendable (ImageRequest, _ wantsPicture: Bool) async throws -> Response
    ) -> Handler {
      let service = service
      return { request, context in
        let limits = service.limits
        let declared = request.headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > limits.bodyBytes {
          throw ServingError.tooLarge(
            "the body has \(declared) bytes; at most \(limits.bodyBytes) are read")
        }
        guard let client = await context.client else { throw ServingError.clientGone }
        return try await client.perform {
          try await service.admission.perform(bytes: declared ?? limits.bodyBytes) {
            let body = try await Self.body(of: request, limits)
            try Task.checkCancellation()
            let image = try ImageRequest(
              contentType: request.headers[.contentType], query: try Self.query(of: request),
              body: body, limits: limits)
            let accepted = request.headers[.accept] ?? ""
            return try await answer(image, accepted.contains("image/png"))
          }
        }
      }
    }

    /// The body, if it arrives in time.
    private static func body(
      of request: Request, _ limits: ServingLimits
    ) async throws -> [UInt8] {
      try await withThrowingTaskGroup(of: [UInt8].self) { group in
        group.addTask {
          var bytes: [UInt8] = []
          do {
            for try await buffer in request.body {
              guard bytes.count + buffer.readableBytes <= limits.bodyBytes else {
                throw ServingError.tooLarge(
                  "the body has more than \(limits.bodyBytes) bytes, which is what is read at most")
              }
              bytes.append(contentsOf: buffer.readableBytesView)
            }
          } catch is HTTPParserError {
            throw ServingError.malformed(
              "the body is not as HTTP has it; expected as many bytes as Content-Length says, or "
                + "whole chunks")
          }
          return bytes
        }
        group.addTask {
          try await Task.sleep(for: .seconds(limits.seconds))
          throw ServingError(
            408, "the body did not arrive in \(limits.seconds) seconds; send it faster")
        }
        defer { group.cancelAll() }
        return try await group.next() ?? []
      }
    }

    /// The parameters of an address.
    static func query(of request: Request) throws(ServingError) -> RequestParameters {
      try RequestParameters(
        query: request.uri.queryParameters.map { (String($0), String($1)) })
    }

    private func reconstruct(
      _ request: ImageRequest, wantsPicture: Bool
    ) async throws -> Response {
      var request = request
      guard wantsPicture else { return try .json(await service.reconstruct(request).record) }
      var asked = request.parameters
      let names = ReconstructionPicture.allCases.map(\.rawValue)
      if try asked.words("pictures", of: names) == nil {
        request.parameters.add(RequestParameters(["pictures": .text("combined")]))
      }
      let (record, pictures) = try await service.reconstruct(request)
      guard pictures.count == 1, let file = pictures.values.first else {
        throw ServingError.malformed(
          "\(pictures.count) pictures are asked for as one PNG file; expected one, or "
            + "Accept: application/json")
      }
      var response = Response.file(file, "image/png")
      response.headers[.meanSquaredError] = "\(record.meanSquaredError)"
      response.headers[.notice] = record.notices.joined(separator: " ")
      return response
    }

    private func attention(_ request: ImageRequest, wantsPicture: Bool) async throws -> Response {
      let (record, view) = try await service.attention(request)
      guard wantsPicture else { return try .json(record) }
      return .file(try service.picture(of: record, over: view), "image/png")
    }

    private func sample(_ request: Request, _ context: Context) throws -> Response {
      let word = context.parameters.get("number") ?? ""
      guard let number = Int(word), let samples = service.samples else {
        throw ServingError.missing("there is no sample \(word.shown)")
      }
      var parameters = try Self.query(of: request)
      let isSmall = try parameters.flag("thumbnail")
      try parameters.finish()
      if isSmall { return .file(try samples.thumbnail(number), "image/png") }
      let file = try samples.file(number)
      return .file(file.bytes, file.type)
    }
  }

  extension HTTPField.Name {
    /// The error of a reconstruction that is answered as a picture.
    static let meanSquaredError = known("X-Mean-Squared-Error")
    /// What has to be said beside a picture.
    static let notice = known("X-Notice")

    private static func known(_ name: String) -> HTTPField.Name {
      guard let known = HTTPField.Name(name) else {
        preconditionFailure("\(name) is no name of a header")
      }
      return known
    }
  }

  extension Response {
    static func file(_ bytes: [UInt8], _ type: String) -> Response {
      Response(
        status: .ok, headers: [.contentType: type],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func json(_ record: some Encodable) throws -> Response {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return .file(Array(try encoder.encode(record)), "application/json")
    }
  }
#endif
