import ArgumentParser
import Dispatch
import Foundation
import Inference
import Runs
import Synchronization
import Torch

#if Serve
  import Serving
#endif

/// Models over HTTP, and a page to look at them.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve models over HTTP, with a page where patches are hidden by hand.",
    discussion: """
      The page is at the address that is printed; /openapi.json describes the routes below /v1/. \
      Nothing leaves the machine unless --host says so. The program answers what it has begun when \
      it is ended by Ctrl-C or SIGTERM.

      Examples:
        mae serve runs/first
        mae serve runs/first runs/second --samples photos/
        mae embed runs/first photos/ --out index.npy
        mae serve runs/first --index index.npy
        curl -F image=@photo.jpg -F ratio=0.75 -H 'Accept: image/png' \\
          localhost:8080/v1/reconstruct > filled.png
      """)

  @Argument(
    help: "Run folders, checkpoints or weights: whatever the other commands take.",
    completion: .file())
  var runs: [String]

  @Option(help: "Embeddings that mae embed wrote by one of the models, to find neighbours in.")
  var index: String?

  @Option(help: "Images that the page offers to begin with: a folder or another set.")
  var samples: String?

  @Option(help: "The address to listen at; 0.0.0.0 for all.")
  var host = "127.0.0.1"

  @Option(help: "The port; 0 for any that is free.")
  var port = 8080

  @Option(
    help: ArgumentHelp(
      "The word that requests must bring as Authorization: Bearer; also from MAE_TOKEN.",
      valueName: "word"))
  var token: String?

  @Option(help: "Most bytes of a request; 16 MiB unless given.")
  var maxBody: Int?

  @Option(help: "Most pixels that an image may declare; 64 million unless given.")
  var maxPixels: Int?

  @Option(help: "Most requests that are worked on or wait; 64 unless given. More get status 503.")
  var queue: Int?

  @Option(help: "Most open connections; 256 unless given. More wait.")
  var connections: Int?

  @Option(help: "Seconds in which a request must have arrived; 30 unless given.")
  var timeout: Int?

  @Option(
    help: ArgumentHelp(
      "Milliseconds that embedding and classifying wait for more images to compute with; 3 unless given.",
      valueName: "milliseconds"))
  var batchWait: Int?

  @OptionGroup var hints: HintOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if !(0...65_535).contains(port) {
      throw ValidationError("--port is \(port); expected 0 to 65535")
    }
    if let token, !Self.isWord(token) {
      throw ValidationError("--token is empty or has spaces; expected one word of ASCII")
    }
    #if Serve
      if let problem = limits.problem { throw ValidationError(problem) }
    #endif
  }

  /// Whether a text can stand behind `Bearer` in a header.
  fileprivate static func isWord(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// The token that the environment gives; nil where it gives none.
  fileprivate func tokenOfEnvironment() throws -> String? {
    guard let word = ProcessInfo.processInfo.environment["MAE_TOKEN"] else { return nil }
    guard Self.isWord(word) else {
      throw ValidationError("MAE_TOKEN is empty or has spaces; expected one word")
    }
    return word
  }

  func run() throws {
    #if Serve
      try serve()
    #else
      warn(
        "error: this program was built without its server; build it with make serve, or "
          + "swift build -c release --traits Serve --product mae")
      ExitStatus.noEngine.end()
    #endif
  }
}

#if Serve
  extension ServeCommand {
    private var limits: ServingLimits {
      var limits = ServingLimits()
      limits.bodyBytes = maxBody ?? limits.bodyBytes
      limits.pixels = maxPixels ?? limits.pixels
      limits.queue = queue ?? limits.queue
      limits.connections = connections ?? limits.connections
      limits.seconds = timeout ?? limits.seconds
      limits.batchMilliseconds = batchWait ?? limits.batchMilliseconds
      return limits
    }

    private func serve() throws {
      let device = try compute.open()
      var address = ServerAddress()
      address.host = host
      address.port = port
      address.token = try token ?? tokenOfEnvironment()
      let images = try samples.map { try openImages(at: dataPath($0), training: false) }
      let (runs, index, limits, hints) = (runs, index, limits, hints)
      let place = address
      try waiting {
        let server = try await ModelServer(
          runs, index: index, samples: images, limits: limits, at: place
        ) { path in
          try ModelOptions.load(path, hints, on: device, readsImages: true)
        }
        for model in server.models { print("\(model.name): \(model.words)") }
        if !place.isLoopback, place.token == nil {
          warn(
            "note: everybody who reaches \(place.host) can ask; --token names a word for those who may"
          )
        }
        do {
          try await server.run { port in
            let shown = place.host.contains(":") ? "[\(place.host)]" : place.host
            let fragment = place.token == nil ? "" : "#token=…"
            print("serving at http://\(shown):\(port)/\(fragment)")
            fflush(nil)
          }
        } catch {
          throw RunFailure(
            .inputOutput,
            "\(place.host), port \(place.port): cannot listen there (\(error)); name another with "
              + "--host and --port")
        }
        print("ended")
      }
    }

    /// Does something asynchronous and waits for its end on this thread.
    private func waiting(_ body: @escaping @Sendable () async throws -> Void) throws {
      let outcome = Mutex<Result<Void, any Error>>(.success(()))
      let end = DispatchSemaphore(value: 0)
      Task.detached {
        do {
          try await body()
        } catch {
          outcome.withLock { $0 = .failure(error) }
        }
        end.signal()
      }
      end.wait()
      try outcome.withLock { $0 }.get()
    }
  }
#endif
