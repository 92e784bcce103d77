import Foundation
import Runs
import TestSupport
import Testing

@testable import Recipes
@testable import Training

/// What an MLflow server is told, whatever it does.
@Suite struct MLflowTests {
  private static let quick = MLflowSender.Rhythm(pause: 0, firstDelay: 0.001, longestDelay: 0.01)

  /// A log into `run/` of a folder, with the recipe of nobody.
  private func log(
    _ folder: TemporaryFolder, to address: String?, environment: [String: String] = [:]
  ) throws -> MLflowLog {
    try MLflowLog(
      address, run: folder["run"],
      .init(name: "run", parameters: [("seed", "7")], tags: [("kind", "nothing")]),
      environment: environment, rhythm: Self.quick)
  }

  private func end(_ log: MLflowLog, _ ending: SessionEnding = .finished) throws -> [String] {
    try log.end(ending) { false }
  }

  /// Looks again until something is there, as long as a test may last.
  private func eventually<R>(_ look: () -> R?) throws -> R {
    let end = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < end {
      if let found = look() { return found }
      usleep(500)
    }
    Issue.record("what was waited for did not come")
    throw CancellationError()
  }

  private func losses(_ run: MLflowStandIn.Run) -> [MLflowStandIn.Metric] {
    run.metrics.filter { $0.name == "loss" }
  }

