#if Serve
  import HTTPTypes
  import Hummingbird

  /// Lets in who may ask: requests with the token where there is one, and no pages of other origins.
  struct GuardMiddleware: RouterMiddleware {
    typealias Context = ModelServer.Context

    private let token: [UInt8]?
    private let isLoopback: Bool

    /// What is answered without the token: the page, which asks for it, and what has no secrets.
    private static let open: Set<String> = [
      "/", "/page.css", "/page.js", "/healthz", "/openapi.json",
    ]

    init(_ address: ServerAddress) {
      token = address.token.map { Array($0.utf8) }
      isLoopback = address.isLoopback
    }

    func handle(
      _ request: Request, context: Context,
      next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
      let host = request.head.authority
      // A name that somebody else has pointed at this machine would make their page ours.
      if isLoopback, let host, !Self.isLoopback(host) {
        throw ServingError(
          421, "the request is for \(host.shown); this server is asked as localhost or 127.0.0.1")
      }
      if let origin = request.headers[.origin], let host, !Self.isSame(origin, host) {
        throw ServingError(403, "the request comes from a page of \(origin.shown), another origin")
      }
      if let token, !Self.open.contains(request.uri.path),
        !Self.isBearer(token, request.headers[.authorization])
      {
        throw ServingError(
          401, "the request does not bring the server's token as Authorization: Bearer TOKEN")
      }
      return try await next(request, context)
    }

    /// Whether the name of `name:port` is this machine's own.
    private static func isLoopback(_ authority: String) -> Bool {
      let name =
        authority.hasPrefix("[")
        ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
      return ServerAddress.isLoopback(String(name))
    }

    private static func isSame(_ origin: String, _ host: String) -> Bool {
      origin == "http://" + host || origin == "https://" + host
    }

    /// Compares in a time that does not tell how much of the token was right.
    private static func isBearer(_ token: [UInt8], _ header: String?) -> Bool {
      let words = (header ?? "").split(separator: " ")
      guard words.count == 2, words[0].lowercased() == "bearer" else { return false }
      let given = Array(words[1].utf8)
      var difference: UInt8 = given.count == token.count ? 0 : 1
      for place in token.indices {
        difference |= token[place] ^ (place < given.count ? given[place] : 0)
      }
      return difference == 0
    }
  }
#endif
