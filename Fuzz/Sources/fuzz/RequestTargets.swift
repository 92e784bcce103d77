@testable import Imaging
@testable import Serving

/// Requests to `mae serve`, from their heads to the parameters that routes read. An input is the
/// content type, a line with the parameters of the address, and the body.
let requestTargets: [FuzzTarget] = [
  FuzzTarget(name: "request", run: readRequest, repair: nil)
]

private func readRequest(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
  guard parts.count == 3 else { return }
  let (type, address) = (
    String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)
  )
  var limits = ServingLimits()
  limits.bodyBytes = 4096
  limits.pixels = 1 << 16
  do throws(ServingError) {
    let query = address.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
    }
    let request = try ImageRequest(
      contentType: type.isEmpty ? nil : type, query: RequestParameters(query: query),
      body: Array(parts[2]), limits: limits)
    precondition(request.image.size.width * request.image.size.height <= limits.pixels)
    for kind in 0..<kinds {
      do throws(ServingError) {
        var parameters = request.parameters
        try read(kind, of: &parameters)
        try parameters.finish()
      } catch {
        check(error)
      }
    }
  } catch {
    check(error)
  }
}

private let kinds = 7

/// What the routes read of a request, and each kind of value by itself.
private func read(_ kind: Int, of parameters: inout RequestParameters) throws(ServingError) {
  switch kind {
  case 0:
    _ = try parameters.integers("hidden")
    if let ratio = try parameters.number("ratio", in: 0...1) { precondition((0...1) ~= ratio) }
    if let seed = try parameters.integer("seed", in: 0...1 << 53) {
      precondition((0...1 << 53) ~= seed)
    }
    _ = try parameters.word("strategy", of: ["random", "block", "grid"])
    _ = try parameters.words("pictures", of: ["original", "visible"])
    _ = try parameters.flag("prepared")
    _ = try parameters.text("model")
  case 1: _ = try parameters.bytes("model")
  case 2: _ = try parameters.number("hidden", in: -1e300...1e300)
  case 3: _ = try parameters.integer("hidden", in: .min ... .max)
  case 4: _ = try parameters.words("hidden", of: ["1"])
  case 5: _ = try parameters.text("hidden")
  default: _ = try parameters.flag("hidden")
  }
}

/// A refusal is the client's mistake and one short line.
private func check(_ error: ServingError) {
  precondition((400..<500).contains(error.status), "status \(error.status)")
  precondition(
    error.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
    "a message with control characters")
  precondition(error.message.utf8.count < 1000, "a message of \(error.message.utf8.count) bytes")
}
