import Foundation
import Imaging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Creates a folder and those it is in.
func createFolder(_ path: String) throws(ImageError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw ImageError(.unreadable, name: path, "cannot be made a folder for shards that are kept")
  }
}

/// The fetching of one shard as a whole; a transfer that was cut continues where it ended, also
/// after the program was.
struct ShardDownload {
  let client: HTTPClient
  let url: String
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
  func run() throws(ImageError) {
    let output = try GrowingFile(part)
    if output.size > facts.size { try output.truncate() }
    progress(output.size)
    var failures = 0
    var transfers = 0
    while output.size < facts.size {
      let before = output.size
      do throws(HTTPFailure) {
        try transfer(to: output)
        if let error = output.failure {
          throw HTTPFailure(reason: error.reason, isTransient: false)
        }
      } catch {
        if isCancelled() { throw ImageError(.unreadable, name: shown, "is no longer wanted") }
        if let error = output.failure { throw error }
        transfers += 1
        failures = output.size - before >= Self.least ? 0 : failures + 1
        guard error.isTransient, failures < client.settings.attempts,
          transfers < Self.mostTransfers
        else {
          var failure = error
          failure.reason += " (\(output.size) of \(facts.size) bytes are here)"
          throw HTTPClient.error(url, failure, attempts: max(failures, 1))
        }
        let delay = client.settings.delay(
          after: failures, chance: Double.random(in: 0..<1), asked: error.wait)
        HTTPClient.sleep(failures == 0 ? 0 : delay, until: isCancelled)
      }
    }
    try output.finish()
  }

  private var shown: String { HTTPClient.shown(url) }

  /// One request for all that is missing.
  private func transfer(to output: GrowingFile) throws(HTTPFailure) {
    let start = output.size
    var request = HTTPRequest(url: url)
    if start > 0 {
      request.range = "\(start)-"
      request.validator = facts.validator
    }
    let problem = Problem()
    try client.get(request) { head, bytes in
      if isCancelled() { return problem.note(HTTPFailure(reason: "given up", isTransient: false)) }
      if !problem.hasBegun {
        problem.hasBegun = true
        let total = head.total
        if let total, total != facts.size { return problem.note(changed) }
        if head.status == 206, head.range?.first != start { return problem.note(wrongPart) }
        if head.status == 200, start > 0 {
          // The whole again: its server sends no parts, or the file is another one.
          if let validator = facts.validator, head.validator != validator {
            return problem.note(changed)
          }
          guard (try? output.truncate()) != nil else { return false }
        }
      }
      guard output.size + bytes.count <= facts.size else { return problem.note(changed) }
      guard output.append(bytes) else { return problem.note(wrongPart) }
      progress(output.size)
      return true
    }
    if let failure = problem.failure { throw failure }
    guard output.size == facts.size else {
      throw HTTPFailure(reason: "the transfer was cut", isTransient: true)
    }
  }

  private var changed: HTTPFailure { HTTPFailure(reason: client.changed, isTransient: false) }
  private var wrongPart: HTTPFailure {
    HTTPFailure(reason: "sent another part than was asked for", isTransient: true)
  }

  /// What the receiver of a transfer found wrong.
  private final class Problem {
    var hasBegun = false
    private(set) var failure: HTTPFailure?

    func note(_ failure: HTTPFailure) -> Bool {
      self.failure = failure
      return false
    }
  }
}

/// A file that bytes are appended to, also after it was closed; for one thread.
final class GrowingFile {
  private let path: String
  private let descriptor: Int32
  private(set) var size: Int
  /// Why bytes could not be written.
  private(set) var failure: ImageError?

  init(_ path: String) throws(ImageError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw ImageError(
        .unreadable, name: path, "cannot be written: \(String(cString: strerror(errno)))")
    }
    size = Int(status.st_size)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends bytes; false where they could not be written.
  func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var written = 0
    while written < bytes.count {
      let put = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      if put >= 0 {
        written += put
      } else if errno != EINTR {
        failure = problem(errno)
        return false
      }
      size += max(put, 0)
    }
    return true
  }

  /// Begins anew.
  func truncate() throws(ImageError) {
    guard ftruncate(descriptor, 0) == 0 else { throw problem(errno) }
    size = 0
  }

  /// Brings the content to the disk.
  func finish() throws(ImageError) {
    guard fsync(descriptor) == 0 else { throw problem(errno) }
  }

  private func problem(_ code: Int32) -> ImageError {
    ImageError(.unreadable, name: path, "cannot be written: \(String(cString: strerror(code)))")
  }
}

/// The SHA-256 of a file in hexadecimal digits, by the system's program.
func sha256(of path: String) throws(ImageError) -> String {
  let programs = [["sha256sum"], ["shasum", "-a", "256"]]
  for program in programs {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = program
    process.standardInput = FileHandle(forReadingAtPath: path)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { continue }
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus == 0, let digest = digest(in: output) { return digest }
  }
  throw ImageError(
    .unreadable, name: path, "cannot be checked: neither sha256sum nor shasum gives its SHA-256")
}

/// The digest that a line of `sha256sum` begins with; nil where it is none.
func digest(in text: String) -> String? {
  let word = text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace }.lowercased()
  return word.utf8.count == 64 && word.allSatisfy(\.isHexDigit) ? word : nil
}
