#if Serve
  import NIOCore
  import NIOHTTPTypes

  /// Closes a connection whose request does not arrive, or whose answer is not taken, in time: one
  /// that sends a byte now and then is not idle, and would hold its place for ever.
  final class DeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let patience: TimeAmount
    private var arrival: Scheduled<Void>?
    private var departure: Scheduled<Void>?

    /// - Parameter patience: How long a request may take to arrive, and its answer to be taken.
    init(_ patience: TimeAmount) { self.patience = patience }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head:
        // A little later than the route that reads the body, which says why in its answer.
        arrival = deadline(context, after: patience + .seconds(2))
      case .body: break
      case .end:
        arrival?.cancel()
        arrival = nil
      }
      context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      switch unwrapOutboundIn(data) {
      case .head:
        departure?.cancel()
        departure = deadline(context, after: patience)
        context.write(data, promise: promise)
      case .body:
        context.write(data, promise: promise)
      case .end:
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let running = departure
        departure = nil
        written.futureResult.whenComplete { _ in running?.cancel() }
        context.write(data, promise: written)
      }
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    func channelInactive(context: ChannelHandlerContext) {
      cancel()
      context.fireChannelInactive()
    }

    private func deadline(
      _ context: ChannelHandlerContext, after time: TimeAmount
    ) -> Scheduled<Void> {
      let channel = context.channel
      return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func cancel() {
      arrival?.cancel()
      departure?.cancel()
      (arrival, departure) = (nil, nil)
    }
  }
#endif
