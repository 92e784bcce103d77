import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A run that is ended in the middle and gone on with is the unbroken run, byte for byte.
@Suite struct ResumeCommandTests {
  /// A run ended before the test could interrupt it.
  private struct EndedTooSoon: Error {}

  /// An unbroken run of so many steps in `unbroken`, and the arguments of another one in `run`.
  private func prepare(_ sandbox: CommandSandbox, steps: Int = 150) throws -> [String] {
    try sandbox.writeImages("images", count: 18)
    try sandbox.writeTinyRecipe(steps: steps)
    try sandbox.done("pretrain", "images", "--recipe", "tiny.yaml", "--out", "unbroken")
    return ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "run"]
  }

  /// Runs a test that interrupts runs of so many steps; again with four times as many where a run
  /// had ended before that, so that no machine is too fast.
  private func withRunsLongEnough(_ test: (CommandSandbox, _ steps: Int) throws -> Void) throws {
    for steps in [150, 600, 2400, 9600] {
      do { return try test(CommandSandbox(), steps) } catch is EndedTooSoon { continue }
    }
    Issue.record("even a run of 9600 steps had ended before it was interrupted")
  }

  private func loggedSteps(_ sandbox: CommandSandbox, _ run: String = "run") -> [Int] {
    guard let text = try? sandbox.text(run + "/metrics.jsonl") else { return [] }
    return text.split(separator: "\n").compactMap { line in
      (line.firstMatch(of: /"step":(\d+)/)?.1).flatMap { Int($0) }
    }
  }

  private func finish(_ sandbox: CommandSandbox, steps: Int = 150, _ what: String) throws {
    let resumed = try sandbox.mae(
      "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--resume")
    #expect(resumed.status == 0, "\(what): \(resumed.transcript)")
    let last = "checkpoints/step-\(steps)/"
    for file in ["weights.safetensors", "optimizer.safetensors", "progress.json", "model.json"] {
      #expect(
        try sandbox.contents("run/" + last + file) == sandbox.contents("unbroken/" + last + file),
        "\(what): \(file) differs")
    }
    #expect(loggedSteps(sandbox) == Array(1...steps), "\(what)")
    #expect(try sandbox.text("run/recipe.yaml") == sandbox.text("unbroken/recipe.yaml"))
    let left = sandbox.names("run/checkpoints").filter { $0.hasPrefix(".") }
    #expect(left.isEmpty, "\(what): \(left)")
  }

  @Test func `stop after`() throws {
    let sandbox = try CommandSandbox()
    let arguments = try prepare(sandbox)
    let first = try sandbox.mae(arguments + ["--stop-after", "7"])
    #expect(first.status == 0 && first.output.contains("--out run --resume"), "\(first.transcript)")
    #expect(sandbox.names("run/checkpoints") == ["step-6", "step-7"])
    try finish(sandbox, "stopped after 7")
  }

  @Test(arguments: [(SIGHUP, 129), (SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func signals(_ signal: Int32, _ status: Int32) throws {
    try withRunsLongEnough { sandbox, steps in
      let running = try sandbox.start(try prepare(sandbox, steps: steps))
      try running.wait { loggedSteps(sandbox).count >= 9 }
      running.signal(signal)
      if signal == SIGHUP {  // the shell and the system both say so
        usleep(1000)
        running.signal(signal)
      }
      let outcome = try running.wait()
      if outcome.status == 0 { throw EndedTooSoon() }
      #expect(outcome.status == status, "\(outcome.transcript)")
      #expect(outcome.errors.contains("the checkpoint is safe in run/checkpoints/step-"))
      #expect(outcome.errors.contains("Resume with --out run --resume"))
      let saved = sandbox.names("run/checkpoints").compactMap { Int($0.dropFirst(5)) }
      let logged = try #require(loggedSteps(sandbox).last)
      #expect(saved.max() == logged, "\(saved), \(logged) steps were taken")
      #expect(logged >= 9, "the signal came after nine steps")
      try finish(sandbox, steps: steps, "signal \(signal)")
    }
  }

  /// Killed before the first step, between two steps and while checkpoints are written.
  @Test func kills() throws {
    try withRunsLongEnough { sandbox, steps in
      let arguments = try prepare(sandbox, steps: steps)
      for moment in [0, 1, 2, 9, 58, 90] {
        try? FileManager.default.removeItem(atPath: sandbox("run"))
        let running = try sandbox.start(arguments)
        try running.wait {
          moment == 0 ? sandbox.exists("run/.lock") : loggedSteps(sandbox).count >= moment
        }
        if moment == 90 {  // inside a checkpoint
          try running.wait {
            sandbox.names("run/checkpoints").contains { $0.hasPrefix(".writing") }
          }
        }
        running.signal(SIGKILL)
        let outcome = try running.wait()
        if outcome.status == 0 { throw EndedTooSoon() }
        #expect(outcome.status == -SIGKILL, "\(outcome.transcript)")
        try finish(sandbox, steps: steps, "killed after \(moment) steps")
      }
    }
  }

  @Test func `killed again and again`() throws {
    try withRunsLongEnough { sandbox, steps in
      let arguments = try prepare(sandbox, steps: steps)
      for sitting in 0..<3 {
        let before = loggedSteps(sandbox).last ?? 0
        let running = try sandbox.start(sitting == 0 ? arguments : arguments + ["--resume"])
        try running.wait { (loggedSteps(sandbox).last ?? 0) >= before + 17 }
        running.signal(SIGKILL)
        let outcome = try running.wait()
        if outcome.status == 0 { throw EndedTooSoon() }
        #expect(outcome.status == -SIGKILL, "\(outcome.transcript)")
      }
      try finish(sandbox, steps: steps, "killed three times")
    }
  }

  @Test func `resuming without a run starts one`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    let outcome = try sandbox.mae(
      "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--resume")
    try #require(outcome.status == 0, "\(outcome.transcript)")
    #expect(sandbox.exists("run/checkpoints/step-6/weights.safetensors"))
    let note = "note: no run in run yet: starting a new one"
    #expect(outcome.output.hasPrefix(note + "\n"), "\(outcome.output)")
    #expect(try sandbox.text("run/train.log").contains(note))
    let again = try sandbox.mae("pretrain", "images", "--out", "run", "--resume")
    #expect(again.status == 0 && !again.output.contains("note: no run"), "\(again.transcript)")
  }

  /// A finished run has nothing left to do; with a longer budget it goes on.
  @Test func `finished runs`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let before = try sandbox.contents("run/checkpoints/step-6/weights.safetensors")
    try sandbox.done("pretrain", "images", "--out", "run", "--resume")
    #expect(try sandbox.contents("run/checkpoints/step-6/weights.safetensors") == before)
    try sandbox.done("pretrain", "images", "--out", "run", "--resume", "--set", "schedule.steps=9")
    #expect(sandbox.exists("run/checkpoints/step-9"))
    #expect(loggedSteps(sandbox) == Array(1...9))
  }

  /// The disk is full in the middle: said so, and what was saved before is whole.
  @Test(.enabled(if: SmallDisk.isAllowed, "only root may mount a small disk"))
  func `full disks`() throws {
    let sandbox = try CommandSandbox()
    let arguments = try prepare(sandbox)
    let disk = try SmallDisk(at: sandbox("disk"), kilobytes: 500)
    let out = ["disk/run"]
    let outcome = try sandbox.mae(arguments.dropLast() + out + ["--set", "checkpoints.keep=9"])
    #expect(outcome.status == 74, "\(outcome.transcript)")
    #expect(outcome.errors.contains("disk/run/"), "\(outcome.errors)")
    #expect(outcome.errors.lowercased().contains("no space left"), "\(outcome.errors)")
    #expect(outcome.output.contains("checkpoints of"), "\(outcome.output)")
    #expect(outcome.output.contains("lower checkpoints.keep"), "\(outcome.output)")
    let saved = sandbox.names("disk/run/checkpoints").filter {
      sandbox.names("disk/run/checkpoints/\($0)").contains("progress.json")
    }.compactMap { Int($0.dropFirst(5)) }.max()
    #expect((saved ?? 0) >= 2, "\(sandbox.names("disk/run/checkpoints"))")
    #expect(!sandbox.names("disk/run/checkpoints").contains { $0.hasPrefix(".") })
    try disk.resize(kilobytes: 50_000)
    let resumed = try sandbox.mae(arguments.dropLast() + out + ["--resume"])
    #expect(resumed.status == 0, "\(resumed.transcript)")
    #expect(resumed.output.contains("resuming at step \(saved ?? -1) of"), "\(resumed.output)")
    let last = "checkpoints/step-150/weights.safetensors"
    #expect(try sandbox.contents("disk/run/" + last) == sandbox.contents("unbroken/" + last))
  }

  /// No room for one checkpoint is noticed before time is spent.
  @Test(.enabled(if: SmallDisk.isAllowed, "only root may mount a small disk"))
  func `a disk without room for a checkpoint is refused`() throws {
    let sandbox = try CommandSandbox()
    let arguments = try prepare(sandbox)
    let disk = try SmallDisk(at: sandbox("disk"), kilobytes: 40)
    let outcome = try sandbox.mae(arguments.dropLast() + ["disk/run"])
    withExtendedLifetime(disk) {
      #expect(outcome.status == 74, "\(outcome.transcript)")
      #expect(
        outcome.errors.contains("and a checkpoint of this run takes"), "\(outcome.transcript)")
      #expect(sandbox.names("disk/run/checkpoints").isEmpty)
    }
  }

  @Test func `not finite losses`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    let outcome = try sandbox.mae(
      "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--set",
      "optimizer.baseLearningRate=1e38", "--set", "schedule.warmupEpochs=0")
    #expect(outcome.status == 70, "\(outcome.transcript)")
    #expect(outcome.errors.contains("optimizer.baseLearningRate"), "\(outcome.errors)")
    #expect(outcome.errors.contains("run/not-finite-step-"), "\(outcome.errors)")
  }
}
