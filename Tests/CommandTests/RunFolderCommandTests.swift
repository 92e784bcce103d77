import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What happens to the runs that are there, and to training whose terminal is not.
@Suite struct RunFolderCommandTests {
  private static let quick = [
    "--set", "batch.size=4", "--set", "schedule.steps=2", "--set", "schedule.warmupEpochs=0", "--set",
    "data.workers=1",
  ]

  /// A pre-training run `enc`, and classifiers `fine` and `scratch`.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    try sandbox.writeTinyRecipe()
    try sandbox.done("pretrain", "classes", "--recipe", "tiny.yaml", "--out", "enc")
    for line in [
      ["finetune", "enc", "classes", "--out", "fine"],
      ["scratch", "classes", "--like", "enc", "--out", "scratch"],
    ] {
      let outcome = try sandbox.mae(line + Self.quick)
      try #require(outcome.status == 0, "\(outcome.transcript)")
    }
    return sandbox
  }

  private func files(_ sandbox: CommandSandbox, _ run: String) -> [String] {
    (FileManager.default.enumerator(atPath: sandbox(run))?.allObjects as? [String] ?? []).sorted()
  }

  /// Each is refused by one line, and what is there stays.
  @Test func refusals() throws {
    let sandbox = try workplace()
    try sandbox.copy(sandbox("enc"), to: "other")
    let before = ["enc", "fine", "scratch"].map { files(sandbox, $0) }
    for (line, words) in [
      ("finetune enc classes --out enc --overwrite", "enc holds a run of pre-training"),
      ("finetune enc/checkpoints/step-6 classes --out enc --overwrite", "enc holds a run of"),
      ("scratch classes --like enc --out enc --overwrite", "enc holds a run of pre-training"),
      ("finetune fine classes --out fine --overwrite", "fine is what this run reads"),
      ("pretrain classes --out fine --overwrite", "fine holds a classifier's run"),
      (
        "pretrain classes --out fine --resume",
        "error: fine is a classifier's run from an encoder, not a run of pre-training; resume it with mae finetune enc"
      ),
      ("pretrain classes --out scratch --resume", "resume it with mae scratch"),
      ("finetune fine classes --out enc --resume", "resume it with mae pretrain"),
      ("finetune enc classes --out scratch --resume", "resume it with mae scratch"),
      ("scratch classes --like enc --out fine --resume", "resume it with mae finetune enc"),
      ("finetune other classes --out fine --resume", "fine was started from enc, not from other"),
      ("finetune enc classes --out classes/train/new", "classes/train/new is inside classes"),
      ("pretrain classes --out classes/new --resume", "classes/new is inside classes"),
    ] {
      let outcome = try sandbox.mae(line.split(separator: " ").map(String.init))
      #expect(outcome.status == 73, "\(line): \(outcome.transcript)")
      #expect(outcome.errors.contains(words), "\(line): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(line): \(outcome.errors)")
      #expect(["enc", "fine", "scratch"].map { files(sandbox, $0) } == before, "\(line)")
    }
    let blocks = try sandbox.mae(
      "scratch", "classes", "--like", "enc", "--out", "new", "--set", "trainableBlocks=1")
    #expect(blocks.status == 78 && blocks.errors.contains("leave it null"), "\(blocks.transcript)")
    #expect(!sandbox.exists("new"))
  }

  @Test func resumingSaysWhatItDoes() throws {
    let sandbox = try workplace()
    let first = try sandbox.mae(
      ["finetune", "enc", "classes", "--resume", "--stop-after", "1"] + Self.quick)
    let folder = "enc/classifiers/classes-fine-tuned"
    #expect(
      first.output.hasPrefix("note: no run in \(folder) yet: starting a new one\n"),
      "\(first.transcript)")
    #expect(first.output.contains("resume with --out \(folder) --resume"), "\(first.output)")
    let second = try sandbox.mae(["finetune", "enc", "classes", "--resume"] + Self.quick)
    #expect(second.status == 0 && second.output.contains("resuming at step 1 of 2"))
    #expect(!second.output.contains("note: no run"))
  }

  @Test func aRunThatFailsAtOnceLosesNothing() throws {
    let sandbox = try workplace()
    let before = try files(sandbox, "fine").filter { $0.hasSuffix(".safetensors") }.map {
      try sandbox.contents("fine/" + $0)
    }
    for kind in ["dark", "light"] {
      for number in 2..<6 { try sandbox.write("classes/train/\(kind)/\(number).png", "broken") }
    }
    let outcome = try sandbox.mae(
      ["finetune", "enc", "classes", "--out", "fine", "--overwrite"] + Self.quick)
    #expect(outcome.status == 65, "\(outcome.transcript)")
    #expect(outcome.errors.contains("note: fine keeps the run that it held"), "\(outcome.errors)")
    let after = try files(sandbox, "fine").filter { $0.hasSuffix(".safetensors") }.map {
      try sandbox.contents("fine/" + $0)
    }
    #expect(after == before)
  }

  /// A run whose first step is long in coming: it is measured on images first.
  private func startSlow(_ sandbox: CommandSandbox) throws -> Running {
    let running = try sandbox.start([
      "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--overwrite", "--set",
      "model.encoder.width=512", "--set", "model.encoder.depth=8", "--set", "batch.size=256",
    ])
    try running.wait { sandbox.exists("run/.replaced") && sandbox.exists("run/recipe.yaml") }
    return running
  }

  @Test func killedBeforeItsFirstCheckpoint() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let before = try sandbox.contents("run/checkpoints/step-6/weights.safetensors")
    let running = try startSlow(sandbox)
    running.signal(SIGKILL)
    #expect(try running.wait().status == -SIGKILL)
    #expect(!sandbox.exists("run/checkpoints/step-6"))
    let look = try sandbox.mae("reconstruct", "run", "images", "--out", "sheet.png")
    #expect(look.errors.contains("in run/.replaced"), "\(look.transcript)")
    let next = try sandbox.mae("pretrain", "images", "--out", "run", "--resume")
    #expect(next.status == 0, "\(next.transcript)")
    #expect(next.errors.hasPrefix("note: the run that run held is back"), "\(next.errors)")
    #expect(next.output.contains("resuming at step 6 of 6"), "\(next.output)")
    #expect(try sandbox.contents("run/checkpoints/step-6/weights.safetensors") == before)
    #expect(sandbox.names("run").filter { $0.hasPrefix(".") } == [".lock"])
  }

  @Test func interruptedBeforeItsFirstStep() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let before = files(sandbox, "run")
    let running = try startSlow(sandbox)
    running.signal(SIGINT)
    let outcome = try running.wait()
    #expect(outcome.status == 130, "\(outcome.transcript)")
    #expect(outcome.errors.contains("note: run keeps the run that it held"), "\(outcome.errors)")
    #expect(files(sandbox, "run") == before)
  }

  /// Nobody reads what is said: training goes on, and the log has it.
  @Test(arguments: ["| head -n 1", "> /dev/full", ">&-"]) func unheard(_ rest: String) throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 12)
    try sandbox.writeTinyRecipe()
    let outcome = try sandbox.shell(
      "{ \"$mae\" pretrain images --recipe tiny.yaml --out run; echo $? > status; } \(rest)")
    expectNoCrash(outcome, rest, #_sourceLocation)
    if rest.hasPrefix("|") || sandbox.exists("status") {
      #expect(try sandbox.text("status") == "0\n", "\(outcome.transcript)")
    }
    #expect(sandbox.exists("run/checkpoints/step-6/weights.safetensors"), "\(outcome.transcript)")
    #expect(try sandbox.text("run/train.log").contains("done in"))
    // No file of the run got it instead.
    let heard = try sandbox.shell("grep -rl '^data  ' run images tiny.yaml; cat run/.lock")
    #expect(heard.output.isEmpty, "\(heard.output)")
  }
}
