#if Serve
  import HTTPTypes
  import Hummingbird
  import NIOCore

  /// Makes every error an answer of one line, counts every answer, and says to browsers what a page
  /// may do.
  struct AnswerMiddleware: RouterMiddleware {
    typealias Context = ModelServer.Context

    let metrics: ServingMetrics
    /// The methods of each path.
    let methods: [String: [String]]

    func handle(
      _ request: Request, context: Context,
      next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
      let start = ContinuousClock.now
      var response: Response
      do {
        response = try await next(request, context)
      } catch let error as ServingError where error == .clientGone {
        // Nobody reads it.
        metrics.dropped(context.endpointPath ?? "none")
        return try answer(to: error, request)
      } catch {
        response = try answer(to: error, request)
      }
      response.headers[.xContentTypeOptions] = "nosniff"
      response.headers[.cacheControl] = "no-store"
      response.headers[.contentSecurityPolicy] = Self.policy
      for (name, value) in Self.fields { response.headers[name] = value }
      metrics.answered(
        context.endpointPath ?? "none", status: response.status.code,
        after: ContinuousClock.now - start)
      return response
    }

    /// Nothing but the page's own files, and pictures that its script has made.
    private static let policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
      + "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static let fields: [(HTTPField.Name, String)] = [
      ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
      ("Cross-Origin-Opener-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }

    private func answer(to error: any Error, _ request: Request) throws -> Response {
      var headers = HTTPFields()
      let status: HTTPResponse.Status
      let message: String
      if let error = ServingError(of: error) {
        status = .init(code: error.status)
        message = error.message
        if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
        if error.status == 401 { headers[.wwwAuthenticate] = "Bearer" }
      } else if let error = error as? HTTPError, error.status == .notFound {
        let path = request.uri.path
        if let allowed = allowed(at: path) {
          status = .methodNotAllowed
          headers[.allow] = allowed
          message = "\(path) is not asked with \(request.method.rawValue); expected \(allowed)"
        } else {
          status = .notFound
          message = "there is nothing at \(path.shown)"
        }
      } else if let error = error as? HTTPError {
        status = error.status
        headers = error.headers
        message = error.body ?? status.reasonPhrase.lowercased()
      } else if error is NIOTooManyBytesError {
        status = .contentTooLarge
        message = "the body is larger than what is read"
      } else {
        status = .internalServerError
        message = "the server failed"
      }
      var response = try Response.json(ErrorRecord(error: message))
      response.status = status
      for field in headers { response.headers[field.name] = field.value }
      return response
    }

    /// The methods with which a path is asked; nil where there is nothing at it.
    private func allowed(at path: String) -> String? {
      let words = path.split(separator: "/")
      let route = methods.keys.first { route in
        let own = route.split(separator: "/")
        return own.count == words.count
          && zip(own, words).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
      }
      return route.flatMap { methods[$0] }?.joined(separator: ", ")
    }
  }
#endif
