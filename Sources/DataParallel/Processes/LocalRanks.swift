import Foundation

/// A program started as several processes of one host, which meet over a file.
///
/// Each process is a group of its own, so a signal from the terminal reaches it once, through here.
/// The first failure ends all of them and is the status of all.
public struct LocalRanks {
  /// The program, by its path or a name in `PATH`, and its arguments.
  public var command: [String]
  /// The command of a restart, which resumes what the first one began.
  public var restartCommand: [String]
  /// How many processes.
  public var processes: Int
  /// How often all of them are started again after one was lost: by status 75 or a signal.
  public var restarts: Int
  /// How long the others have to end by themselves once one has failed, before SIGTERM.
  public var grace: Duration
  /// How long they have after SIGTERM, before SIGKILL.
  public var killAfter: Duration

  /// Describes what to start.
  public init(
    _ command: [String], restartCommand: [String]? = nil, processes: Int, restarts: Int = 0,
    grace: Duration = .seconds(10), killAfter: Duration = .seconds(60)
  ) {
    precondition(!command.isEmpty && processes >= 1 && restarts >= 0)
    self.command = command
    self.restartCommand = restartCommand ?? command
    self.processes = processes
    self.restarts = restarts
    self.grace = grace
    self.killAfter = killAfter
  }

  /// Runs to the end.
  ///
  /// Takes the process's signals for itself and is meant for a program that does nothing else.
  ///
  /// - Parameters:
  ///   - environment: What the processes inherit, beside the variables of their places.
  ///   - note: Told, a line each, of failures, signals and restarts.
  /// - Returns: The status: 0, or that of the first process that failed, 128 + n for signal n.
  /// - Throws: ``LaunchError`` where a process cannot be started.
  public func run(
    environment: [String: String], note: @escaping (String) -> Void
  ) throws(LaunchError) -> Int32 {
    guard let signals = SignalPipe.install() else {
      throw LaunchError("no file is left for a pipe; see ulimit -n")
    }
    for attempt in 0...restarts {
      let running = try RunningRanks(
        attempt == 0 ? command : restartCommand, processes: processes, environment: environment,
        attempt: attempt, ending: GroupEnding(grace: grace, killAfter: killAfter),
        signals: signals, note: note)
      let end = running.wait()
      guard let end, attempt < restarts, !running.wasToldToEnd, Self.mayComeRight(end) else {
        return end?.status ?? 0
      }
      note("restart \(attempt + 1) of \(restarts)")
    }
    return 0  // not reached: the last attempt has returned
  }

  /// Whether another try may succeed: a process was lost, or has lost another.
  static func mayComeRight(_ end: ProcessEnd) -> Bool {
    end.isSignal || end == .exit(GroupEnding.peerLost)
  }
}

/// One start of all processes.
private final class RunningRanks {
  private let ranks: [SpawnedProcess]
  private var running: Set<Int>
  private var ending: GroupEnding
  /// Pipes that are open, and whose lines come from there.
  private var pipes: [Int32: (lines: MarkedLines, target: Int32)] = [:]
  private let signals: Int32
  private let folder: String
  private let note: (String) -> Void
  private var interrupts = 0

  /// Whether a signal asked for the end of all.
  private(set) var wasToldToEnd = false

