import Foundation
import Testing

/// `mae launch`, with commands of the shell: who is told what, which status is that of all, and
/// that nothing is left behind.
@Suite struct LaunchTests {
  /// Starts a line of the shell as several processes.
  private func start(
    _ line: String, processes: Int = 2, _ options: [String] = [], in sandbox: CommandSandbox
  ) throws -> Running {
    try sandbox.start(
      ["launch", "--processes", "\(processes)"] + options + ["--", "/bin/sh", "-c", line],
      environment: ["TMPDIR": sandbox("home")])
  }

  private func run(
    _ line: String, processes: Int = 2, _ options: [String] = [], in sandbox: CommandSandbox
  ) throws -> Outcome {
    let outcome = try start(line, processes: processes, options, in: sandbox).wait()
    #expect(!sandbox.names("home").contains { $0.hasPrefix("mae-launch") }, "a folder is left")
    return outcome
  }

  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map(String.init).sorted()
  }

  /// Whether a process is there and has not ended; an ended one may wait for its parent.
  /// Whether a process ends; SIGKILL takes effect when the process is next scheduled, which on a
  /// busy machine may be after the launcher's own end.
  private func ends(_ identifier: String) -> Bool {
    for _ in 0..<600 where isRunning(identifier) { usleep(100_000) }
    return !isRunning(identifier)
  }

  private func isRunning(_ identifier: String) -> Bool {
    let path = "/proc/\(identifier)/stat"
    guard FileManager.default.fileExists(atPath: "/proc/self/stat") else {
      return pid_t(identifier).map { kill($0, 0) == 0 } ?? false
    }
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let state = text.split(separator: ")").last?.split(separator: " ").first
    return state.map { $0 != "Z" && $0 != "X" } ?? false
  }

  // MARK: places and output

  @Test func `each process is told its place, and lines of all but the first are marked`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run(
      """
      echo "$RANK of $WORLD_SIZE, $LOCAL_RANK of $LOCAL_WORLD_SIZE, ${MAE_MEET%%:*}, $MAE_ATTEMPT"
      test -d "$(dirname "${MAE_MEET#file:}")" || echo no folder
      printf unfinished >&2
      """, processes: 3, in: sandbox)
    #expect(outcome.status == 0)
    #expect(
      lines(outcome.output) == [
        "0 of 3, 0 of 3, file, 0", "[rank 1] 1 of 3, 1 of 3, file, 0",
        "[rank 2] 2 of 3, 2 of 3, file, 0",
      ])
    #expect(outcome.errors.contains("[rank 1] unfinished\n"), "\(outcome.errors)")
    #expect(outcome.errors.contains("[rank 2] unfinished\n"), "\(outcome.errors)")
  }

  @Test func `a process has a group of its own, no input and no signal held back`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run(
      #"test "$(ps -o pgid= -p $$ | tr -d ' ')" = $$ && echo own; read x || echo no input"#,
      in: sandbox)
    #expect(
      lines(outcome.output) == ["[rank 1] no input", "[rank 1] own", "no input", "own"],
      "\(outcome.transcript)")
  }

  @Test func `much output of all comes through whole`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run(
      "i=0; while [ $i -lt 3000 ]; do echo \"line $i of a long output, $i\"; i=$((i+1)); done",
      processes: 3, in: sandbox)
    let found = outcome.output.split(separator: "\n")
    for mark in ["", "[rank 1] ", "[rank 2] "] {
      let own = found.filter { mark.isEmpty ? !$0.hasPrefix("[") : $0.hasPrefix(mark) }
      #expect(
        own.map(String.init) == (0..<3000).map { "\(mark)line \($0) of a long output, \($0)" })
    }
  }

  @Test func `a command of mae is named with the first word or without`() throws {
    let sandbox = try CommandSandbox()
    for words in [
      ["recipes", "list"], ["mae", "recipes", "list"], ["--", "mae", "recipes", "list"],
    ] {
      let outcome = try sandbox.mae(["launch", "--processes", "2"] + words)
      #expect(outcome.status == 0, "\(outcome.transcript)")
      #expect(outcome.output.contains("\nmae finetune"), "\(words)")
      #expect(outcome.output.contains("[rank 1] mae finetune"), "\(words)")
    }
  }

  // MARK: failures

  @Test func `the first failure is the status of all, and the others are ended`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run(
      "if [ $RANK = 1 ]; then exit 74; fi; exec sleep 1000", processes: 3, ["--grace", "0"],
      in: sandbox)
    #expect(outcome.status == 74, "\(outcome.transcript)")
    #expect(
      outcome.errors == """
        launch: rank 1 ended with status 74; the others end too
        launch: ranks 0 and 2 had to end

        """)
  }

  @Test func `whoever does not end is killed, with all it has started`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run(
      """
      trap '' TERM
      if [ $RANK = 0 ]; then until [ -e ready ]; do :; done; kill -9 $$; fi
      sleep 1000 &
      echo $! > child; mv child ready; wait
      """, ["--grace", "0", "--kill-after", "0"], in: sandbox)
    #expect(outcome.status == 137, "\(outcome.transcript)")
    #expect(outcome.errors.contains("rank 0 was ended by signal 9"))
    #expect(outcome.errors.contains("rank 1 had to be killed"), "\(outcome.errors)")
    let child = try sandbox.text("ready").trimmingCharacters(in: .newlines)
    #expect(ends(child))
  }

  @Test func `what an ended process has left running is ended`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try run("sleep 1000 & echo $! > child-$RANK", in: sandbox)
    #expect(outcome.status == 0, "\(outcome.transcript)")
    for rank in 0..<2 {
      let child = try sandbox.text("child-\(rank)").trimmingCharacters(in: .newlines)
      #expect(!child.isEmpty && ends(child))
    }
  }

  @Test func `a program that is not there is refused`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try sandbox.mae("launch", "--processes", "2", "no-such-program", "1")
    #expect(outcome.status == 64)
    #expect(outcome.errors == "error: no-such-program: there is no such program\n")
  }

  // MARK: signals

  @Test(arguments: [(SIGINT, "INT", 130), (SIGTERM, "TERM", 143), (SIGUSR1, "USR1", 138)])
  func `a signal reaches each process once`(
    number: Int32, name: String, status: Int
  ) throws {
    let sandbox = try CommandSandbox()
    let running = try start(
      """
      trap 'echo got >> got-$RANK; touch end-$RANK' \(name)
      touch ready-$RANK
      until [ -e end-0 ] && [ -e end-1 ]; do sleep 0.02; done
      exit \(status)
      """, ["--restarts", "3"], in: sandbox)
    try running.wait { sandbox.exists("ready-0") && sandbox.exists("ready-1") }
    running.signal(number)
    let outcome = try running.wait()
    #expect(outcome.status == status, "\(outcome.transcript)")
    for rank in 0..<2 { #expect(try sandbox.text("got-\(rank)") == "got\n") }
    #expect(!outcome.errors.contains("restart"))
  }

  @Test func `a third signal kills`() throws {
    let sandbox = try CommandSandbox()
    let running = try start(
      """
      trap 'echo got >> got-$RANK' INT
      touch ready-$RANK
      while :; do sleep 0.02; done
      """, in: sandbox)
    func got(_ count: Int) -> Bool {
      (0..<2).allSatisfy { (try? sandbox.text("got-\($0)"))?.count == 4 * count }
    }
    try running.wait { sandbox.exists("ready-0") && sandbox.exists("ready-1") }
    for count in 1...2 {
      running.signal(SIGINT)
      try running.wait { got(count) }
    }
    running.signal(SIGINT)
    #expect(try running.wait().status == 137)
  }

  @Test func `a launcher that was killed takes mae's processes with it`() throws {
    let sandbox = try CommandSandbox()
    // A process of mae that waits: for a recipe out of a pipe that nobody writes to.
    #expect(mkfifo(sandbox("recipe.yaml"), 0o600) == 0)
    let running = try sandbox.start(
      ["launch", "--processes", "1", "recipes", "show", "./recipe.yaml"])
    var pipe: Int32 = -1
    try running.wait {
      pipe = open(sandbox("recipe.yaml"), O_WRONLY | O_NONBLOCK)
      return pipe >= 0
    }
    defer { close(pipe) }
    running.signal(SIGKILL)
    #expect(try running.wait().status == -SIGKILL)
    // The pipe tells when its last reader is gone.
    var file = pollfd(fd: pipe, events: 0, revents: 0)
    #expect(poll(&file, 1, 60_000) == 1 && file.revents & Int16(POLLERR) != 0)
  }

  // MARK: restarts

  @Test func `a lost process is a reason to start again`() throws {
    for failure in ["kill -9 $$", "exit 75"] {
      let sandbox = try CommandSandbox()
      let outcome = try run(
        "echo try $MAE_ATTEMPT; echo \"$MAE_MEET\" >> meet; [ $MAE_ATTEMPT = 2 ] || \(failure)",
        ["--restarts", "2"], in: sandbox)
      #expect(outcome.status == 0, "\(outcome.transcript)")
      #expect(outcome.output.contains("try 0\n") && outcome.output.contains("[rank 1] try 2\n"))
      #expect(outcome.errors.contains("launch: restart 1 of 2\n"))
      // Each try meets at a place of its own.
      #expect(Set(try sandbox.text("meet").split(separator: "\n")).count == 3)
    }
  }

  @Test func `there are no more tries than were asked for, and none after any other failure`()
    throws
  {
    let sandbox = try CommandSandbox()
    let lost = try run("exit 75", ["--restarts", "1"], in: sandbox)
    #expect(lost.status == 75)
    #expect(lost.errors.components(separatedBy: "restart").count == 2, "\(lost.errors)")
    for status in [1, 65, 74, 78, 137] {
      let outcome = try run("exit \(status)", ["--restarts", "3"], in: sandbox)
      #expect(outcome.status == status && !outcome.errors.contains("restart"))
    }
  }

  // MARK: mistakes

  @Test func `mistakes on the command line`() throws {
    let sandbox = try CommandSandbox()
    for (name, words) in [
      ("usage-launch-nothing", ["--processes", "2"]),
      ("usage-launch-processes", ["--processes", "0", "pretrain"]),
      ("usage-launch-option", ["--process", "2", "pretrain"]),
      ("usage-launch-command", ["mae", "pretrian", "images"]),
      ("usage-launch-launch", ["mae", "launch", "pretrain"]),
      (
        "usage-launch-overwrite",
        ["--restarts", "1", "pretrain", "images", "--out", "run", "--overwrite"]
      ),
    ] {
      let outcome = try sandbox.mae(["launch"] + words)
      #expect(outcome.status == 64, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
    }
  }

  @Test func `inside another launcher's process there is nothing to launch`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try sandbox.mae(
      ["launch", "--processes", "2", "recipes", "list"],
      environment: [
        "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "2",
        "SLURM_STEP_NODELIST": "a[1-2]",
      ])
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("this is one of 2 processes that srun started"))
  }
}
