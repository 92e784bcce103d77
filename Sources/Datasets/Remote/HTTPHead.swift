/// Why a request got no answer that can be used.
package struct HTTPFailure: Error, Hashable {
  /// What happened, for a message.
  package var reason: String
  /// The answer's status, where there was one.
  package var status: Int?
  /// Whether the same request may go well later.
  package var isTransient: Bool
  /// Seconds that the server asks to wait.
  var wait: Double?

  /// Whether the server does not let the asker have the file, as with a signature that has ended.
  var isRefusal: Bool { status.map { [400, 401, 403].contains($0) } ?? false }
}

/// The head of an answer.
struct HTTPHead: Hashable, Sendable {
  var status = 0
  /// Bytes of this answer's content.
  var length: Int?
  /// Where the content lies in the whole: its first byte and the bytes of the whole, where known.
  var range: Range?
  /// What tells this version of the file from another, and may stand in `If-Range`.
  var validator: String?
  var wait: Double?
  /// The region that a store says a bucket is in.
  var region: String?

  struct Range: Hashable, Sendable {
    var first: Int
    var total: Int?
  }

  /// Bytes of the whole file.
  var total: Int? { status == 206 ? range?.total : length }

  /// Reads a line of a head; a status line begins a new one, as after a redirection.
  mutating func read(_ line: Substring) {
    if line.hasPrefix("HTTP/") {
      let parts = line.split(separator: " ", maxSplits: 2)
      self = HTTPHead(status: parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
      return
    }
    guard let colon = line.firstIndex(of: ":") else { return }
    let value = trimmed(line[line.index(after: colon)...])
    switch line[..<colon].lowercased() {
    case "content-length": length = Int(value).flatMap { $0 >= 0 ? $0 : nil }
    case "content-range": range = Self.range(value)
    case "etag" where value.hasPrefix("\"") && value.utf8.count <= 512: validator = String(value)
    case "last-modified" where validator == nil && value.utf8.count <= 64: validator = String(value)
    case "x-amz-bucket-region" where value.utf8.count <= 64: region = String(value)
    case "retry-after": wait = Double(value).flatMap { $0 >= 0 ? $0 : nil }
    default: break
    }
  }

  /// `bytes 0-4095/1000000`, the whole's size also as `*`.
  private static func range(_ value: Substring) -> Range? {
    guard value.hasPrefix("bytes "), let dash = value.firstIndex(of: "-"),
      let slash = value.firstIndex(of: "/"),
      let first = Int(value[value.index(value.startIndex, offsetBy: 6)..<dash]), first >= 0
    else { return nil }
    let total = Int(value[value.index(after: slash)...])
    return Range(first: first, total: total.flatMap { $0 >= 0 ? $0 : nil })
  }
}

private func trimmed(_ text: Substring) -> Substring {
  var text = text.drop { $0.isWhitespace }
  while let last = text.last, last.isWhitespace { text.removeLast() }
  return text
}

/// How long a server is waited for.
package struct HTTPPatience: Hashable, Sendable {
  /// Seconds in which a connection must be made.
  package var connectSeconds: Double
  /// Seconds in which a transfer may be slower than `slowest` on average before it is given up.
  package var stallSeconds: Int
  /// Bytes a second below which a transfer counts as stalled.
  package var slowest = 1024
  /// Seconds in which the answer must have come; nil for as long as bytes move.
  package var seconds: Double?

  package init(
    connectSeconds: Double, stallSeconds: Int, slowest: Int = 1024, seconds: Double? = nil
  ) {
    self.connectSeconds = connectSeconds
    self.stallSeconds = stallSeconds
    self.slowest = slowest
    self.seconds = seconds
  }
}

/// A request for a file, or a part of one.
struct HTTPRequest {
  var url: String
  /// `0-4095`, or `1000-` for all that follows.
  var range: String?
  /// The version of which a range is wanted; of another the whole file comes.
  var validator: String?
  /// Seconds in which the answer must have come; nil for as long as bytes come.
  var seconds: Double?
}
