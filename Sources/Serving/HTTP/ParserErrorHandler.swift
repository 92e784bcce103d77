#if Serve
  import Foundation
  import HTTPTypes
  import NIOCore
  import NIOHTTP1
  import NIOHTTPTypes

  /// Answers what is no HTTP with a line like every other refusal, and closes the connection.
  ///
  /// Hummingbird's own answer to it is 400 without a word. What is found in the middle of a body is
  /// left to the route that reads it.
  final class ParserErrorHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a request's address and header fields may be together, in bytes.
    static let mostHeadBytes = 32 << 10

    private let metrics: ServingMetrics
    /// Whether a request has begun to arrive whose answer has not been written.
    private var isOpen = false

    init(_ metrics: ServingMetrics) { self.metrics = metrics }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .head = unwrapInboundIn(data) { isOpen = true }
      context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      if case .end = unwrapOutboundIn(data) { isOpen = false }
      context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      guard !isOpen, let error = error as? HTTPParserError, error != .closedConnection,
        error != .invalidEOFState
      else { return context.fireErrorCaught(error) }
      let (status, message) =
        error == .headerOverflow
        ? (
          HTTPResponse.Status.requestHeaderFieldsTooLarge,
          "the address and the header fields are longer than \(Self.mostHeadBytes) bytes; "
            + "parameters may be in the body"
        ) : (.badRequest, "the request is no HTTP: \(error)")
      let body = (try? JSONEncoder().encode(ErrorRecord(error: message))) ?? Data()
      let fields: HTTPFields = [
        .contentType: "application/json", .contentLength: "\(body.count)", .connection: "close",
      ]
      context.write(
        wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
      context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
      metrics.answered("none", status: status.code, after: .zero)
      let written = context.eventLoop.makePromise(of: Void.self)
      let channel = context.channel
      written.futureResult.whenComplete { _ in channel.close(promise: nil) }
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
  }
#endif
