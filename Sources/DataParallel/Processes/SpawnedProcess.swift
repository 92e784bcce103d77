import FileSystem
import Foundation

/// A program that runs in a process group of its own, and what it writes.
struct SpawnedProcess {
  /// Where its output goes.
  enum Output {
    /// Where this program's goes; its input too, unless that is a terminal, which a process in the
    /// background may not read.
    case inherited
    /// Into two pipes; there is no input.
    case piped
  }

  /// The process and its group.
  let identifier: pid_t
  /// The pipes' ends: what it writes to standard output and to standard error.
  let pipes: (output: Int32, errors: Int32)?

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: A path, or a name that is looked for in `PATH`, and its arguments.
  /// - Throws: ``LaunchError`` where it cannot be started.
  init(
    _ command: [String], environment: [String: String], output: Output
  ) throws(LaunchError) {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // Handlers do not survive; what is ignored would.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP))

    var writers: [Int32] = []
    switch output {
    case .inherited:
      pipes = nil
      if isatty(0) == 1 { posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) }
    case .piped:
      guard let first = Self.pipe() else { throw Self.failure(command, errno) }
      guard let second = Self.pipe() else {
        for end in [first.reader, first.writer] { close(end) }
        throw Self.failure(command, errno)
      }
      pipes = (first.reader, second.reader)
      writers = [first.writer, second.writer]
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, first.writer, 1)
      posix_spawn_file_actions_adddup2(&actions, second.writer, 2)
    }
    typealias Text = UnsafeMutablePointer<CChar>?
    // A word of the command line may be a path that is no text.
    let words: [Text] = command.map { $0.withSystemPath { strdup($0) } } + [nil]
    let variables: [Text] =
      environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var process: pid_t = 0
    let status = posix_spawnp(
      &process, words[0] ?? strdup(""), &actions, &attributes, words, variables)
    for writer in writers { close(writer) }
    guard status == 0 else {
      if let pipes { for end in [pipes.output, pipes.errors] { close(end) } }
      throw Self.failure(command, status)
    }
    identifier = process
  }

  private static func failure(_ command: [String], _ code: Int32) -> LaunchError {
    let name = (command.first ?? "").shownPath
    return LaunchError(
      code == ENOENT
        ? "\(name): there is no such program"
        : "\(name) cannot be started: \(String(cString: strerror(code)))")
  }

  private static func pipe() -> (reader: Int32, writer: Int32)? {
    var ends: [Int32] = [0, 0]
    guard Foundation.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
    return (ends[0], ends[1])
  }

  /// Sends a signal to the process and those it has started.
  func send(_ number: Int32) { kill(-identifier, number) }

  /// How it ended; nil while it runs. What it has left behind in its group is killed.
  func reap() -> ProcessEnd? {
    var information = siginfo_t()
    // The process stays a zombie, whose number nobody else can get, until its group is gone.
    guard waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0,
      information.si_signo == SIGCHLD
    else { return nil }
    send(SIGKILL)
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    return ProcessEnd(waitStatus: status)
  }
}
