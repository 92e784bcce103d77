import FileSystem

/// The fetching of one shard as a whole; a transfer that was cut continues where it ended, also
/// after the program was.
struct ShardDownload {
  let client: HTTPClient
  let address: RemoteAddress
  let facts: RemoteFacts
  /// The file that grows.
  let part: String
  /// Whether to give up.
  let isCancelled: @Sendable () -> Bool
  /// Told how many bytes there are.
  let progress: @Sendable (Int) -> Void

  /// Bytes that have to come for a cut transfer to count as progress.
  private static let least = 1 << 16
  /// Most transfers for one shard, however much each brings.
  private static let mostTransfers = 10_000

  /// Fetches what is missing.
  func run() throws(FileError) {
    let output = try PartFile(part, continuing: true)
    if output.size > facts.size { try output.truncate() }
    progress(output.size)
    var failures = 0
    var transfers = 0
    while output.size < facts.size {
      let before = output.size
      let outcome = TransferOutcome()
      let used = address.url
      do throws(HTTPFailure) {
        try transfer(to: output, outcome, used)
      } catch {
        if isCancelled() { throw FileError(.unreadable, of: shown, "is no longer wanted") }
        if let error = outcome.unwritten { throw error }
        if error.isRefusal, address.renew(after: used) { continue }
        transfers += 1
        failures = output.size - before >= Self.least ? 0 : failures + 1
        guard error.isTransient || (error.isRefusal && address.isListed),
          failures < client.settings.attempts,
          transfers < Self.mostTransfers
        else {
          var failure = error
          failure.reason += " (\(output.size) of \(facts.size) bytes are here)"
          throw HTTPClient.error(address, failure, attempts: max(failures, 1))
        }
        let delay = client.settings.delay(
          after: failures, chance: Double.random(in: 0..<1), asked: error.wait)
        HTTPClient.sleep(failures == 0 ? 0 : delay, until: isCancelled)
      }
    }
    try output.synchronize()
  }

  private var shown: String { HTTPClient.shown(address.url) }

  /// One request for all that is missing.
  private func transfer(
    to output: PartFile, _ outcome: TransferOutcome, _ url: String
  ) throws(HTTPFailure) {
    let start = output.size
    var request = HTTPRequest(url: url)
    if start > 0 {
      request.range = "\(start)-"
      request.validator = facts.validator
    }
    try client.get(request) { head, bytes in
      if isCancelled() { return outcome.note(HTTPFailure(reason: "given up", isTransient: false)) }
      if !outcome.hasBegun {
        outcome.hasBegun = true
        let total = head.total
        if let total, total != facts.size { return outcome.note(changed) }
        if head.status == 206, head.range?.first != start { return outcome.note(wrongPart) }
        if head.status == 200, start > 0 {
          // The whole again: its server sends no parts, or the file is another one.
          if let validator = facts.validator, head.validator != validator {
            return outcome.note(changed)
          }
          guard outcome.wrote({ () throws(FileError) in try output.truncate() }) else {
            return false
          }
        }
      }
      guard output.size + bytes.count <= facts.size else { return outcome.note(changed) }
      guard outcome.wrote({ () throws(FileError) in try output.append(bytes) }) else {
        return false
      }
      progress(output.size)
      return true
    }
    if let failure = outcome.failure { throw failure }
    guard output.size == facts.size else {
      throw HTTPFailure(reason: "the transfer was cut", isTransient: true)
    }
  }

  private var changed: HTTPFailure { HTTPFailure(reason: client.changed, isTransient: false) }
  private var wrongPart: HTTPFailure {
    HTTPFailure(reason: "sent another part than was asked for", isTransient: true)
  }
}

/// How a transfer goes, for its receiver, which cannot throw.
final class TransferOutcome {
  var hasBegun = false
  /// What is wrong with what came.
  private(set) var failure: HTTPFailure?
  /// Why what came could not be written.
  private(set) var unwritten: FileError?

  func note(_ failure: HTTPFailure) -> Bool {
    self.failure = failure
    return false
  }

  /// Whether a writing has gone well.
  func wrote(_ body: () throws(FileError) -> Void) -> Bool {
    do throws(FileError) {
      try body()
      return true
    } catch {
      unwritten = error
      return false
    }
  }
}

extension HTTPClient {
  /// Fetches a whole file, which gets its name when it is here; what came of it before a transfer
  /// was cut is fetched again.
  ///
  /// - Parameter limit: Most bytes that are taken.
  func download(_ url: String, to path: String, limit: Int) throws(FileError) {
    let output = try PartFile(path + ".part")
    do throws(FileError) {
      let outcome = TransferOutcome()
      try attempting(RemoteAddress(url)) { url throws(HTTPFailure) in
        guard outcome.wrote({ () throws(FileError) in try output.truncate() }) else { return }
        try get(HTTPRequest(url: url, seconds: settings.requestSeconds)) { _, bytes in
          guard output.size + bytes.count <= limit else {
            return outcome.note(
              HTTPFailure(reason: "has more than \(limit) bytes", isTransient: false))
          }
          return outcome.wrote { () throws(FileError) in try output.append(bytes) }
        }
        if let failure = outcome.failure { throw failure }
      }
      if let error = outcome.unwritten { throw error }
      try output.finish(as: path)
    } catch {
      output.discard()
      throw error
    }
  }
}
