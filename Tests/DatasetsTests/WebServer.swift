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

/// nginx with a folder of its own, which ends with the test.
final class WebServer: Sendable {
  let folder: TemporaryFolder
  let port: Int
  private let process: Mutex<Process>

  /// nginx, where it is installed.
  static let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// What a skipped suite says.
  static let comment = "nginx is not installed (Debian's package nginx-light)"

  struct CannotStart: Error { let log: String }

  /// Serves `folder/files`, with further directives of nginx's `server` block.
  init(_ directives: String = "") throws {
    // Not through a proxy that the machine's environment may name.
    setenv("no_proxy", "127.0.0.1", 1)
    folder = try TemporaryFolder()
    let (folder, path) = (folder, folder.path)
    for name in ["files", "tmp"] {
      try FileManager.default.createDirectory(
        atPath: path + "/" + name, withIntermediateDirectories: true)
    }
    var started: (Int, Process)?
    for _ in 0..<5 where started == nil {
      let port = try freePort()
      let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
        "\($0)_temp_path \(path)/tmp;"
      }.joined(separator: " ")
      try folder.write(
        "nginx.conf",
        """
        daemon off; master_process off; pid \(path)/pid; error_log \(path)/error.log warn;
        events { worker_connections 512; }
        http {
          \(temporary)
          log_format short '$request_method $uri $http_range $status';
          access_log \(path)/access.log short;
          default_type application/octet-stream;
          server { listen 127.0.0.1:\(port); root \(path)/files; \(directives) }
        }
        """)
      let process = Process()
      // Where the test is killed, the server ends by itself a little later.
      let mortal = ["timeout", "-s", "KILL", "300"]
      let command = [
        Self.program ?? "nginx", "-p", path, "-e", path + "/error.log", "-c", path + "/nginx.conf",
      ]
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        FileManager.default.isExecutableFile(atPath: "/usr/bin/timeout")
        ? mortal + command : command
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      for _ in 0..<200 where started == nil && process.isRunning {
        if let socket = connection(to: port) {
          close(socket)
          started = (port, process)
        } else {
          usleep(10_000)
        }
      }
    }
    guard let (port, process) = started else {
      let log = try? String(contentsOfFile: path + "/error.log", encoding: .utf8)
      throw CannotStart(log: log ?? "")
    }
    self.port = port
    self.process = Mutex(process)
  }

  deinit { stop() }

  func stop() {
    process.withLock { process in
      guard process.isRunning else { return }
      // Threads of a pool block gentler signals, and their children inherit that.
      let text = try? String(contentsOfFile: folder.path + "/pid", encoding: .utf8)
      let number = text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
      kill(number ?? process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  /// The folder that is served.
  var files: String { folder.path + "/files" }

  func url(_ name: String, port: Int? = nil) -> String {
    "http://127.0.0.1:\(port ?? self.port)/\(name)"
  }

  /// The requests so far: method, path, range and status.
  var requests: [String] {
    let text = (try? String(contentsOfFile: folder.path + "/access.log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  /// Requests for whole files, or their rests.
  func transfers(of name: String) -> [String] {
    requests.filter { request in
      let words = request.split(separator: " ")
      return words.count == 4 && words[1] == "/" + name
        && (words[2] == "-" || words[2].hasSuffix("-"))
    }
  }
}

/// Passes requests on to a server, one for each connection, and cuts each answer after some bytes.
final class CuttingProxy: Sendable {
  let port: Int
  private let listener: Int32

  /// - Parameter bytes: bytes of the answer to the numbered connection that are passed on; nil for
  ///   all.
  init(to server: Int, bytes: @escaping @Sendable (Int) -> Int?) throws {
    setenv("no_proxy", "127.0.0.1", 1)
    (listener, port) = try listening()
    let listener = listener
    Thread.detachNewThread {
      var number = 0
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { return }
        let limit = bytes(number)
        number += 1
        Thread.detachNewThread {
          Self.pass(client, to: server, limit: limit)
          close(client)
        }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private static func pass(_ client: Int32, to port: Int, limit: Int?) {
    guard let server = connection(to: port) else { return }
    defer { close(server) }
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while !String(decoding: head, as: UTF8.self).contains("\r\n\r\n") {
      let got = recv(client, &buffer, buffer.count, 0)
      if got <= 0 { return }
      head += buffer[..<got]
    }
    let request = String(decoding: head, as: UTF8.self).replacingOccurrences(
      of: "\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
    sendAll(server, Array(request.utf8)[...])
    var left = limit ?? .max
    while left > 0 {
      let got = recv(server, &buffer, min(buffer.count, left), 0)
      if got <= 0 { return }
      sendAll(client, buffer[..<got])
      left -= got
    }
  }
}
