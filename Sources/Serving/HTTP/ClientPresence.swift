#if Serve
  import Hummingbird
  import NIOCore
  import NIOHTTP1
  import NIOHTTPTypes
  import Synchronization

  /// Whether the client of a connection is there to take an answer.
  ///
  /// Hummingbird goes on with a request when its connection ends, and leaves a connection open whose
  /// client has closed its own side: the system tells no more of a client that was killed. Nobody
  /// who wants an answer closes that side, so it ends the request as the end of the connection does.
  final class ClientPresence: Sendable {
    private struct State {
      var isGone = false
      /// Ends what is done for the client. A connection of HTTP/1 has one request at a time.
      var cancel: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    /// Whether the connection has ended.
    var isGone: Bool { state.withLock { $0.isGone } }

    /// Cancels what is done for the client, now and from now on.
    func end() {
      let cancel = state.withLock { state in
        state.isGone = true
        return state.cancel.take()
      }
      cancel?()
    }

    /// Does something in a task that is cancelled when the client goes.
    ///
    /// - Throws: ``ServingError/clientGone`` where `body` ended in an error and the client has gone;
    ///   otherwise what `body` throws.
    func perform<Answer: Sendable>(
      _ body: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
      if isGone { throw ServingError.clientGone }
      let task = Task { try await body() }
      let hasGone = state.withLock { state in
        state.cancel = { task.cancel() }
        return state.isGone
      }
      if hasGone { task.cancel() }
      defer { state.withLock { $0.cancel = nil } }
      do {
        return try await withTaskCancellationHandler {
          try await task.value
        } onCancel: {
          task.cancel()
        }
      } catch {
        throw isGone ? ServingError.clientGone : error
      }
    }
  }

  /// Tells a ``ClientPresence`` how its connection ends.
  final class ClientPresenceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    let presence = ClientPresence()

    func channelInactive(context: ChannelHandlerContext) {
      presence.end()
      context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case ChannelEvent.inputClosed? = event as? ChannelEvent { presence.end() }
      context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      // What is no HTTP is refused by an answer. All else is the connection's end, of which the
      // body's reader hears before it is closed.
      switch error as? HTTPParserError {
      case nil, .closedConnection?, .invalidEOFState?: presence.end()
      default: break
      }
      context.fireErrorCaught(error)
    }

    func handlerRemoved(context: ChannelHandlerContext) { presence.end() }
  }

  /// What routes are told of a request besides itself: the channel that it came over.
  struct ServingContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = .init(source: source)
      channel = source.channel
    }

    /// The client of the connection; nil where that has been taken down.
    var client: ClientPresence? {
      get async {
        let channel = channel
        return try? await channel.eventLoop.submit {
          try channel.pipeline.syncOperations.handler(type: ClientPresenceHandler.self).presence
        }.get()
      }
    }
  }
#endif