  @Test func `a run is on the server as it is in its folder`() throws {
    let server = try MLflowStandIn()
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(), "quiet")
    var recipe = PretrainingRecipe.tiny()
    recipe.logging.reconstructionsEveryEpochs = 5
    recipe.logging.norms = true
    recipe.note = "a note"
    var said = ""
    func session(_ opening: RunFolder.Opening, logs: [LogDestination], stopAfter: Int? = nil) throws
    {
      let run = try TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")),
        .init(out: fixture("run"), opening: opening, stopAfter: stopAfter))
      try TrainingSession(
        run, logs: logs, terminal: .plain, print: { said += $0 }, warn: { said += $0 }
      ).run { false }
    }
    try session(.new, logs: [.mlflow(server.address), .csv], stopAfter: 10)
    #expect(server.run.statuses == ["KILLED"])
    // The next session knows where to log to.
    try session(.resume, logs: [])
    let run = server.run
    #expect(server.runs == 1 && run.statuses == ["KILLED", "RUNNING", "FINISHED"])
    #expect(run.name == "run" && run.experiment == "1" && run.tags["kind"] == "pre-training")
    #expect(run.tags["mlflow.note.content"] == "a note")
    #expect(run.parameters["schedule.steps"] == "20" && run.parameters["model.patch"] == "4")
    #expect(run.parameters["masking.ratio"] == "0.75" && run.parameters["inputs.count"] == "8")
    let records = try fixture.metrics("run")
    #expect(records.count == 20 && records.allSatisfy { $0.values["parameter_norm"] ?? 0 > 1 })
    let expected = records.flatMap { record in
      record.values.merging(["epoch": record.epoch]) { $1 }.map {
        MLflowStandIn.Metric(name: $0.key, step: record.step, value: $0.value)
      }
    }
    #expect(Set(run.metrics) == Set(expected) && run.metrics.count == expected.count)
    for name in [
      "recipe.yaml", "model.json", "metrics.jsonl", "metrics.csv", "report.html", "results.json",
      "reconstructions/step-10.png", "reconstructions/step-20.png",
      "checkpoints/step-20/weights.safetensors",
    ] {
      #expect(try run.files[name] == Array(fixture.contents("run/" + name)), "\(name)")
    }
    #expect(!run.files.keys.contains { $0.contains("optimizer") || $0.contains("journal") })
    #expect(said.contains("logs      MLflow at \(server.address)\n"))
    #expect(said.contains("mlflow    \(server.address)/#/experiments/1/runs/run"))
    // What is logged changes nothing of what is learned.
    #expect(try fixture.state("run", step: 20) == fixture.state("quiet", step: 20))
  }

  @Test func `a server that goes away is told what it missed when it is back`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    let log = try log(folder, to: server.address)
    try log.record(step: 1, epoch: 0.1, values: [("loss", 1)])
    try eventually { server.run.metrics.isEmpty ? nil : () }
    server.stop()
    for step in 2...5 { try log.record(step: step, epoch: 0.1, values: [("loss", Double(step))]) }
    var notes = try eventually { () -> [String]? in
      let notes = log.takeNotes()
      return notes.isEmpty ? nil : notes
    }
    #expect(notes[0].hasPrefix("MLflow at \(server.address) cannot be reached ("))
    #expect(notes[0].contains("; training continues"))
    try server.start()
    try log.record(step: 6, epoch: 0.1, values: [("loss", 6)])
    try eventually { losses(server.run).count < 6 ? nil : () }
    notes += log.takeNotes()
    #expect(notes.count == 1)
    let last = try end(log)
    #expect(last.count == 1 && last[0].hasPrefix("mlflow    "))
    #expect(losses(server.run).map(\.step) == Array(1...6) && server.runs == 1)
  }

  @Test func `what was missed at the end is sent by the next session`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    server.stop()
    let address = "http://me:secret@127.0.0.1:\(server.port)"
    do {
      let log = try log(folder, to: address)
      for step in 1...4 { try log.record(step: step, epoch: 0.1, values: [("loss", 1)]) }
      let notes = try end(log, .stopped)
      #expect(
        notes.last?.hasSuffix("/run/mlflow keeps what it has not got, and --resume sends it")
          == true)
      #expect(!notes.joined().contains("secret"))
    }
    try server.start()
    let state = try String(contentsOfFile: folder["run/mlflow/state.json"], encoding: .utf8)
    #expect(!state.contains("secret"))
    // Steps 3 and 4 are taken again after a checkpoint at step 2.
    let log = try log(folder, to: nil)
    for step in 3...6 { try log.record(step: step, epoch: 0.1, values: [("loss", 2)]) }
    #expect(try end(log, .finished).count == 1)
    #expect(losses(server.run).map(\.step) == Array(1...6) && server.runs == 1)
    #expect(losses(server.run).map(\.value) == [1, 1, 1, 1, 2, 2])
    #expect(server.run.statuses == ["KILLED", "RUNNING", "FINISHED"])
    #expect(server.run.parameters == ["seed": "7"])
  }

  @Test func `a server that has lost its runs is told everything again`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    let log = try log(folder, to: server.address)
    try log.record(step: 1, epoch: 0.1, values: [("loss", 1)])
    try eventually { server.run.metrics.isEmpty ? nil : () }
    server.with { ($0.runs, $0.experiments) = ([:], [:]) }
    try log.record(step: 2, epoch: 0.1, values: [("loss", 2)])
    #expect(try end(log).count == 1)
    #expect(losses(server.run).map(\.step) == [1, 2] && server.run.parameters["seed"] == "7")
  }

  @Test func `no step waits for a server, and numbers of many steps go together`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    server.hold()
    let log = try log(folder, to: server.address)
    for step in 1...2100 { try log.record(step: step, epoch: 0.1, values: [("loss", 1)]) }
    #expect(server.run.metrics.isEmpty)
    server.open()
    #expect(try end(log).count == 1)
    #expect(losses(server.run).map(\.step) == Array(1...2100))
    let batches = server.with { $0.batches }
    #expect(batches.allSatisfy { $0 <= 1000 } && batches.count < 20, "\(batches)")
  }

  @Test func `what a server refuses is left out and said once`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    server.with { state in
      state.refusals = [
        .init(
          path: "log-batch", status: 400, code: "INVALID_PARAMETER_VALUE", body: #""seed""#),
        .init(path: "artifacts/1", status: 501, code: ""),
      ]
    }
    let log = try log(folder, to: server.address)
    _ = folder.write([1], to: "run/a.png")
    _ = folder.write([1], to: "run/b.png")
    try log.add(picture: "a.png")
    try log.record(step: 1, epoch: 0.1, values: [("loss", .nan)])
    var notes: [String] = []
    try eventually {
      notes += log.takeNotes()
      return server.run.metrics.isEmpty ? nil : ()
    }
    notes += try end(log).map { $0.replacing("note: ", with: "") }
    notes = notes.filter { $0.contains("left out") }
    #expect(
      notes.first
        == "MLflow at \(server.address) answers with status 400: no, INVALID_PARAMETER_VALUE; left out "
        + "there: the recipe")
    #expect(
      notes.count == 2 && notes[1].hasSuffix("answers with status 501; left out there: files"))
    #expect(server.run.files.isEmpty && losses(server.run)[0].value.isNaN)
    #expect(server.run.statuses == ["FINISHED"])
  }

  @Test func `a server that lets nobody in is asked again with the right words`() throws {
    let (server, folder) = (try MLflowStandIn(), TemporaryFolder())
    server.with { $0.refusals = [.init(path: "mlflow", status: 401, code: "")] }
    do {
      let log = try log(folder, to: server.address)
      try log.record(step: 1, epoch: 0.1, values: [("loss", 1)])
      let notes = try end(log)
      #expect(notes.last?.contains("status 401; set MLFLOW_TRACKING_USERNAME and") == true)
    }
    server.with { $0.refusals = [] }
    let words = ["MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "secret"]
    #expect(try end(log(folder, to: nil, environment: words)).count == 1)
    #expect(server.with { $0.authorization } == "Basic bWU6c2VjcmV0")
    #expect(losses(server.run).map(\.step) == [1])
  }

  @Test func `places for logs are read from their words`() throws {
    #expect(try LogDestination(parsing: "csv") == .csv)
    #expect(try LogDestination(parsing: "mlflow=http://h:5000/") == .mlflow("http://h:5000"))
    let set = ["MLFLOW_TRACKING_URI": "https://h/ml"]
    #expect(try LogDestination(parsing: "mlflow", environment: set) == .mlflow("https://h/ml"))
    for (text, words) in [
      ("wandb", "is no place for logs; expected csv or mlflow=http://HOST:5000"),
      ("mlflow", "names no server"), ("mlflow=h:5000", "has no address of a tracking server"),
      ("csv=x", "is no place for logs"), ("mlflow=http://", "has no address"),
    ] {
      let problem = #expect(throws: LogDestination.Problem.self) {
        try LogDestination(parsing: text, environment: [:])
      }
      #expect(problem?.description.hasPrefix(words) == true, "\(text)")
    }
  }
}
