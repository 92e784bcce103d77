#if Serve
  import Inference
  import Serving

  /// Serves a run until the program is told to end.
  func serve(_ run: String) async throws {
    let server = try await ModelServer([run]) { path in try LoadedModel(path) }
    try await server.run { port in print("http://127.0.0.1:\(port)/") }
  }
#endif
