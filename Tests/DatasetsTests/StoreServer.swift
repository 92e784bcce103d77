import Foundation
import Synchronization
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A server of the files of a folder as an object store is one: it checks the signature of every
/// request (AWS Signature Version 4, by its documentation) or the one in its address.
final class StoreServer: Sendable {
  /// What a request must have.
  enum Rule: Sendable {
    /// A signature of this key; a token where there is one.
    case signed(id: String, secret: String, region: String, token: String?)
    /// `X-Amz-Signature=…` behind the question mark.
    case presigned(String)
    /// Nothing is given out; the answer names the bucket's region.
    case elsewhere(String)
  }

  let port: Int
  private let folder: String
  private let listener: Int32
  private let state: Mutex<State>

  private struct State {
    var rule: Rule
    var log: [String] = []
  }

  /// Serves `folder` as `/bucket/…`.
  init(_ folder: String, _ rule: Rule) throws {
    setenv("no_proxy", "127.0.0.1", 1)
    self.folder = folder
    (listener, port) = try listening()
    state = Mutex(State(rule: rule))
    let listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { return }
        let server = self
        Thread.detachNewThread {
          server?.answer(client)
          close(client)
        }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  var endpoint: String { "http://127.0.0.1:\(port)" }
  /// The requests so far: path and status.
  var log: [String] { state.withLock { $0.log } }
  func rule(_ rule: Rule) { state.withLock { $0.rule = rule } }

  private struct Request {
    var path = ""
    var query = ""
    var headers: [String: String] = [:]
  }

  private func answer(_ client: Int32) {
    guard let request = Self.read(client) else { return }
    let rule = state.withLock { $0.rule }
    let name = (request.path.removingPercentEncoding ?? "").dropFirst("/bucket".count)
    var status = "404 Not Found"
    var (body, more) = (Array("none".utf8), "")
    if !allows(request, rule) {
      status = "403 Forbidden"
      if case .elsewhere(let region) = rule {
        (status, more) = ("301 Moved Permanently", "x-amz-bucket-region: \(region)\r\n")
      }
    } else if let data = try? Data(contentsOf: URL(fileURLWithPath: folder + name)) {
      let all = [UInt8](data)
      more = "ETag: \"\(all.count)\"\r\n"
      (status, body) = ("200 OK", all)
      if let range = request.headers["range"]?.dropFirst("bytes=".count).split(separator: "-"),
        let first = Int(range[0])
      {
        let last = min(range.count > 1 ? Int(range[1]) ?? 0 : all.count, all.count - 1)
        status = "206 Partial Content"
        more += "Content-Range: bytes \(first)-\(last)/\(all.count)\r\n"
        body = Array(all[first...last])
      }
    }
    state.withLock { $0.log.append("\(name) \(status.prefix(3))") }
    let head =
      "HTTP/1.1 \(status)\r\n\(more)Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    sendAll(client, (Array(head.utf8) + body)[...])
  }

  private static func read(_ client: Int32) -> Request? {
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while !String(decoding: head, as: UTF8.self).contains("\r\n\r\n") {
      let got = recv(client, &buffer, buffer.count, 0)
      if got <= 0 { return nil }
      head += buffer[..<got]
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let target = lines[0].split(separator: " ")[1]
    var request = Request()
    request.path = String(target.prefix { $0 != "?" })
    request.query = String(target.dropFirst(request.path.count + 1))
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      request.headers[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return request
  }

  private func allows(_ request: Request, _ rule: Rule) -> Bool {
    switch rule {
    case .elsewhere: return false
    case .presigned(let signature):
      return request.query.contains("X-Amz-Signature=\(signature)")
        && request.headers["authorization"] == nil
    case .signed(let id, let secret, let region, let token):
      guard let given = request.headers["authorization"], given.hasPrefix("AWS4-HMAC-SHA256 "),
        let date = request.headers["x-amz-date"], request.headers["x-amz-security-token"] == token
      else { return false }
      let fields = Dictionary(
        given.dropFirst("AWS4-HMAC-SHA256 ".count).split(separator: ",").map { field in
          let parts = field.trimmingCharacters(in: .whitespaces).split(
            separator: "=", maxSplits: 1)
          return (String(parts[0]), String(parts[1]))
        }
      ) { first, _ in first }
      let scope = "\(date.prefix(8))/\(region)/s3/aws4_request"
      let names = (fields["SignedHeaders"] ?? "").split(separator: ";").map(String.init)
      var needed: Set = ["host", "x-amz-date", "x-amz-content-sha256"]
      if token != nil { needed.insert("x-amz-security-token") }
      guard fields["Credential"] == "\(id)/\(scope)", needed.isSubset(of: names) else {
        return false
      }
      let canonical =
        ["GET", request.path, request.query]
        + names.map { "\($0):\(request.headers[$0] ?? "")" }
        + ["", names.joined(separator: ";"), request.headers["x-amz-content-sha256"] ?? ""]
      let text = [
        "AWS4-HMAC-SHA256", date, scope,
        hexadecimal(SHA256.digest(Array(canonical.joined(separator: "\n").utf8))),
      ].joined(separator: "\n")
      var key = Array("AWS4\(secret)".utf8)
      for part in [String(date.prefix(8)), region, "s3", "aws4_request", text] {
        key = SHA256.authentication(of: Array(part.utf8), key: key)
      }
      return fields["Signature"] == hexadecimal(key)
    }
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// FIPS 180-4 and RFC 2104.
enum SHA256 {
  /// The fractional parts of roots of the first primes: 32 bits.
  private static let primes = (2...311).filter { n in !(2..<n).contains { n % $0 == 0 } }
  private static let rounds: [UInt32] = primes.prefix(64).map { root($0, power: 3) }
  private static let start: [UInt32] = primes.prefix(8).map { root($0, power: 2) }

  private static func root(_ prime: Int, power: Int) -> UInt32 {
    // The largest x with x^power ≤ prime · 2^(32 power), by bits; of it the lower 32.
    var x = 0.0
    for bit in stride(from: 36, through: 0, by: -1) {
      let more = x + Double(sign: .plus, exponent: bit, significand: 1)
      if isBelow(UInt64(more), power, UInt64(prime)) { x = more }
    }
    return UInt32(truncatingIfNeeded: UInt64(x))
  }

  /// Whether x^power ≤ prime · 2^(32 power), in whole numbers.
  private static func isBelow(_ x: UInt64, _ power: Int, _ prime: UInt64) -> Bool {
    var product: [UInt64] = [1]  // in digits of 32 bits
    for _ in 0..<power {
      var digits = [UInt64](repeating: 0, count: product.count + 2)
      for (i, digit) in product.enumerated() {
        for (j, part) in [x & 0xFFFF_FFFF, x >> 32].enumerated() {
          var (carry, place) = (digit * part, i + j)
          while carry > 0 {
            let sum = digits[place] + (carry & 0xFFFF_FFFF)
            digits[place] = sum & 0xFFFF_FFFF
            carry = (carry >> 32) + (sum >> 32)
            place += 1
            if place == digits.count { digits.append(0) }
          }
        }
      }
      product = digits
    }
    let upper = product.dropFirst(power).reversed().reduce(UInt64(0)) { $0 << 32 | $1 }
    return upper < prime
  }

  static func digest(_ message: [UInt8]) -> [UInt8] {
    var bytes = message + [0x80]
    while bytes.count % 64 != 56 { bytes.append(0) }
    bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: (message.count * 8) >> (8 * $0)) }
    func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    var hash = start
    for block in Swift.stride(from: 0, to: bytes.count, by: 64) {
      var w = (0..<16).map { i in
        bytes[block + 4 * i..<block + 4 * i + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      }
      for i in 16..<64 {
        let a = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3
        let b = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append(w[i - 16] &+ a &+ w[i - 7] &+ b)
      }
      var v = hash
      for i in 0..<64 {
        let s1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)
        let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
        let t1 = v[7] &+ s1 &+ choice &+ rounds[i] &+ w[i]
        let s0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)
        let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
        v = [t1 &+ s0 &+ majority, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
      }
      for i in 0..<8 { hash[i] &+= v[i] }
    }
    return hash.flatMap { word in
      (0..<4).reversed().map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
    }
  }

  /// HMAC.
  static func authentication(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var key = key.count > 64 ? digest(key) : key
    key += [UInt8](repeating: 0, count: 64 - key.count)
    return digest(key.map { $0 ^ 0x5C } + digest(key.map { $0 ^ 0x36 } + message))
  }
}
