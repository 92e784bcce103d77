import Foundation
import Imaging
import TensorFiles
import Testing
import Torch

/// Putting models to work: evaluate, predict, embed.
@Suite struct UseCommandTests {
  /// A pre-trained run, a classifier made of it, and pictures of which one is broken.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("classes")
    try sandbox.writeTinyRecipe()
    try sandbox.done("pretrain", "classes", "--recipe", "tiny.yaml", "--out", "run")
    try sandbox.done(
      "finetune", "run", "classes", "--out", "fine", "--set", "batch.size=4", "--set",
      "schedule.epochs=2", "--set", "schedule.warmupEpochs=1", "--set", "data.workers=1")
    try sandbox.writeImages("photos", count: 3)
    try sandbox.write("photos/01.jpg", "not a picture")
    return sandbox
  }

  private func json<Value>(_ text: String, as type: Value.Type) throws -> Value {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Value)
  }

  // MARK: predict

  @Test func predictions() throws {
    let sandbox = try workplace()
    let table = try sandbox.done("predict", "fine", "photos")
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[1] == "photos/01.jpg  not decoded: is text; expected JPEG, PNG, WebP or TIFF")
    for line in [0, 2, 3].map({ lines[$0] }) {
      #expect(
        line.wholeMatch(of: /photos\/\d\d.png  (dark|light) [\d.]+ %  (dark|light) [\d.]+ %/)
          != nil,
        "\(line)")
    }
    #expect(table.errors.contains("not decoded: photos/01.jpg: is text"))

    let found = try json(
      sandbox.done("predict", "fine", "photos", "--format", "json").output, as: [[String: Any]].self
    )
    #expect(found.count == 4)
    #expect(found[1]["error"] != nil && found[1]["predictions"] == nil)
    let guesses = try #require(found[0]["predictions"] as? [[String: Any]])
    let shares = guesses.compactMap { $0["probability"] as? Double }
    #expect(guesses.count == 2 && abs(shares.reduce(0, +) - 1) < 1e-5 && shares[0] >= shares[1])

    // A file appears whole, and is not replaced unasked.
    let out = try sandbox.done(
      "predict", "fine", "photos", "--format", "csv", "--top", "1", "--out", "new/labels.csv")
    #expect(out.output == "wrote 3 predictions to new/labels.csv, 1 not decoded\n")
    let csv = try sandbox.text("new/labels.csv")
    #expect(csv.hasPrefix("image,label,probability,error\nphotos/00.png,"))
    #expect(csv.split(separator: "\n").count == 5)
    let again = try sandbox.mae("predict", "fine", "photos", "--out", "new/labels.csv")
    #expect(again.status == 73)
    #expect(try sandbox.text("new/labels.csv") == csv)
  }

  @Test func `predictions from standard input`() throws {
    let sandbox = try workplace()
    let named = try sandbox.done("predict", "fine", "photos/00.png", "--format", "jsonl").output
    let piped = try sandbox.mae(
      ["predict", "fine", "-", "--format", "jsonl"], input: "photos/00.png")
    #expect(piped.status == 0, "\(piped.transcript)")
    #expect(piped.output == named.replacing("photos/00.png", with: "-"))

    try sandbox.write("paths", "photos/02.png\nphotos/nowhere.png\n\nphotos/00.png")
    let paths = try sandbox.mae(
      ["predict", "fine", "--files-from", "-", "--format", "jsonl"], input: "paths")
    #expect(paths.status == 0, "\(paths.transcript)")
    let lines = paths.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[2] == named.dropLast())
    #expect(lines[1].contains("\"error\": \"there is no such file\""))
    let file = try sandbox.done("predict", "fine", "--files-from", "paths", "--format", "jsonl")
    #expect(file.output == paths.output)
  }

  @Test func `bad predictions`() throws {
    let sandbox = try workplace()
    try sandbox.write("void", "")
    func expect(
      _ name: String, exit status: Int32, _ arguments: [String], input: String? = nil
    ) throws {
      let outcome = try sandbox.mae(arguments, input: input)
      #expect(outcome.status == status, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
    }
    try expect("predict-nothing-named", exit: 64, ["predict", "fine"])
    try expect("predict-top", exit: 64, ["predict", "fine", "photos", "--top", "0"])
    try expect("predict-format", exit: 64, ["predict", "fine", "photos", "--format", "xml"])
    try expect("predict-twice", exit: 64, ["predict", "fine", "-", "--files-from", "-"])
    try expect("predict-no-head", exit: 65, ["predict", "run", "photos"])
    try expect("predict-missing", exit: 66, ["predict", "fine", "photos/00.png", "nowhere.jpg"])
    try expect("predict-none", exit: 65, ["predict", "fine", "photos/01.jpg", "--format", "json"])
    try expect("predict-empty-input", exit: 66, ["predict", "fine", "-"])
    try expect(
      "predict-empty-list", exit: 66, ["predict", "fine", "--files-from", "-"], input: "void")
    try expect("predict-no-list", exit: 66, ["predict", "fine", "--files-from", "nowhere"])
    let none = try sandbox.mae("predict", "fine", "photos/01.jpg", "--out", "x.txt")
    #expect(none.status == 65 && !sandbox.exists("x.txt"))
  }

  /// A weight that is not a number is said, not drawn or written.
  @Test func `weights that are not finite`() throws {
    let sandbox = try workplace()
    let source = "fine/checkpoints/\(try #require(sandbox.names("fine/checkpoints").last))"
    let name = "blocks.0.mlp.fc1.bias"
    var tensors = try SafetensorsFile(sandbox(source + "/weights.safetensors")).tensors()
    tensors[name] = Tensor.full(try #require(tensors[name]).shape, .nan)
    try sandbox.write("broken/model.json", sandbox.contents(source + "/model.json"))
    try SafetensorsFile.write(tensors, to: sandbox("broken/weights.safetensors"))
    for arguments in [
      ["predict", "broken", "photos/00.png"],
      ["embed", "broken", "photos/00.png", "--out", "x.npy"],
      ["embed", "broken", "photos/00.png", "--pca", "x.png"],
      ["embed", "broken", "photos", "--query", "photos/02.png"],
      ["evaluate", "broken", "classes"], ["knn", "broken", "classes"],
    ] {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == 65 && outcome.output == "", "\(outcome.transcript)")
      #expect(
        outcome.errors.contains("as the weight \(name) is not: training went wrong"),
        "\(outcome.transcript)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.transcript)")
    }
    #expect(sandbox.names(".").filter { $0.hasPrefix("x.") }.isEmpty)
  }

  // MARK: evaluate

  @Test func evaluation() throws {
    let sandbox = try workplace()
    let outcome = try sandbox.done(
      "evaluate", "fine", "classes", "--csv", "a/classes.csv", "--confusion", "a/confusion.png",
      "--json", "a/all.json")
    #expect(outcome.output.hasPrefix("top-1  "), "\(outcome.output)")
    #expect(outcome.output.contains(" of 4 images)\n") && outcome.output.contains("images/s"))
    #expect(try sandbox.text("a/classes.csv").hasPrefix("class,name,examples,correct,accuracy"))
    #expect(try sandbox.contents("a/confusion.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let all = try json(sandbox.text("a/all.json"), as: [String: Any].self)
    let result = try #require(all["result"] as? [String: Any])
    #expect(result["images"] as? Int == 4)
    #expect((all["classes"] as? [[String: Any]])?.count == 2)
    try sandbox.done(
      "evaluate", "fine", "classes", "--split", "training", "--confusion", "b.csv")
    try sandbox.done("evaluate", "fine", "classes", "--confusion", "b.svg")
    #expect(try sandbox.text("b.svg").contains("<title>"))
    let wrong = try sandbox.mae("evaluate", "fine", "classes", "--confusion", "b.txt")
    #expect(wrong.status == 64)
    #expect(
      wrong.errors.contains(
        "--confusion is b.txt; expected a name ending in .csv, .png, .jpg, .webp or .svg"))
    #expect(try sandbox.text("b.csv").hasPrefix("true class,dark,light\ndark,"))
    let kept = try json(sandbox.text("fine/results.json"), as: [String: Any].self)
    let evaluated = try #require(kept["evaluated"] as? [String: [String: Any]])
    #expect(Set(evaluated.keys) == ["classes", "classes (training)"])
    #expect(evaluated["classes (training)"]?["images"] as? Int == 12)
    #expect(try sandbox.text("fine/report.html").contains("Evaluated on other sets"))

    // A set with one of the classes, and one with others.
    try sandbox.copy(sandbox("classes/val/dark"), to: "some-dark")
    try FileManager.default.createDirectory(
      atPath: sandbox("some"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: sandbox("some-dark"), toPath: sandbox("some/dark"))
    let some = try sandbox.done("evaluate", "fine", "some", "--competing", "set")
    #expect(some.output.hasPrefix("top-1               100.00 %  (2 of 2 images)"))
    #expect(some.errors.contains("no image is of 1 of the model's 2 classes ('light')"))
  }

  /// The command that a run without a validation part ends with does not judge by what was learned.
  @Test func `evaluation by what was held back`() throws {
    let sandbox = try workplace()
    try FileManager.default.moveItem(atPath: sandbox("classes/train"), toPath: sandbox("whole"))
    func finetune(_ out: String, _ more: String...) throws -> Outcome {
      let outcome = try sandbox.mae(
        ["finetune", "run", "whole", "--out", out] + more
          + [
            "--set", "batch.size=2", "--set", "schedule.epochs=2", "--set",
            "schedule.warmupEpochs=1",
            "--set", "data.workers=1",
          ])
      #expect(outcome.status == 0, "\(outcome.transcript)")
      return outcome
    }
    let trained = try finetune("held")
    #expect(trained.output.contains("Next: mae evaluate held whole, "), "\(trained.output)")
    let judged = try #require(
      trained.output.firstMatch(of: /top-1 ([\d.]+ %) of 2 images, learned from 10/)?.1)
    let note =
      "note: whole: the run was trained on these images: the 2 of 12 that were held back are evaluated\n"
    // By another name, from another place, and by a checkpoint too.
    try sandbox.copy(sandbox("whole"), to: "copied")
    let step = try #require(sandbox.names("held/checkpoints").last)
    for (model, data) in [
      ("held", "whole"), ("held/", "./whole/"), ("held", "copied"),
      ("held/checkpoints/\(step)", "whole"),
    ] {
      let outcome = try sandbox.done("evaluate", model, data)
      #expect(
        outcome.errors == note.replacing("whole", with: data), "\(model): \(outcome.errors)")
      #expect(
        outcome.output.contains("of 2 images)") && outcome.output.contains(judged),
        "\(outcome.output)")
    }
    let results = try json(sandbox.text("held/results.json"), as: [String: Any].self)
    let evaluated = try #require(results["evaluated"] as? [String: [String: Any]])
    #expect(evaluated["whole (held back)"]?["images"] as? Int == 2 && evaluated["whole"] == nil)
    // A part that is named is that part.
    let all = try sandbox.done("evaluate", "held", "whole", "--split", "training")
    #expect(all.errors == "" && all.output.contains("of 12 images)"))
    // Other images are all judged, without a word.
    let others = try sandbox.done("evaluate", "held", "classes/val")
    #expect(others.errors == "" && others.output.contains("of 4 images)"))
    // Images that came later make it unknown which were learned from.
    try sandbox.copy(sandbox("classes/val/dark/6.png"), to: "whole/dark/6.png")
    let changed = try sandbox.done("evaluate", "held", "whole")
    #expect(
      changed.errors.contains("the set has changed since") && changed.output.contains("13 im"))
    try FileManager.default.removeItem(atPath: sandbox("whole/dark/6.png"))
    // Judged by others, nothing was held back.
    let two = try finetune("two", "--validation", "classes/val")
    #expect(two.output.contains("Next: mae evaluate two classes/val, "), "\(two.output)")
    let seen = try sandbox.done("evaluate", "two", "whole")
    #expect(
      seen.errors
        == "note: whole: the run was trained on these images: the accuracy is not that on new ones\n"
    )
  }

  @Test func corruptions() throws {
    let sandbox = try workplace()
    for severity in 1...5 {
      try FileManager.default.createDirectory(
        atPath: sandbox("c/fog"), withIntermediateDirectories: true)
      try sandbox.copy(sandbox("classes/val"), to: "c/fog/\(severity)")
    }
    let outcome = try sandbox.done("evaluate", "fine", "c", "--csv", "c.csv")
    #expect(outcome.output.contains("\nfog  ") && outcome.output.contains("mCE                 –"))
    #expect(outcome.errors.contains("severities are missing of gaussian_noise"))
    #expect(try sandbox.text("c.csv").hasPrefix("corruption,severity 1,"))
  }

  @Test func `bad evaluations`() throws {
    let sandbox = try workplace()
    try sandbox.copy(sandbox("classes/val"), to: "other")
    try FileManager.default.moveItem(atPath: sandbox("other/dark"), toPath: sandbox("other/dim"))
    func expect(_ name: String, exit status: Int32, _ arguments: [String]) throws {
      let outcome = try sandbox.mae(arguments)
      #expect(outcome.status == status, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
    }
    try expect("evaluate-other-classes", exit: 65, ["evaluate", "fine", "other"])
    try expect("evaluate-no-classes", exit: 65, ["evaluate", "fine", "photos"])
    try expect("evaluate-no-head", exit: 65, ["evaluate", "run", "classes"])
    try expect("evaluate-missing", exit: 66, ["evaluate", "fine", "nowhere"])
    try expect(
      "evaluate-undivided", exit: 66, ["evaluate", "fine", "other", "--split", "validation"])
    try expect(
      "evaluate-confusion", exit: 64, ["evaluate", "fine", "classes", "--confusion", "x.tiff"])
    try expect("evaluate-exists", exit: 73, ["evaluate", "fine", "classes", "--csv", "tiny.yaml"])
  }

  // MARK: embed

  @Test func embeddings() throws {
    let sandbox = try workplace()
    let outcome = try sandbox.done("embed", "run", "photos", "--out", "x.npy")
    #expect(
      outcome.output.hasPrefix("wrote 3 × 16 (class-token) to x.npy, names to x.txt: "),
      "\(outcome.output)")
    #expect(outcome.output.hasSuffix("images/s, 1 not decoded\n"))
    #expect(try sandbox.text("x.txt") == "photos/00.png\nphotos/01.png\nphotos/02.png\n")
    let rows = try NpyFile(sandbox("x.npy")).tensor()
    #expect(rows.shape == [3, 16])
    // Batches and formats make no difference.
    try sandbox.done(
      "embed", "run", "photos", "--batch", "1", "--out", "y.safetensors", "--names", "names")
    let others = try SafetensorsFile(sandbox("y.safetensors")).tensor("embeddings")
    #expect((rows - others).abs().max().item() < 1e-5)
    #expect(try sandbox.text("names") == sandbox.text("x.txt"))
    try sandbox.done("embed", "fine", "classes", "--split", "training", "--out", "z.csv")
    #expect(try sandbox.text("z.csv").contains("\nclasses/train/dark/0.png,dark,"))
    try sandbox.done("embed", "run", "photos", "--tokens", "patches", "--out", "p.npy")
    #expect(try NpyFile(sandbox("p.npy")).shape == [3, 16, 16])
  }

  /// Classes are those of all sets, whichever comes first.
  @Test func `embeddings of several sets`() throws {
    let sandbox = try workplace()
    try sandbox.copy(sandbox("classes/val"), to: "other")
    try FileManager.default.moveItem(atPath: sandbox("other/dark"), toPath: sandbox("other/dim"))
    try sandbox.done(
      "embed", "run", "photos/00.png", "other", "classes/val", "--out", "x.safetensors")
    let labels = try SafetensorsFile(sandbox("x.safetensors")).tensor("labels")
    // The classes are dim, light, dark.
    #expect(labels.array(of: Int64.self) == [-1, 0, 0, 1, 1, 2, 2, 1, 1])
    try sandbox.done("embed", "run", "photos/00.png", "other", "--out", "x.csv")
    let lines = try sandbox.text("x.csv").split(separator: "\n")
    #expect(lines[0].hasPrefix("image,class,0,") && lines[1].hasPrefix("photos/00.png,,"))
    #expect(lines[2].hasPrefix("other/dim/6.png,dim,"))
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
  func `interrupted embedding leaves nothing`(_ signal: Int32, _ status: Int32) throws {
    let sandbox = try workplace()
    let many = String(repeating: "photos/00.png\n", count: 200_000)
    try sandbox.write("many.txt", many)
    try sandbox.write("out/x.npy", "what was there")
    let running = try sandbox.start([
      "embed", "run", "--files-from", "many.txt", "--out", "out/x.npy", "--overwrite",
    ])
    try running.wait { sandbox.names("out").count > 1 }
    running.signal(signal)
    let outcome = try running.wait()
    #expect(outcome.status == status, "\(outcome.transcript)")
    #expect(outcome.errors == "interrupted; files that were not complete are gone\n")
    #expect(sandbox.names("out") == ["x.npy"])
    #expect(try sandbox.text("out/x.npy") == "what was there")
  }

  @Test func `neighbours and pictures`() throws {
    let sandbox = try workplace()
    let query = "classes/train/dark/1.png"
    let direct = try sandbox.done(
      "embed", "run", "classes/train", "--neighbours", "3", "--query", query, "--pictures",
      "alike.png", "--format", "csv")
    let lines = direct.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[0] == "image,rank,similarity,neighbour")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(query + ",") && !$0.hasSuffix(query) })
    try sandbox.done("embed", "run", "classes/train", "--out", "x.npy")
    let indexed = try sandbox.done(
      "embed", "run", "--index", "x.npy", "--neighbours", "3", "--query", query, "--format", "csv")
    #expect(indexed.output == direct.output)
    try sandbox.done("embed", "run", "classes/train", "--tokens", "mean", "--out", "m.safetensors")
    let other = try sandbox.mae("embed", "run", "--index", "m.safetensors", "--query", query)
    #expect(other.status == 65 && other.errors.contains("say --tokens mean"), "\(other.transcript)")
    let same = try sandbox.done(
      "embed", "run", "--index", "m.safetensors", "--query", query, "--tokens", "mean")
    #expect(same.errors.isEmpty && same.output.contains(query))
    // Names that lie elsewhere are read, not written.
    try FileManager.default.moveItem(atPath: sandbox("x.txt"), toPath: sandbox("their-names"))
    let named = try sandbox.done(
      "embed", "run", "--index", "x.npy", "--names", "their-names", "--neighbours", "3", "--query",
      query, "--format", "csv")
    #expect(named.output == direct.output)
    try sandbox.done(
      "embed", "run", "photos", "--attention", "a/attention.png", "--pca", "a/pca.png", "--images",
      "2")
    for name in ["alike.png", "a/attention.png", "a/pca.png"] {
      #expect(try sandbox.contents(name).starts(with: [0x89, 0x50, 0x4E, 0x47]), "\(name)")
    }
  }

  @Test func `bad embeddings`() throws {
    let sandbox = try workplace()
    try sandbox.done("embed", "run", "photos", "--tokens", "mean", "--out", "x.npy")
    try NpyFile.write(Tensor.zeros([3, 5]), to: sandbox("narrow.npy"))
    try sandbox.copy(sandbox("x.txt"), to: "narrow.txt")
    func expect(_ name: String, exit status: Int32, _ arguments: [String]) throws {
      let outcome = try sandbox.mae(["embed"] + arguments)
      #expect(outcome.status == status, "\(outcome.transcript)")
      try expectSnapshot(outcome.transcript, name)
    }
    try expect("embed-nothing-asked", exit: 64, ["run", "photos"])
    try expect("embed-nothing-named", exit: 64, ["run", "--out", "y.npy"])
    try expect("embed-no-query", exit: 64, ["run", "photos", "--neighbours", "3"])
    try expect(
      "embed-patches-query", exit: 64,
      ["run", "photos", "--tokens", "patches", "--query", "photos/00.png"])
    try expect("embed-format", exit: 73, ["run", "photos", "--out", "y.pt"])
    try expect("embed-exists", exit: 73, ["run", "photos", "--out", "x.npy"])
    try expect(
      "embed-no-head", exit: 65, ["run", "photos", "--tokens", "features", "--out", "y.npy"])
    try expect(
      "embed-patches-table", exit: 73, ["run", "photos", "--tokens", "patches", "--out", "y.csv"])
    try expect("embed-none", exit: 65, ["run", "photos/01.jpg", "--out", "y.npy"])
    try expect("embed-drawn-none", exit: 65, ["run", "photos/01.jpg", "--pca", "y.png"])
    try expect(
      "embed-names-of-both", exit: 64,
      ["run", "photos", "--index", "x.npy", "--out", "y.npy", "--names", "y.txt", "--query", "q"])
    try expect(
      "embed-names-of-nothing", exit: 64,
      ["run", "photos", "--names", "y.txt", "--query", "photos/00.png"])
    try expect("embed-no-index", exit: 66, ["run", "--index", "y.npy", "--query", "photos/00.png"])
    try expect(
      "embed-other-index", exit: 65, ["run", "--index", "narrow.npy", "--query", "photos/00.png"])
    try expect("embed-broken-query", exit: 65, ["run", "photos", "--query", "photos/01.jpg"])
    #expect(!sandbox.exists("y.npy") && !sandbox.exists("y.txt") && !sandbox.exists("y.png"))
  }
}
