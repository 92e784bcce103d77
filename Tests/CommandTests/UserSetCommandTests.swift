import Foundation
import Imaging
import TestSupport
import Testing

/// Sets as people have them, through all commands.
@Suite struct UserSetCommandTests {
  /// Names that a careless output breaks at.
  private static let strange = ["say \"hi\"", "two\nlines", "🐈, gray"]

  /// A set whose classes and files have strange names, split in two.
  private func writeStrange(_ sandbox: CommandSandbox) throws {
    for (number, name) in Self.strange.enumerated() {
      for i in 0..<3 {
        let part = i == 2 ? "val" : "train"
        try sandbox.writeImage("set/\(part)/\(name)/\(i) \(name).png", seed: 10 * number + i)
      }
    }
  }

  /// Rows of comma-separated values (RFC 4180), as another program reads them.
  private func rows(_ text: String) -> [[String]] {
    var rows: [[String]] = [[]]
    var value = ""
    var isQuoted = false
    for character in text {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        rows[rows.count - 1].append(value)
        value = ""
      case "\n" where !isQuoted:
        rows[rows.count - 1].append(value)
        value = ""
        rows.append([])
      default: value.append(character)
      }
    }
    return rows.dropLast()
  }

  @Test func `names with line breaks, quotes and emoji pass through every output`() throws {
    let sandbox = try CommandSandbox()
    try writeStrange(sandbox)
    try sandbox.writeTinyRecipe()
    try sandbox.done("pretrain", "set", "--recipe", "tiny.yaml", "--out", "run")
    try sandbox.done(
      "finetune", "run", "set", "--out", "fine", "--set", "batch.size=3", "--set",
      "schedule.epochs=1", "--set", "data.workers=1", "--set", "schedule.warmupEpochs=0.5")
    let names = Self.strange.sorted().map { "set/val/\($0)/2 \($0).png" }

    let csv = try sandbox.done("predict", "fine", "set/val", "--format", "csv", "--top", "1")
    // Quotes inside quotes are lost to this reader; the names are told by the rest.
    func plain(_ text: String) -> String { text.replacing("\"", with: "") }
    #expect(rows(csv.output).dropFirst().map { $0[0] } == names.map(plain), "\(csv.output)")
    #expect(rows(csv.output).allSatisfy { $0.count == 4 })

    let json = try sandbox.done("predict", "fine", "set/val", "--format", "json").output
    let found = try #require(
      JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
    #expect(found.compactMap { $0["image"] as? String } == names)
    let guesses = found.compactMap { $0["predictions"] as? [[String: Any]] }.joined()
    #expect(Set(guesses.compactMap { $0["label"] as? String }) == Set(Self.strange))
    let objects = try sandbox.done("predict", "fine", "set/val", "--format", "jsonl").output
    #expect(objects.split(separator: "\n").count == 3)
    let table = try sandbox.done("predict", "fine", "set/val").output
    #expect(table.split(separator: "\n").count == 3, "\(table)")

    try sandbox.done("embed", "run", "set/val", "--out", "e.npy")
    let list = try sandbox.text("e.txt").split(separator: "\n")
    #expect(list.count == 3 && list[1].contains("two\\nlines"), "\(list)")
    try sandbox.done("embed", "run", "set/val", "--out", "e.csv")
    #expect(rows(try sandbox.text("e.csv")).dropFirst().map { $0[0] } == names.map(plain))

    let inspected = try sandbox.done("data", "inspect", "set").output
    let classes = inspected.split(separator: "\n").filter { $0.hasPrefix("classes  3: ") }
    #expect(classes.count == 1 && inspected.contains("two\\nlines 2"), "\(inspected)")
    #expect(inspected.contains("say \"hi\" 2") && inspected.contains("🐈, gray 2"))
    try sandbox.done("data", "pack", "set", "--out", "shards")
    let packed = try sandbox.done("data", "inspect", "shards").output
    #expect(packed.split(separator: "\n").contains(classes[0]), "\(packed)")

    let page = try sandbox.text("fine/report.html")
    #expect(!page.contains("say \"hi\""))
    try sandbox.done("evaluate", "fine", "set", "--confusion", "c.csv")
    let confusion = rows(try sandbox.text("c.csv"))
    #expect(confusion.count == 4 && confusion.allSatisfy { $0.count == 4 }, "\(confusion)")
    // A broken file with such a name is one line.
    try sandbox.write("set/val/two\nlines/a\nb.png", "text")
    let broken = try sandbox.mae("data", "inspect", "set", "--validation").output
    let lines = broken.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("broken   two\\nlines/a\\nb.png:") }, "\(broken)")
  }

  @Test func `sets of one class and labels that begin with 1`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    try sandbox.writeImages("one/only", count: 6)
    let one = try sandbox.done("data", "inspect", "one")
    #expect(one.output.contains("classes  1: only 6"))
    try sandbox.done("pretrain", "one", "--recipe", "tiny.yaml", "--out", "run")
    let refused = try sandbox.mae("knn", "run", "one")
    #expect(refused.status == 65, "\(refused.transcript)")
    #expect(refused.errors.contains("has one class only (only)"), "\(refused.errors)")
    let list = (0..<6).map { "one/only/0\($0).png \(1 + $0 % 2)" }.joined(separator: "\n")
    try sandbox.write("list.txt", list)
    let found = try sandbox.done(
      "knn", "run", "list.txt", "--test", "list.txt", "--neighbours", "1")
    #expect(found.output.contains("100.00 %"), "\(found.transcript)")
  }

  @Test func `12 bits of data in files of 16`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    for i in 0..<8 {
      let samples = (0..<256).map { UInt16(($0 * (i + 3) * 16) % 4096) }
      let bytes = SixteenBitFile.png(samples, width: 16, height: 16)
      try sandbox.write("set/\(i % 2 == 0 ? "a" : "b")/\(i).png", Data(bytes))
    }
    let inspected = try sandbox.done("data", "inspect", "set").output
    #expect(inspected.contains("of 0…65535 used: 16 gray levels of 256 left; give data.valueRange"))
    try sandbox.done(
      "pretrain", "set", "--recipe", "tiny.yaml", "--out", "run", "--set",
      "data.valueRange=computed", "--set", "data.normalization=computed")
    func range(_ run: String) throws -> [Int]? {
      let json = try JSONSerialization.jsonObject(with: sandbox.contents("\(run)/model.json"))
      return (json as? [String: Any])?["valueRange"] as? [Int]
    }
    #expect(try range("run") == [0, 4080])
    #expect(try sandbox.text("run/recipe.yaml").contains("valueRange: [0, 4080]"))
    // A classifier takes it from its encoder.
    try sandbox.done(
      "finetune", "run", "set", "--out", "fine", "--set", "batch.size=2", "--set",
      "schedule.epochs=1", "--set", "data.workers=1", "--set", "schedule.warmupEpochs=0.5")
    #expect(try range("fine") == [0, 4080])
    try sandbox.done("probe", "run", "set", "--out", "probed")
    #expect(try range("probed") == [0, 4080])
    let shown = try sandbox.done("weights", "inspect", "fine").output
    #expect(shown.contains("0 to 4080 of 16 bits from black to white"), "\(shown)")
    // Another range gives other numbers; the model's own gives the same.
    func embedding(_ more: String...) throws -> Data {
      let outcome = try sandbox.mae(
        ["embed", "run", "set", "--out", "e.npy", "--overwrite"] + more)
      try #require(outcome.status == 0, "\(outcome.transcript)")
      return try sandbox.contents("e.npy")
    }
    let own = try embedding()
    #expect(try embedding("--value-range", "0", "4080") == own)
    #expect(try embedding("--value-range", "0", "65535") != own)
    // Resumed with what was measured; another range is refused.
    try sandbox.done(
      "pretrain", "set", "--recipe", "tiny.yaml", "--out", "run", "--resume", "--set",
      "data.valueRange=computed", "--set", "data.normalization=computed")
    let other = try sandbox.mae(
      "pretrain", "set", "--out", "run", "--resume", "--set", "data.valueRange=full")
    #expect(other.status == 78 && other.errors.contains("data.valueRange is full and the run has"))
    let wrong = try sandbox.mae("embed", "run", "set", "--out", "x.npy", "--value-range", "9", "9")
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("--value-range is 9 9; expected two numbers from 0 to 65535"))
    try sandbox.writeImages("bytes", count: 4)
    let bytes = try sandbox.mae(
      "pretrain", "bytes", "--recipe", "tiny.yaml", "--out", "other", "--set",
      "data.valueRange=computed")
    #expect(bytes.status == 78)
    #expect(
      bytes.errors.contains(
        "data.valueRange is computed, and the images of bytes have 8 bits a sample"),
      "\(bytes.errors)")
  }

  @Test func `columns of a list are named in every command`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.writeTinyRecipe()
    try sandbox.writeImages("photos", count: 8)
    let rows = (0..<8).map { "\($0);photos/0\($0).png;\($0 % 2 == 0 ? "pug" : "corgi")" }
    try sandbox.write("dogs.csv", "n;photo;what is it\n" + rows.joined(separator: "\n"))
    let columns = "dogs.csv:image=photo,label=what is it"
    let inspected = try sandbox.done("data", "inspect", columns).output
    #expect(inspected.contains("classes  2: corgi 4, pug 4"), "\(inspected)")
    try sandbox.done("pretrain", columns, "--recipe", "tiny.yaml", "--out", "run")
    try sandbox.done("pretrain", columns, "--recipe", "tiny.yaml", "--out", "run", "--resume")
    try sandbox.done("knn", "run", columns, "--test", columns, "--neighbours", "1")
    let predicted = try sandbox.done("embed", "run", columns, "--out", "e.npy")
    #expect(predicted.errors.isEmpty, "\(predicted.errors)")
    #expect(try sandbox.text("e.txt").hasPrefix("photos/00.png\tpug\n"))
    let wrong = try sandbox.mae("knn", "run", "dogs.csv:image=photo,label=breed")
    #expect(wrong.status == 65, "\(wrong.transcript)")
    #expect(
      wrong.errors
        == "error: dogs.csv: has no column \"breed\"; its first line has \"n\", \"photo\", "
        + "\"what is it\"\n", "\(wrong.errors)")
  }
}
