import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What became of a run of `mae`.
struct Outcome {
  /// The exit status; −n where signal n ended the process.
  var status: Int32
  var output: String
  var errors: String

  /// Everything that a user sees, for a snapshot.
  var transcript: String {
    var text = "exit \(status)\n"
    if !output.isEmpty { text += "--- output\n" + output }
    if !errors.isEmpty { text += "--- errors\n" + errors }
    return text
  }
}

/// A folder of one test, in which `mae` is run with relative paths; gone when the test is over.
final class CommandSandbox: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "mae-command-\(UUID())"
    try FileManager.default.createDirectory(
      atPath: path + "/home", withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path below the folder.
  func callAsFunction(_ name: String) -> String { path + "/" + name }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self(name)) }

  func contents(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: self(name)))
  }

  func text(_ name: String) throws -> String { String(decoding: try contents(name), as: UTF8.self) }

  func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: self(folder))) ?? []).sorted()
  }

  func write(_ name: String, _ data: Data) throws {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  func copy(_ source: String, to name: String) throws {
    try? FileManager.default.removeItem(atPath: self(name))
    try FileManager.default.copyItem(atPath: source, toPath: self(name))
  }

  /// Runs `mae` to its end; nothing that it says may be a crash.
  @discardableResult
  func mae(
    _ arguments: String..., environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    try mae(arguments, environment: environment, sourceLocation: sourceLocation)
  }

  @discardableResult
  func mae(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try start(arguments, environment: environment, input: input).wait()
    expectNoCrash(outcome, "\(arguments)", sourceLocation)
    return outcome
  }

  /// Runs `mae`, which must succeed.
  @discardableResult
  func done(
    _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    try done(arguments, sourceLocation: sourceLocation)
  }

  @discardableResult
  func done(
    _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try mae(arguments, sourceLocation: sourceLocation)
    try #require(
      outcome.status == 0, "\(arguments): \(outcome.transcript)", sourceLocation: sourceLocation)
    return outcome
  }

  /// Runs a line of the shell, in which `"$mae"` is the program.
  func shell(_ line: String) throws -> Outcome {
    let number = "\(UUID())"
    return try Running(
      ["/bin/sh", "-c", line], in: path,
      environment: environment.merging(["mae": try Executable.path()]) { $1 },
      output: self("home/\(number).out"), errors: self("home/\(number).err")
    ).wait()
  }

  private var environment: [String: String] {
    [
      "HOME": self("home"), "PATH": "/usr/bin:/bin", "TERM": "dumb", "COLUMNS": "80",
      "LC_ALL": "C.UTF-8", "SWIFT_BACKTRACE": "enable=no", "OMP_NUM_THREADS": "1",
    ]
  }

  /// Starts `mae` in the folder, with an empty home and no terminal.
  ///
  /// - Parameter input: The file of the folder that is its standard input; nil for none.
  func start(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil
  ) throws -> Running {
    let number = "\(UUID())"
    return try Running(
      [Executable.path()] + arguments, in: path,
      environment: self.environment.merging(environment) { $1 },
      input: input.map(callAsFunction) ?? "/dev/null", output: self("home/\(number).out"),
      errors: self("home/\(number).err"))
  }
}

/// Checks that a process ended in an orderly way.
func expectNoCrash(_ outcome: Outcome, _ what: String, _ sourceLocation: SourceLocation) {
  #expect(
    [0, 64, 65, 66, 69, 70, 73, 74, 75, 78, 129, 130, 143].contains(outcome.status),
    "\(what): \(outcome.transcript)", sourceLocation: sourceLocation)
  for word in [
    "Fatal error", "Precondition failed", "Stack dump", "Crash", "C++ CapturedTraceback",
  ] {
    #expect(
      !outcome.errors.contains(word), "\(what): \(outcome.errors)", sourceLocation: sourceLocation)
  }
}

/// A process under way.
final class Running {
  let identifier: pid_t
  private let output: String
  private let errors: String
  private var outcome: Outcome?

  init(
    _ command: [String], in folder: String, environment: [String: String],
    input: String = "/dev/null", output: String, errors: String
  ) throws {
    self.output = output
    self.errors = errors
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    #if canImport(Darwin)
      var attributes: posix_spawnattr_t?
    #else
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Threads of a pool block signals, and a child would inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // Whoever started the tests may ignore some, as `nohup` does.
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    typealias Text = UnsafeMutablePointer<CChar>?
    let assignments = environment.map { "\($0.key)=\($0.value)" }.sorted()
    // The shell only changes the folder; `exec` keeps the process.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder] + command
    let arguments: [Text] = shell.map { strdup($0) } + [nil]
    let variables: [Text] = assignments.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var process: pid_t = 0
    let status = posix_spawn(&process, shell[0], &actions, &attributes, arguments, variables)
    try #require(status == 0, "\(command[0]): \(String(cString: strerror(status)))")
    identifier = process
  }

  deinit { if outcome == nil { _ = try? (signal(SIGKILL), wait(limit: .seconds(60))) } }

  func signal(_ number: Int32) { kill(identifier, number) }

  /// How long a test waits for a program before it is killed: far longer than any needs, even on a
  /// machine that does other work, and shorter than a hung one may hold up all tests.
  static let patience: Duration = .seconds(300)

  /// Waits for the end; a process that has not ended after `limit` is killed.
  func wait(
    limit: Duration = patience, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    try wait(limit: limit, sourceLocation: sourceLocation) { false }
    return try #require(outcome, sourceLocation: sourceLocation)
  }

  /// Whether it has ended by itself.
  func hasEnded() -> Bool {
    if outcome != nil { return true }
    var status: Int32 = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return false }
    _ = finished(status)
    return true
  }

  /// Waits until something holds, or the process has ended.
  ///
  /// - Throws: Where neither is so after `limit`; the process is killed.
  func wait(
    limit: Duration = patience, sourceLocation: SourceLocation = #_sourceLocation,
    until holds: () -> Bool
  ) throws {
    let end = ContinuousClock.now + limit
    while !holds(), !hasEnded() {
      if ContinuousClock.now > end {
        signal(SIGKILL)
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0 { try #require(errno == EINTR, "waitpid") }
        let outcome = finished(status)
        Issue.record(
          "what was waited for did not come in \(limit); the program was killed\n\(outcome.transcript)",
          sourceLocation: sourceLocation)
        throw CancellationError()
      }
      usleep(1000)
    }
  }

  private func finished(_ status: Int32) -> Outcome {
    func text(_ path: String) -> String {
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
    let signal = status & 0x7f
    let found = Outcome(
      status: signal == 0 ? status >> 8 & 0xff : -signal, output: text(output),
      errors: text(errors))
    outcome = found
    return found
  }
}

/// The program that was built with these tests.
enum Executable {
  static func path() throws -> String {
    var places = Bundle.allBundles.map(\.bundlePath) + CommandLine.arguments
    places += [Bundle.main.executablePath, Bundle.main.bundlePath].compactMap { $0 }
    for place in places {
      var url = URL(fileURLWithPath: place).resolvingSymlinksInPath()
      for _ in 0..<5 {
        let candidate = url.appendingPathComponent("mae").path
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
          !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate)
        {
          return candidate
        }
        url.deleteLastPathComponent()
      }
    }
    Issue.record("there is no program mae beside the tests; looked near \(places)")
    throw CancellationError()
  }
}
