import Foundation
import Testing

/// What users are told when something is wrong; each message names what was found and what to do.
///
/// Paths are relative, so that the snapshots hold on every machine.
@Suite struct MessageTests {
  /// Runs a command and compares all it says.
  private func expect(
    _ name: String, exit status: Int32, _ arguments: [String], in sandbox: CommandSandbox,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try sandbox.mae(arguments, sourceLocation: sourceLocation)
    #expect(
      outcome.status == status, "\(outcome.transcript)", sourceLocation: sourceLocation)
    #expect(!outcome.errors.isEmpty, "\(name): no message", sourceLocation: sourceLocation)
    try expectSnapshot(outcome.transcript, name, sourceLocation: sourceLocation)
  }

  // MARK: command line

  @Test func usage() throws {
    let sandbox = try CommandSandbox()
    let lines: [(String, [String])] = [
      ("usage-unknown-option", ["pretrain", "images", "--out", "run", "--epochs", "3"]),
      ("usage-unknown-command", ["pretrian", "images"]),
      ("usage-missing-out", ["pretrain", "images"]),
      ("usage-threads", ["pretrain", "images", "--out", "run", "--threads", "0"]),
      ("usage-both", ["pretrain", "images", "--out", "run", "--resume", "--overwrite"]),
      ("usage-stop-after", ["pretrain", "images", "--out", "run", "--stop-after", "0"]),
      ("usage-log", ["pretrain", "images", "--out", "run", "--log", "wandb"]),
      ("usage-hours", ["pretrain", "images", "--out", "run", "--hours", "0"]),
      (
        "usage-hours-recipe",
        ["pretrain", "images", "--out", "run", "--hours", "1", "--recipe", "default"]
      ),
      ("usage-neighbours", ["knn", "run", "images", "--neighbours", "0"]),
      ("usage-batch", ["knn", "run", "images", "--batch", "0"]),
      ("usage-pooling", ["probe", "run", "images", "--pooling", "max"]),
      ("usage-format", ["weights", "export", "run", "--format", "tflite", "--out", "x"]),
      ("usage-workload", ["bench", "gigantic"]),
    ]
    for (name, arguments) in lines { try expect(name, exit: 64, arguments, in: sandbox) }
  }

  @Test func devices() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 2)
    try sandbox.writeTinyRecipe()
    for (name, device) in [
      ("device-unknown", "gpu"), ("device-number", "cuda:99"), ("device-index", "cuda:-1"),
    ] {
      let arguments = [
        "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--device", device,
      ]
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == 69, "\(outcome.transcript)")
      #expect(!sandbox.exists("run"))
      if name == "device-unknown" { try expectSnapshot(outcome.transcript, name) }
    }
  }

  // MARK: data

  @Test func `bad paths`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    try sandbox.write("empty/.keep", "")
    try sandbox.write("notes/a.md", "no image")
    try sandbox.writeImage("picture.png")
    try sandbox.write("list.txt", "nowhere.png\n")
    func pretrain(_ data: String) -> [String] {
      ["pretrain", data, "--recipe", "tiny.yaml", "--out", "run"]
    }
    try expect("data-missing", exit: 66, pretrain("nowhere"), in: sandbox)
    try expect("data-empty", exit: 66, pretrain("empty"), in: sandbox)
    try expect("data-no-images", exit: 66, pretrain("notes"), in: sandbox)
    try expect("data-one-image", exit: 65, pretrain("picture.png"), in: sandbox)
    try expect("data-list-of-nothing", exit: 66, pretrain("list.txt"), in: sandbox)
    try expect("data-nothing-named", exit: 66, pretrain(""), in: sandbox)
    try expect("data-not-fetched", exit: 66, pretrain("fashion-mnist"), in: sandbox)
    #expect(!sandbox.exists("run"), "a run folder was made before its data was found")
    try sandbox.write("file", "a file")
    try sandbox.writeImages("images", count: 4)
    try expect(
      "out-is-a-file", exit: 73,
      ["pretrain", "images", "--recipe", "tiny.yaml", "--out", "file"], in: sandbox)
    #expect(try sandbox.text("file") == "a file")
  }

  @Test func recipes() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 4)
    func pretrain(_ more: String...) -> [String] { ["pretrain", "images", "--out", "run"] + more }
    try expect(
      "recipe-several-mistakes", exit: 78,
      pretrain(
        "--set", "schedule.epoch=3", "--set", "optimizer.baseLearningRate=fast", "--set",
        "model.patch=15",
        "--set", "masking.ratio=1", "--set", "batch", "--set", "data.crop=middle"), in: sandbox)
    try expect(
      "recipe-patch", exit: 78, pretrain("--set", "model.patch=15"), in: sandbox)
    try expect("recipe-ratio-0", exit: 78, pretrain("--set", "masking.ratio=0"), in: sandbox)
    try expect("recipe-ratio-1", exit: 78, pretrain("--set", "masking.ratio=1"), in: sandbox)
    try expect("recipe-name", exit: 78, pretrain("--recipe", "defualt"), in: sandbox)
    try expect("recipe-no-file", exit: 66, pretrain("--recipe", "./mine.yaml"), in: sandbox)
    try sandbox.write("broken.yaml", "model: {patch: 4\nbatch: [")
    try expect("recipe-not-yaml", exit: 78, pretrain("--recipe", "./broken.yaml"), in: sandbox)
    try expect("recipe-empty-name", exit: 78, pretrain("--recipe", ""), in: sandbox)
    #expect(!sandbox.exists("run"))
  }

  /// Images that are none: skipped, named and counted up to the limit.
  @Test func `broken images`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    try sandbox.writeImages("images", count: 8)
    let whole = try sandbox.contents("images/03.png")
    try sandbox.write("images/03.png", whole.prefix(whole.count / 2))
    func pretrain(_ more: String...) -> [String] {
      [
        "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run", "--overwrite",
      ] + more
    }
    // One image may always be broken.
    let skipped = try sandbox.mae(pretrain())
    #expect(skipped.status == 0, "\(skipped.transcript)")
    #expect(skipped.output.contains("skipped   03.png: "), "\(skipped.output)")
    let results = try sandbox.text("run/results.json")
    #expect(results.contains("\"03.png\""), "\(results)")
    #expect(try sandbox.text("run/report.html").contains("03.png"))

    let none = try sandbox.mae(pretrain("--set", "data.brokenLimit=0"))
    #expect(none.status == 65 && none.errors.contains("03.png"), "\(none.transcript)")
    try sandbox.write("images/text.jpg", "this is a text")
    let two = try sandbox.mae(pretrain())
    #expect(two.status == 65, "\(two.transcript)")
    #expect(two.errors.contains("2 of 9 images could not be decoded, 1 may be"), "\(two.errors)")
    let more = try sandbox.mae(pretrain("--set", "data.brokenLimit=0.25"))
    #expect(more.status == 0, "\(more.transcript)")
  }

  @Test func `strange images`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeImages("images", count: 4)
    try sandbox.writeImage("images/one-pixel.png", side: 1)
    try sandbox.write("images/vast.png", CommandSandbox.pngHeader(width: 30_000, height: 30_000))
    try sandbox.write("images/text.jpg", "this is a text")
    let whole = try sandbox.contents("images/01.png")
    try sandbox.write("images/truncated.png", whole.prefix(whole.count - 30))
    try sandbox.write("images/nothing.png", Data())
    let inspected = try sandbox.mae("data", "inspect", "images")
    #expect(inspected.status == 65)
    try expectSnapshot(inspected.transcript, "data-inspect-broken")
    // A picture of one pixel is a picture.
    try sandbox.writeTinyRecipe()
    for name in ["vast.png", "text.jpg", "truncated.png", "nothing.png"] {
      try FileManager.default.removeItem(atPath: sandbox("images/" + name))
    }
    for crop in ["random-resized", "random-fixed", "center", "none"] {
      try sandbox.done(
        "pretrain", "images", "--recipe", "tiny.yaml", "--out", "run-" + crop, "--set",
        "data.crop=" + crop)
    }
  }

  @Test func `folders of nothing but broken images`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try sandbox.write("broken/a/x.png", "text")
    try sandbox.write("broken/b/.keep", "")
    try sandbox.writeClasses("classes")
    try sandbox.write("two/a/x.png", "text")
    try sandbox.write("two/b/y.png", "text")
    func run(_ arguments: [String]) throws {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == 65, "\(arguments): \(outcome.transcript)")
    }
    try run(["pretrain", "broken", "--recipe", "tiny.yaml", "--out", "new"])
    try run([
      "pretrain", "broken", "--recipe", "tiny.yaml", "--out", "new2", "--set",
      "data.normalization=computed",
    ])
    try run(["knn", "run", "broken", "--test", "broken"])
    try run(["probe", "run", "two", "--test", "broken"])
    try run(["reconstruct", "run", "broken", "--out", "sheet.png"])
    try run(["reconstruct", "run", "broken", "--score", "1"])
  }

  // MARK: runs and weights

  @Test func `run folders`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    func pretrain(_ more: String...) -> [String] {
      ["pretrain", "images", "--recipe", "tiny.yaml"] + more
    }
    try expect("run-in-use", exit: 73, pretrain("--out", "run"), in: sandbox)
    try sandbox.write("other/thesis.txt", "mine")
    try expect("run-not-empty", exit: 73, pretrain("--out", "other"), in: sandbox)
    try expect(
      "run-overwrite-no-run", exit: 73, pretrain("--out", "other", "--overwrite"), in: sandbox)
    try expect("run-resume-no-run", exit: 73, pretrain("--out", "other", "--resume"), in: sandbox)
    #expect(try sandbox.text("other/thesis.txt") == "mine")
    try expect(
      "run-resume-other-recipe", exit: 78,
      pretrain(
        "--out", "run", "--resume", "--set", "seed=3", "--set", "masking.ratio=0.5", "--set",
        "model.encoder.width=32"), in: sandbox)
    try sandbox.writeImages("images", count: 13)
    try expect("run-resume-other-data", exit: 65, pretrain("--out", "run", "--resume"), in: sandbox)
    // A run that another process is at.
    let first = try sandbox.start([
      "pretrain", "images", "--recipe", "tiny.yaml", "--out", "busy", "--set",
      "schedule.steps=1000000",
    ])
    try first.wait { sandbox.exists("busy/recipe.yaml") }
    try expect("run-locked", exit: 73, pretrain("--out", "busy", "--resume"), in: sandbox)
    let overwrite = try sandbox.mae(pretrain("--out", "busy", "--overwrite"))
    #expect(overwrite.status == 73 && sandbox.exists("busy/recipe.yaml"))
  }

  @Test func `judges of features`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try expect("knn-no-classes", exit: 65, ["knn", "run", "images"], in: sandbox)
    try expect("knn-no-model", exit: 66, ["knn", "nowhere", "images"], in: sandbox)
    try sandbox.writeImage("single/a/0.png")
    try expect("knn-one-class", exit: 65, ["knn", "run", "single"], in: sandbox)
    try sandbox.writeImage("undivided/a/0.png")
    try sandbox.writeImage("undivided/b/0.png")
    try expect("knn-undivided", exit: 65, ["knn", "run", "undivided"], in: sandbox)
    try sandbox.writeImage("judge/c/0.png")
    try expect(
      "knn-other-classes", exit: 65, ["knn", "run", "undivided", "--test", "judge"], in: sandbox)
  }

  @Test func reconstructions() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    let model = ["reconstruct", "run", "images"]
    for (name, ratio) in [("0", "0"), ("1", "1"), ("nan", "nan"), ("minus", "-1e300")] {
      let outcome = try sandbox.mae(model + ["--out", "x.png", "--ratios=\(ratio)"])
      #expect(outcome.status == 65, "\(outcome.transcript)")
      if name != "minus" { try expectSnapshot(outcome.transcript, "reconstruct-ratio-" + name) }
    }
    try expect(
      "reconstruct-no-such-image", exit: 66, model + ["--out", "x.png", "--index", "12"],
      in: sandbox)
    try sandbox.write("there.png", "mine")
    try expect("reconstruct-exists", exit: 73, model + ["--out", "there.png"], in: sandbox)
    #expect(try sandbox.text("there.png") == "mine")
    let timm = Goldens.path("timm/square/model.safetensors")
    try sandbox.copy(timm, to: "encoder.safetensors")
    try expect(
      "reconstruct-encoder-only", exit: 65,
      ["reconstruct", "encoder.safetensors", "images", "--out", "x.png", "--heads", "3"],
      in: sandbox)
    try expect(
      "weights-heads-unknown", exit: 65, ["weights", "inspect", "encoder.safetensors"], in: sandbox)
    #expect(!sandbox.exists("x.png"))
  }

  @Test func `weights of another model`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("vit-mae/pixels"), to: "hf")
    try sandbox.write(
      "hf/config.json",
      sandbox.text("hf/config.json").replacing("\"hidden_size\": 16", with: "\"hidden_size\": 32"))
    try expect("weights-wrong-shapes", exit: 65, ["weights", "inspect", "hf"], in: sandbox)
    try sandbox.copy(Goldens.path("schedules/adamw.safetensors"), to: "other.safetensors")
    try expect(
      "weights-no-autoencoder", exit: 65, ["weights", "inspect", "other.safetensors"], in: sandbox)
    try sandbox.write("text.safetensors", "this is a text, not a file of tensors")
    try expect("weights-text", exit: 65, ["weights", "inspect", "text.safetensors"], in: sandbox)
    try sandbox.write("empty.safetensors", "")
    try expect("weights-empty", exit: 65, ["weights", "inspect", "empty.safetensors"], in: sandbox)
    try expect("weights-missing", exit: 66, ["weights", "inspect", "nowhere"], in: sandbox)
    try sandbox.write("folder/readme", "")
    try expect("weights-folder", exit: 66, ["weights", "inspect", "folder"], in: sandbox)
    // A checkpoint whose weights are of another model than its description.
    try sandbox.pretrain()
    let json = try sandbox.text("run/checkpoints/step-6/model.json")
    try sandbox.write(
      "run/checkpoints/step-6/model.json", json.replacing("\"patch\" : 4", with: "\"patch\" : 8"))
    try expect(
      "weights-checkpoint-of-another-model", exit: 65, ["weights", "inspect", "run"], in: sandbox)
  }

  @Test func `hints that do not fit`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.copy(Goldens.path("vit-mae/pixels"), to: "hf")
    try sandbox.copy(
      Goldens.path("vit-mae/pixels/original.safetensors"), to: "original.safetensors")
    let every = [
      "--heads=0", "--heads=3", "--heads=9223372036854775807", "--decoder-heads=5",
      "--norm-epsilon=-1", "--norm-epsilon=nan",
    ]
    for (model, hints) in [("hf", every), ("original.safetensors", ["--heads=-4"])] {
      for hint in hints {
        let outcome = try sandbox.mae("weights", "inspect", model, hint)
        #expect(outcome.status == 64 || outcome.status == 65, "\(hint): \(outcome.transcript)")
      }
    }
  }

  /// Numbers that are numbers and make no sense.
  @Test func `absurd numbers`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try sandbox.writeClasses("classes")
    for arguments in [
      ["knn", "run", "classes", "--batch", "9223372036854775807"],
      ["knn", "run", "classes", "--neighbours", "9223372036854775807"],
      ["knn", "run", "classes", "--limit", "9223372036854775807"],
      ["knn", "run", "classes", "--temperature", "1e-300"],
      ["knn", "run", "classes", "--temperature", "inf"],
      ["probe", "run", "classes", "--strength", "1e300"],
      ["probe", "run", "classes", "--strength", "inf"],
      ["reconstruct", "run", "images", "--images", "9223372036854775807", "--out", "a.png"],
      ["reconstruct", "run", "images", "--score", "9223372036854775807", "--out", "b.png"],
      ["data", "inspect", "images", "--sample", "9223372036854775807"],
      ["doctor", "--threads", "5"],
    ] {
      let outcome = try sandbox.mae(arguments)
      #expect([0, 64].contains(outcome.status), "\(arguments): \(outcome.transcript)")
    }
    for arguments in [
      ["knn", "run", "classes", "--temperature", "nan"],
      ["probe", "run", "classes", "--strength", "nan"],
      ["knn", "run", "classes", "--threads", "1000000000"],
      ["pretrain", "images", "--out", "x", "--stop-after", "99999999999999999999"],
    ] {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == 64, "\(arguments): \(outcome.transcript)")
    }
  }
}

/// Files of `Goldens/`.
enum Goldens {
  static func path(_ name: String, file: String = #filePath) -> String {
    (0..<3).reduce(URL(fileURLWithPath: file)) { url, _ in url.deletingLastPathComponent() }
      .appendingPathComponent("Goldens/" + name).path
  }
}
