package import Imaging
import Runs
import Torch

/// Why a request is not answered as it was asked: an HTTP status and one line for people.
package struct ServingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The HTTP status code.
  package let status: Int
  /// What was found, what was expected, what to do.
  package let message: String
  /// Seconds after which it makes sense to try again; nil where it makes none.
  package let retryAfter: Int?

  package init(_ status: Int, _ message: String, retryAfter: Int? = nil) {
    self.status = status
    self.message = message
    self.retryAfter = retryAfter
  }

  package var description: String { message }

  /// The request is not what it should be.
  package static func malformed(_ message: String) -> ServingError { ServingError(400, message) }
  /// There is nothing of that name.
  package static func missing(_ message: String) -> ServingError { ServingError(404, message) }
  /// The body, or what it declares, is larger than the limits allow.
  package static func tooLarge(_ message: String) -> ServingError { ServingError(413, message) }
  /// The body is of a kind that is not read.
  package static func wrongType(_ message: String) -> ServingError { ServingError(415, message) }
  /// The request is in order, and the model or the image is not one that can do it.
  package static func impossible(_ message: String) -> ServingError { ServingError(422, message) }
  /// Too much is being worked on.
  package static let busy = ServingError(
    503, "the server has as much to do as its queue holds; try again", retryAfter: 1)
  /// The client has closed its connection, or its side of it, and takes no answer. The status is
  /// nginx's.
  package static let clientGone = ServingError(
    499, "the client closed its side of the connection before it was answered")
}

extension ServingError {
  /// What is wrong with a request's image.
  package init(_ error: ImageError) {
    let status =
      switch error.kind {
      case .tooLarge: 413
      case .unrecognized: 415
      default: 422
      }
    self.init(status, "image: \(error.reason)")
  }

  /// What came of a model; nil where it is no fault of the request.
  package init?(of error: any Error) {
    switch error {
    case let error as ServingError: self = error
    case let error as ImageError: self.init(error)
    case let error as RunFailure: self.init(422, error.message)
    case let error as TorchError:
      self.init(
        500, "the engine failed: \(error.message.split(separator: "\n").first ?? "unknown")")
    default: return nil
    }
  }
}
