import Foundation
import Imaging
import Testing
import Torch

/// Putting models to work: evaluate, predict, embed.
@Suite struct UseCommandTests {
  /// A pre-trained run, a classifier made of it, and pictures of which one is broken.
  private func workplace() throws -> Bench {
    let bench = try Bench()
    try bench.writeClasses("classes")
    try bench.writeTinyRecipe()
    try bench.done("pretrain", "classes", "--recipe", "tiny.yaml", "--out", "run")
    try bench.done(
      "finetune", "run", "classes", "--out", "fine", "--set", "batch.size=4", "--set",
      "budget.epochs=2", "--set", "budget.warmupEpochs=1", "--set", "data.workers=1")
    try bench.writeImages("photos", count: 3)
    try bench.write("photos/01.jpg", "not a picture")
    return bench
  }

  private func json<Value>(_ text: String, as type: Value.Type) throws -> Value {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Value)
  }

  // MARK: predict

  @Test func predictions() throws {
    let bench = try workplace()
    let table = try bench.done("predict", "fine", "photos")
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
      bench.done("predict", "fine", "photos", "--format", "json").output, as: [[String: Any]].self)
    #expect(found.count == 4)
    #expect(found[1]["error"] != nil && found[1]["predictions"] == nil)
    let guesses = try #require(found[0]["predictions"] as? [[String: Any]])
    let shares = guesses.compactMap { $0["probability"] as? Double }
    #expect(guesses.count == 2 && abs(shares.reduce(0, +) - 1) < 1e-5 && shares[0] >= shares[1])

    // A file appears whole, and is not replaced unasked.
    let out = try bench.done(
      "predict", "fine", "photos", "--format", "csv", "--top", "1", "--out", "new/labels.csv")
    #expect(out.output == "wrote 3 predictions to new/labels.csv, 1 not decoded\n")
    let csv = try bench.text("new/labels.csv")
    #expect(csv.hasPrefix("image,label,probability,error\nphotos/00.png,"))
    #expect(csv.split(separator: "\n").count == 5)
    let again = try bench.mae("predict", "fine", "photos", "--out", "new/labels.csv")
    #expect(again.status == 73)
    #expect(try bench.text("new/labels.csv") == csv)
  }

  @Test func predictionsFromStandardInput() throws {
    let bench = try workplace()
    let named = try bench.done("predict", "fine", "photos/00.png", "--format", "jsonl").output
    let piped = try bench.mae(
      ["predict", "fine", "-", "--format", "jsonl"], input: "photos/00.png")
    #expect(piped.status == 0, "\(piped.transcript)")
    #expect(piped.output == named.replacing("photos/00.png", with: "-"))

    try bench.write("paths", "photos/02.png\nphotos/nowhere.png\n\nphotos/00.png")
    let paths = try bench.mae(
      ["predict", "fine", "--files-from", "-", "--format", "jsonl"], input: "paths")
    #expect(paths.status == 0, "\(paths.transcript)")
    let lines = paths.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[2] == named.dropLast())
    #expect(lines[1].contains("\"error\": \"there is no such file\""))
    let file = try bench.done("predict", "fine", "--files-from", "paths", "--format", "jsonl")
    #expect(file.output == paths.output)
  }

  @Test func badPredictions() throws {
    let bench = try workplace()
    try bench.write("void", "")
    func expect(
      _ name: String, exit status: Int32, _ arguments: [String], input: String? = nil
    ) throws {
      let outcome = try bench.mae(arguments, input: input)
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
    let none = try bench.mae("predict", "fine", "photos/01.jpg", "--out", "x.txt")
    #expect(none.status == 65 && !bench.exists("x.txt"))
  }

  // MARK: evaluate

  @Test func evaluation() throws {
    let bench = try workplace()
    let outcome = try bench.done(
      "evaluate", "fine", "classes", "--csv", "a/classes.csv", "--confusion", "a/confusion.png",
      "--json", "a/all.json")
    #expect(outcome.output.hasPrefix("top-1  "), "\(outcome.output)")
    #expect(outcome.output.contains(" of 4 images)\n") && outcome.output.contains("images/s"))
    #expect(try bench.text("a/classes.csv").hasPrefix("class,name,examples,correct,accuracy"))
    #expect(try bench.contents("a/confusion.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let all = try json(bench.text("a/all.json"), as: [String: Any].self)
    let result = try #require(all["result"] as? [String: Any])
    #expect(result["images"] as? Int == 4)
    #expect((all["classes"] as? [[String: Any]])?.count == 2)
    try bench.done(
      "evaluate", "fine", "classes", "--split", "training", "--confusion", "b.csv")
    #expect(try bench.text("b.csv").hasPrefix("true class,dark,light\ndark,"))
    let kept = try json(bench.text("fine/results.json"), as: [String: Any].self)
    let evaluated = try #require(kept["evaluated"] as? [String: [String: Any]])
    #expect(Set(evaluated.keys) == ["classes", "classes (training)"])
    #expect(evaluated["classes (training)"]?["images"] as? Int == 12)
    #expect(try bench.text("fine/report.html").contains("Evaluated on other sets"))

    // A set with one of the classes, and one with others.
    try bench.copy(bench("classes/val/dark"), to: "some-dark")
    try FileManager.default.createDirectory(
      atPath: bench("some"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: bench("some-dark"), toPath: bench("some/dark"))
    let some = try bench.done("evaluate", "fine", "some", "--competing", "set")
    #expect(some.output.hasPrefix("top-1               100.00 %  (2 of 2 images)"))
    #expect(some.errors.contains("no image is of 1 of the model's 2 classes ('light')"))
  }

  @Test func corruptions() throws {
    let bench = try workplace()
    for severity in 1...5 {
      try FileManager.default.createDirectory(
        atPath: bench("c/fog"), withIntermediateDirectories: true)
      try bench.copy(bench("classes/val"), to: "c/fog/\(severity)")
    }
    let outcome = try bench.done("evaluate", "fine", "c", "--csv", "c.csv")
    #expect(outcome.output.contains("\nfog  ") && outcome.output.contains("mCE                 –"))
    #expect(outcome.errors.contains("severities are missing of gaussian_noise"))
    #expect(try bench.text("c.csv").hasPrefix("corruption,severity 1,"))
  }

  @Test func badEvaluations() throws {
    let bench = try workplace()
    try bench.copy(bench("classes/val"), to: "other")
    try FileManager.default.moveItem(atPath: bench("other/dark"), toPath: bench("other/dim"))
    func expect(_ name: String, exit status: Int32, _ arguments: [String]) throws {
      let outcome = try bench.mae(arguments)
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
      "evaluate-confusion", exit: 64, ["evaluate", "fine", "classes", "--confusion", "x.jpg"])
    try expect("evaluate-exists", exit: 73, ["evaluate", "fine", "classes", "--csv", "tiny.yaml"])
  }

  // MARK: embed

  @Test func embeddings() throws {
    let bench = try workplace()
    let outcome = try bench.done("embed", "run", "photos", "--out", "x.npy")
    #expect(
      outcome.output.hasPrefix("wrote 3 × 16 (class-token) to x.npy, names to x.txt: "),
      "\(outcome.output)")
    #expect(outcome.output.hasSuffix("images/s, 1 not decoded\n"))
    #expect(try bench.text("x.txt") == "photos/00.png\nphotos/01.png\nphotos/02.png\n")
    let rows = try NpyFile(bench("x.npy")).tensor()
    #expect(rows.shape == [3, 16])
    // Batches and formats make no difference.
    try bench.done(
      "embed", "run", "photos", "--batch", "1", "--out", "y.safetensors", "--names", "names")
    let others = try SafetensorsFile(bench("y.safetensors")).tensor("embeddings")
    #expect((rows - others).magnitude.maximum().item < 1e-5)
    #expect(try bench.text("names") == bench.text("x.txt"))
    try bench.done("embed", "fine", "classes", "--split", "training", "--out", "z.csv")
    #expect(try bench.text("z.csv").contains("\nclasses/train/dark/0.png,dark,"))
    try bench.done("embed", "run", "photos", "--tokens", "patches", "--out", "p.npy")
    #expect(try NpyFile(bench("p.npy")).shape == [3, 16, 16])
  }

  /// Classes are those of all sets, whichever comes first.
  @Test func embeddingsOfSeveralSets() throws {
    let bench = try workplace()
    try bench.copy(bench("classes/val"), to: "other")
    try FileManager.default.moveItem(atPath: bench("other/dark"), toPath: bench("other/dim"))
    try bench.done(
      "embed", "run", "photos/00.png", "other", "classes/val", "--out", "x.safetensors")
    let labels = try SafetensorsFile(bench("x.safetensors")).tensor("labels")
    // The classes are dim, light, dark.
    #expect(labels.array(of: Int64.self) == [-1, 0, 0, 1, 1, 2, 2, 1, 1])
    try bench.done("embed", "run", "photos/00.png", "other", "--out", "x.csv")
    let lines = try bench.text("x.csv").split(separator: "\n")
    #expect(lines[0].hasPrefix("image,class,0,") && lines[1].hasPrefix("photos/00.png,,"))
    #expect(lines[2].hasPrefix("other/dim/6.png,dim,"))
  }

  @Test func neighboursAndPictures() throws {
    let bench = try workplace()
    let query = "classes/train/dark/1.png"
    let direct = try bench.done(
      "embed", "run", "classes/train", "--neighbours", "3", "--query", query, "--pictures",
      "alike.png", "--format", "csv")
    let lines = direct.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[0] == "image,rank,similarity,neighbour")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(query + ",") && !$0.hasSuffix(query) })
    try bench.done("embed", "run", "classes/train", "--out", "x.npy")
    let indexed = try bench.done(
      "embed", "run", "--index", "x.npy", "--neighbours", "3", "--query", query, "--format", "csv")
    #expect(indexed.output == direct.output)
    // Names that lie elsewhere are read, not written.
    try FileManager.default.moveItem(atPath: bench("x.txt"), toPath: bench("their-names"))
    let named = try bench.done(
      "embed", "run", "--index", "x.npy", "--names", "their-names", "--neighbours", "3", "--query",
      query, "--format", "csv")
    #expect(named.output == direct.output)
    try bench.done(
      "embed", "run", "photos", "--attention", "a/attention.png", "--pca", "a/pca.png", "--images",
      "2")
    for name in ["alike.png", "a/attention.png", "a/pca.png"] {
      #expect(try bench.contents(name).starts(with: [0x89, 0x50, 0x4E, 0x47]), "\(name)")
    }
  }

  @Test func badEmbeddings() throws {
    let bench = try workplace()
    try bench.done("embed", "run", "photos", "--tokens", "mean", "--out", "x.npy")
    try NpyFile.write(Tensor.zeros([3, 5]), to: bench("narrow.npy"))
    try bench.copy(bench("x.txt"), to: "narrow.txt")
    func expect(_ name: String, exit status: Int32, _ arguments: [String]) throws {
      let outcome = try bench.mae(["embed"] + arguments)
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
    #expect(!bench.exists("y.npy") && !bench.exists("y.txt") && !bench.exists("y.png"))
  }
}
