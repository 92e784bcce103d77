import Foundation
import Imaging
import Testing

/// `mae knn` and `mae probe`: labels, few and wrong ones, and what is made of them.
@Suite struct JudgingCommandTests {
  /// An encoder, `run`, of images without labels.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    return sandbox
  }

  /// Class folders of `count` pictures each which no model tells apart by a glance.
  private func writeMixed(_ folder: String, classes: [String], count: Int, in sandbox: CommandSandbox) throws {
    for (label, name) in classes.enumerated() {
      for number in 0..<count {
        try sandbox.writeImage(
          "\(folder)/\(name)/\(number).png", seed: number * 3 + label + folder.utf8.count)
      }
    }
  }

  private func writeIDX(
    _ folder: String, train: [UInt8], test: [UInt8], in sandbox: CommandSandbox
  ) throws {
    for (part, labels) in [("train", train), ("t10k", test)] {
      let count = [0, 0, 0, UInt8(labels.count)]
      let pixels = labels.indices.flatMap { image in
        (0..<256).map { UInt8(truncatingIfNeeded: $0 * (image + 3) + Int(labels[image]) * 31) }
      }
      try sandbox.write(
        "\(folder)/\(part)-images-idx3-ubyte",
        Data([0, 0, 8, 3] + count + [0, 0, 0, 16, 0, 0, 0, 16] + pixels))
      try sandbox.write(
        "\(folder)/\(part)-labels-idx1-ubyte", Data([0, 0, 8, 1] + count + labels))
    }
  }

  // MARK: labels

  @Test(arguments: ["knn", "probe"])
  func classesThatDoNotExist(command: String) throws {
    let sandbox = try workplace()
    try writeIDX("idx", train: [0, 1, 2, 0, 1, 2], test: [0, 7], in: sandbox)
    try sandbox.writeClasses("classes")
    let bad = try sandbox.mae(command, "run", "idx")
    #expect(bad.status == 65 && bad.output.isEmpty, "\(bad.transcript)")
    #expect(
      bad.errors
        == "error: idx/t10k-labels-idx1-ubyte: has a class \"7\" that the other part of the set "
        + "lacks; that part has \"0\", \"1\", \"2\"\n")
    let other = try sandbox.mae(command, "run", "classes", "--test", "idx")
    #expect(other.status == 65 && other.errors.contains("that part has \"dark\""), "\(other)")
  }

  @Test func whatMayBeMeantIsNoted() throws {
    let sandbox = try workplace()
    try sandbox.writeClasses("classes")
    let same = try sandbox.done("knn", "run", "classes/train", "--test", "classes/train")
    #expect(same.errors.contains("note: 12 of 12 validation images are training images too"))
    // A set named to judge by gives its validation part, where it has one.
    let divided = try sandbox.done("knn", "run", "classes", "--test", "classes", "--neighbours", "3")
    #expect(divided.output.contains(" of 4 images, learned from 12 ") && divided.errors.isEmpty)
    try writeIDX("idx", train: [0, 1, 2, 0, 1, 2], test: [0, 1], in: sandbox)
    let lacking = try sandbox.done("probe", "run", "idx")
    #expect(lacking.errors.contains("no validation image is of 1 of the 3 classes (\"2\")"))
    // More neighbours than images.
    let all = try sandbox.done("knn", "run", "idx")
    #expect(
      all.errors.contains(
        "note: 20 neighbours are to vote and there are 6 images to learn from: all of them vote"))
    #expect(all.output.contains("(k 6, temperature 0.07"), "\(all.output)")
  }

  @Test func aTenthIsHeldBack() throws {
    let sandbox = try workplace()
    try writeMixed("undivided", classes: ["a", "b"], count: 20, in: sandbox)
    let note =
      "undivided has no validation part: 4 images, a tenth of each class, are held back for validation; "
      + "name others with "
    for command in ["knn", "probe"] {
      let judged = try sandbox.done(command, "run", "undivided")
      #expect(judged.errors.contains("note: \(note)--test\n"), "\(judged.transcript)")
      #expect(judged.output.contains(" of 4 images, learned from 36 ("), "\(judged.output)")
    }
  }

  @Test func fewLabels() throws {
    let sandbox = try workplace()
    try sandbox.writeClasses("classes")
    for command in ["knn", "probe"] {
      for (option, words) in [
        ("--per-class=2", "4, 2 a class ("), ("--fraction=0.5", "6, 50 % of the labels ("),
        ("--limit=3", "3 ("), ("--limit=100", "12 ("), ("--seed=4", "12 ("),
      ] {
        let outcome = try sandbox.done(command, "run", "classes", option)
        #expect(outcome.output.contains("learned from \(words)"), "\(outcome.output)")
      }
    }
    // No setting takes the place of another.
    try sandbox.done("knn", "run", "classes")
    try sandbox.done("knn", "run", "classes", "--neighbours", "1", "--pooling", "mean")
    let results = try #require(
      try JSONSerialization.jsonObject(with: sandbox.contents("run/results.json"))
        as? [String: Any])
    let judged = try #require(results["knn"] as? [String: [String: Any]])
    #expect(
      judged.keys.sorted() == [
        "classes", "classes, 100 images", "classes, 2 a class", "classes, 3 images",
        "classes, 50 % of the labels", "classes, mean, k 1", "classes, seed 4",
      ])
    #expect(judged["classes, 50 % of the labels"]?["labelShare"] as? Double == 0.5)
    #expect(try sandbox.text("run/report.html").contains("<td>6 (50.0 %)</td>"))

    for options in [
      ["--per-class", "1", "--limit", "3"], ["--fraction", "0"], ["--fraction", "1.5"],
      ["--per-class", "0"],
    ] {
      let outcome = try sandbox.mae(["knn", "run", "classes"] + options)
      #expect(outcome.status == 64, "\(outcome.transcript)")
    }
    let tooMany = try sandbox.mae("probe", "run", "classes", "--per-class", "50")
    #expect(tooMany.status == 65 && tooMany.errors.contains("6 images of class"))
  }

  // MARK: what is made

  /// A probe's classifier says what the probe said, here and in other programs' formats.
  @Test(arguments: ["class-token", "mean"])
  func probesBecomeClassifiers(pooling: String) throws {
    let sandbox = try workplace()
    try writeMixed("mixed/train", classes: ["a", "b", "c"], count: 9, in: sandbox)
    try writeMixed("mixed/val", classes: ["a", "b", "c"], count: 8, in: sandbox)
    let probe = try sandbox.done(
      "probe", "run", "mixed", "--pooling", pooling, "--out", "made/probe", "--per-class", "6")
    let match = try #require(probe.output.firstMatch(of: /top-1 ([\d.]+ %)/), "\(probe.output)")
    #expect(
      probe.output.hasSuffix(
        """
        wrote made/probe: a classifier of 3 classes
        Next: mae evaluate made/probe mixed, mae predict made/probe IMAGES

        """), "\(probe.output)")
    #expect(sandbox.names("made/probe") == ["model.json", "weights.safetensors"])
    let evaluated = try sandbox.done("evaluate", "made/probe", "mixed")
    #expect(evaluated.output.hasPrefix("top-1               \(match.1) "), "\(evaluated.output)")
    let csv = ["mixed/val", "--format", "csv"]
    let guesses = try sandbox.mae(["predict", "made/probe"] + csv)
    #expect(guesses.status == 0 && guesses.output.split(separator: "\n").count > 24)
    for format in pooling == "mean" ? ["timm"] : ["timm", "hf"] {
      try sandbox.done("weights", "export", "made/probe", "--format", format, "--out", format)
      #expect(try sandbox.mae(["predict", format] + csv).output == guesses.output)
    }
    try sandbox.done("weights", "export", "made/probe", "--format", "onnx", "--out", "probe.onnx")
    try sandbox.done("embed", "made/probe", "mixed/val", "--out", "rows.npy")
    // Nothing is replaced unasked.
    let again = try sandbox.mae("probe", "run", "mixed", "--out", "made/probe")
    #expect(again.status == 73 && again.output.isEmpty)
    try sandbox.done("probe", "run", "mixed", "--out", "made/probe", "--overwrite")
    // A classifier can be probed in its turn, unless it has no norm that a head could follow.
    try sandbox.done("probe", "made/probe", "mixed", "--out", "made/again")
    try sandbox.done(
      "finetune", "run", "mixed", "--out", "fine", "--set", "batch.size=4", "--set",
      "schedule.steps=1")
    try sandbox.done("probe", "fine", "mixed")
    let refused = try sandbox.mae("probe", "fine", "mixed", "--out", "made/fine")
    #expect(refused.status == 65 && refused.output.isEmpty && !sandbox.exists("made/fine"))
    #expect(refused.errors.contains("pools before its norm"), "\(refused.errors)")
  }

  /// Of a set that is not divided the images that were held back judge the classifier, too.
  @Test func probesRememberWhatTheyLearned() throws {
    let sandbox = try workplace()
    try writeMixed("undivided", classes: ["a", "b"], count: 30, in: sandbox)
    let probe = try sandbox.done("probe", "run", "undivided", "--seed", "3", "--out", "made")
    let match = try #require(probe.output.firstMatch(of: /top-1 ([\d.]+ %) of 6 images/))
    let evaluated = try sandbox.done("evaluate", "made", "undivided")
    #expect(evaluated.output.hasPrefix("top-1               \(match.1) "), "\(evaluated.output)")
    #expect(evaluated.errors.contains("the 6 of 60 that were held back are evaluated"))
    // Where a set judged that was named, all of the other was learned from.
    try sandbox.done(
      "probe", "run", "undivided", "--test", "undivided", "--out", "made", "--overwrite")
    let seen = try sandbox.done("evaluate", "made", "undivided")
    #expect(seen.errors.contains("the run was trained on these images"), "\(seen.transcript)")
    // A classifier is not lost where the result cannot be kept.
    try sandbox.write("run/results.json", "{\"probe\": 3}")
    let lost = try sandbox.mae("probe", "run", "undivided", "--out", "another")
    #expect(lost.status == 65 && lost.errors.contains("run/results.json: "), "\(lost.transcript)")
    #expect(sandbox.exists("another/weights.safetensors"))
  }

  /// Somebody else's encoder, in a folder that may not be written.
  @Test(.enabled(if: SmallDisk.isAllowed, "only root may mount a small disk"))
  func encodersThatMayOnlyBeRead() throws {
    let sandbox = try workplace()
    try sandbox.writeClasses("classes")
    let disk = try SmallDisk(at: sandbox("shared"), kilobytes: 2000)
    try sandbox.copy(sandbox("run"), to: "shared/run")
    try disk.freeze()
    for arguments in [
      ["knn", "shared/run", "classes", "--neighbours", "3"], ["probe", "shared/run", "classes"],
      [
        "finetune", "shared/run", "classes", "--out", "fine", "--set", "batch.size=4", "--set",
        "schedule.steps=1",
      ],
    ] {
      let outcome = try sandbox.mae(arguments)
      let said = outcome.output + outcome.errors
      #expect(outcome.status == 0 && outcome.output.contains("top-1 "), "\(outcome.transcript)")
      #expect(
        said.contains("note: shared/run/") && said.contains("the result is not kept in shared/run"),
        "\(outcome.transcript)")
    }
    #expect(try sandbox.text("fine/train.log").contains("Next: mae evaluate fine classes"))
    #expect(sandbox.exists("fine/results.json") && sandbox.exists("fine/report.html"))
  }
}