  init(
    _ command: [String], processes: Int, environment: [String: String], attempt: Int,
    ending: GroupEnding, signals: Int32, note: @escaping (String) -> Void
  ) throws(LaunchError) {
    self.ending = ending
    self.signals = signals
    self.note = note
    folder = NSTemporaryDirectory() + "mae-launch-\(UUID().uuidString)"
    guard mkdir(folder, 0o700) == 0 else {
      throw LaunchError(
        "\(folder) cannot be made: \(String(cString: strerror(errno))); name a folder for temporary "
          + "files with TMPDIR")
    }
    var ranks: [SpawnedProcess] = []
    do throws(LaunchError) {
      for rank in 0..<processes {
        let place = [
          "RANK": "\(rank)", "WORLD_SIZE": "\(processes)", "LOCAL_RANK": "\(rank)",
          "LOCAL_WORLD_SIZE": "\(processes)", "MAE_MEET": "file:\(folder)/meet",
          "MAE_ATTEMPT": "\(attempt)", "MAE_LAUNCH_PID": "\(getpid())",
        ]
        let started = try SpawnedProcess(
          command, environment: environment.merging(place) { $1 },
          output: rank == 0 ? .inherited : .piped)
        ranks.append(started)
        guard let (output, errors) = started.pipes else { continue }
        let lines = MarkedLines(mark: "[rank \(rank)] ")
        pipes[output] = (lines, 1)
        pipes[errors] = (lines, 2)
      }
    } catch {
      for rank in ranks {
        rank.send(SIGKILL)
        while rank.reap() == nil { usleep(1000) }
        if let pipes = rank.pipes { for end in [pipes.output, pipes.errors] { close(end) } }
      }
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
    self.ranks = ranks
    running = Set(ranks.indices)
  }

  /// Waits until all have ended.
  ///
  /// - Returns: How the process ended whose failure was the first; nil where none failed.
  func wait() -> ProcessEnd? {
    reap()
    while !running.isEmpty {
      poll(for: ending.deadline.map { max(.zero, $0 - .now) })
      for number in SignalPipe.read(signals) where number != SIGCHLD { passOn(number) }
      reap()
      switch ending.due(at: .now) {
      case .terminate?: tellTheRest("end", SIGTERM)
      case .kill?: tellTheRest("be killed", SIGKILL)
      case nil: break
      }
    }
    // What was written before the end is in the pipes now, whoever still holds their other ends.
    for pipe in pipes.keys { read(pipe, isLast: true) }
    try? FileManager.default.removeItem(atPath: folder)
    return ending.cause?.end
  }

  private func reap() {
    for rank in running.sorted() {
      guard let end = ranks[rank].reap() else { continue }
      running.remove(rank)
      guard ending.ended(rank, end, at: .now) else { continue }
      note("rank \(rank) \(end)" + (running.isEmpty ? "" : "; the others end too"))
    }
  }

  private func tellTheRest(_ fate: String, _ number: Int32) {
    guard !running.isEmpty else { return }
    let names = running.sorted().map(String.init).joinedWords
    note("\(running.count == 1 ? "rank" : "ranks") \(names) had to \(fate)")
    for rank in running { ranks[rank].send(number) }
  }

  /// Gives a signal to all processes; a third one of those that end a program kills them.
  private func passOn(_ number: Int32) {
    wasToldToEnd = true
    if number != SIGUSR1 { interrupts += 1 }
    for rank in running { ranks[rank].send(interrupts > 2 ? SIGKILL : number) }
  }

  // MARK: output

  /// Waits for a signal, for lines, or for time to pass, and passes lines on.
  private func poll(for time: Duration?) {
    var files = ([signals] + pipes.keys).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    // Rounded up, so that something is due afterwards.
    let limit = time.map { Int32(clamping: Int64(($0 / .milliseconds(1)).rounded(.up))) } ?? -1
    guard Foundation.poll(&files, nfds_t(files.count), limit) > 0 else { return }
    for file in files.dropFirst() where file.revents != 0 { read(file.fd) }
  }

  /// Passes on what a pipe holds; closes it where that was all.
  private func read(_ pipe: Int32, isLast: Bool = false) {
    guard let (known, target) = pipes[pipe] else { return }
    var lines = known
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var count = 1
    // Not until it is empty: another may fill it as fast.
    for _ in 0..<(isLast ? 64 : 1) where count > 0 {
      count = Foundation.read(pipe, &bytes, bytes.count)
      if count > 0 { write(lines.add(bytes.prefix(count)), to: target) }
    }
    let isOpen = count > 0 || count < 0 && (errno == EAGAIN || errno == EINTR)
    guard isOpen, !isLast else {
      write(lines.finish(), to: target)
      close(pipe)
      pipes[pipe] = nil
      return
    }
    pipes[pipe] = (lines, target)
  }

  /// Writes as much as is taken: a terminal that is gone costs no run.
  private func write(_ bytes: [UInt8], to file: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }
}
