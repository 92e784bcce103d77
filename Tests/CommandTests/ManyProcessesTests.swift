import Foundation
import Testing

/// Runs of several real processes, started by `mae launch` or by hand as other launchers start them.
@Suite struct ManyProcessesTests {
  private func losses(_ sandbox: CommandSandbox, _ run: String) throws -> [Double] {
    try sandbox.text(run + "/metrics.jsonl").split(separator: "\n").compactMap { line in
      (line.firstMatch(of: /"loss":([0-9.eE+-]+)/)?.1).flatMap { Double($0) }
    }
  }

  private func expectClose(
    _ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.count == expected.count, sourceLocation: sourceLocation)
    for (a, b) in zip(found, expected) {
      #expect(abs(a - b) <= 1e-5 * abs(b), sourceLocation: sourceLocation)
    }
  }

  /// Variables as Slurm, MPI or a script set them, for ranks that meet at a port.
  private func start(
    _ arguments: [String], rank: Int, of ranks: Int, port: Int, in sandbox: CommandSandbox
  ) throws -> Running {
    try sandbox.start(
      arguments,
      environment: [
        "RANK": "\(rank)", "WORLD_SIZE": "\(ranks)", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "\(port)",
      ])
  }

  private var port: Int { Int.random(in: 21_000..<32_000) }

  @Test func `two processes train as one does, and a run goes on with one`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain(steps: 8)
    let command = ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "together"]
    let outcome = try sandbox.mae(
      ["launch", "--processes", "2"] + command + ["--stop-after", "5"])
    #expect(outcome.status == 0, "\(outcome.transcript)")
    #expect(outcome.output.contains("4 = 2 × 2 ranks"), "\(outcome.output)")
    let resumed = try sandbox.mae(command + ["--resume"])
    #expect(resumed.status == 0, "\(resumed.transcript)")
    expectClose(try losses(sandbox, "together"), try losses(sandbox, "run"))
    #expect(
      try sandbox.text("together/recipe.yaml") == sandbox.text("run/recipe.yaml"),
      "the number of processes is no part of a run")
  }

  @Test func `a process that is killed is started again, and the run ends as the unbroken one`()
    throws
  {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain(steps: 400)
    // The process that is killed is `mae` itself: the shell becomes it.
    let line =
      "if [ $RANK = 1 ] && ! [ -e killed ]; then touch killed; (while ! [ -e together/checkpoints/"
      + "step-10 ]; do sleep 0.02; done; kill -9 $$) & fi; exec \"$mae\" pretrain images --recipe "
      + "tiny.yaml --out together --resume --patience 20"
    let outcome = try sandbox.shell(
      "\"$mae\" launch --processes 2 --restarts 2 -- /bin/sh -c '\(line)'")
    #expect(outcome.status == 0, "\(outcome.transcript)")
    #expect(sandbox.exists("killed"))
    expectClose(try losses(sandbox, "together"), try losses(sandbox, "run"))
  }

  @Test func `frozen features are the same by several processes`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try sandbox.writeClasses("classes")
    for command in [
      ["knn", "run", "classes", "--neighbours", "3"], ["probe", "run", "classes"],
    ] {
      let alone = try sandbox.mae(command)
      let together = try sandbox.mae(["launch", "--processes", "2"] + command)
      #expect(together.status == 0, "\(together.transcript)")
      // All but the seconds.
      let words = [alone, together].map { $0.output.prefix { $0 != "(" } }
      #expect(words[0] == words[1] && words[0].contains("top-1"))
    }
    let alone = try sandbox.mae("embed", "run", "images", "--out", "alone.npy")
    let together = try sandbox.mae(
      "launch", "--processes", "2", "embed", "run", "images", "--out", "together.npy")
    #expect(alone.status == 0 && together.status == 0, "\(together.transcript)")
    #expect(try sandbox.text("alone.txt") == sandbox.text("together.txt"))
    #expect(
      try sandbox.contents("alone.npy").count == sandbox.contents("together.npy").count)
  }

  @Test func `ranks started with other words are refused on all of them`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    let command = ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "run"]
    let port = port
    let first = try start(command, rank: 0, of: 2, port: port, in: sandbox)
    let second = try start(
      command + ["--set", "batch.size=8"], rank: 1, of: 2, port: port, in: sandbox)
    let outcomes = try [first.wait(), second.wait()]
    #expect(outcomes.map(\.status) == [78, 78])
    for outcome in outcomes {
      #expect(
        outcome.errors.contains("was started with --set, rank 0 with nothing more; start all"),
        "\(outcome.errors)")
    }
    #expect(!sandbox.exists("run"))
  }

  @Test func `what ends one rank ends the others with its status and its words`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    try sandbox.write("run/other.txt", "not a run")
    let port = port
    let command = ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "run"]
    let ranks = try (0..<2).map { try start(command, rank: $0, of: 2, port: port, in: sandbox) }
    let outcomes = try ranks.map { try $0.wait() }
    #expect(outcomes.map(\.status) == [73, 73])
    #expect(outcomes[0].errors.contains("error: run is not empty"), "\(outcomes[0].errors)")
    #expect(
      outcomes[1].errors.contains("rank 0 (") && outcomes[1].errors.contains("run is not empty"),
      "\(outcomes[1].errors)")
  }

  @Test func `a rank that does not come is named`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    let outcome = try start(
      [
        "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--patience-start", "1",
      ], rank: 0, of: 3, port: port, in: sandbox
    ).wait()
    #expect(outcome.status == 75)
    #expect(outcome.errors.contains("ranks 1–2 did not come to 127.0.0.1:"), "\(outcome.errors)")
    let later = try start(
      ["pretrain", "images", "--out", "run", "--patience-start", "1"], rank: 1, of: 3, port: port,
      in: sandbox
    ).wait()
    #expect(later.status == 75)
    #expect(later.errors.contains("nothing answers at 127.0.0.1:"), "\(later.errors)")
  }

  @Test func `a step that is not finite on one rank ends all and names its files`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe(steps: 20)
    let outcome = try sandbox.mae(
      "launch", "--processes", "2", "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run",
      "--set", "optimizer.baseLearningRate=1e30")
    #expect(outcome.status == 70, "\(outcome.transcript)")
    let records = sandbox.names("run").filter { $0.hasPrefix("not-finite-step-") }
    #expect(records.count == 1)
    #expect(try sandbox.text("run/" + (records.first ?? "")).contains("\"ranks\""))
  }
}
