import Foundation
import Testing
import Training
@testable import RecipeSyntax
@testable import Recipes

/// Files that are no recipes: each is refused in one line, at once.
@Suite struct OverlayHostileTests {
  static func message(_ text: String) -> String {
    do {
      _ = try RecipeBooks.pretraining.standard.changed(
        by: RecipeFile(parsing: text, source: "r.yaml"))
      return "accepted"
    } catch { return error.description }
  }

  @Test(arguments: [
    ("", "r.yaml is empty; expected fields, such as `schedule: {epochs: 50}`"),
    ("# nothing\n", "r.yaml is empty; expected fields, such as `schedule: {epochs: 50}`"),
    ("- 1\n- 2\n", "r.yaml holds [1, 2]; expected fields with values"),
    ("just words", "r.yaml holds just words; expected fields with values"),
    ("name: a\nname: b\n", "r.yaml gives name twice, at line 1"),
    ("? [a]\n: 1\n", "r.yaml has a field name that is no single word, at line 1"),
    ("a: [1, 2", "r.yaml is not valid YAML: did not find expected ',' or ']' at line 2, column 1"),
    ("name: *x", "r.yaml is not valid YAML: found undefined alias at line 1, column 7"),
    (
      "name: a\n---\nname: b\n",
      "r.yaml is not valid YAML: but found another document at line 2, "
        + "column 1"
    ),
    ("\u{1}\u{2}\u{3}", "r.yaml is not a text file: control characters are not allowed"),
    ("name: a\0b", "r.yaml is not a text file: control characters are not allowed"),
    ("base: [x]\n", "base is [x]; expected a recipe's name (r.yaml)"),
    (
      "<<: {seed: 1}\n",
      "<< does not exist; a recipe has name, note, seed, model, masking, loss, "
        + "data, optimizer, batch, schedule, precision, memory, checkpoints and logging (r.yaml, line 1)"
    ),
  ])
  func refused(text: String, message: String) {
    #expect(Self.message(text) == message)
  }

  @Test func `bombs are refused before they go off`() {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for i in 1...30 {
      let uses = Array(repeating: "*a\(i - 1)", count: 9).joined(separator: ", ")
      bomb += "a\(i): &a\(i) [\(uses)]\n"
    }
    #expect(
      Self.message(bomb) == "r.yaml uses too many YAML aliases (*name); write the values out")
    let key = bomb + "? *a30\n: 1\n"
    #expect(Self.message(key).contains("aliases"))
  }

  @Test func `size and depth have limits`() {
    let many = "name: [" + String(repeating: "1,", count: 50_000) + "1]"
    #expect(Self.message(many) == "r.yaml holds too many values for a recipe")
    let large = "name: " + String(repeating: "x", count: 300_000)
    #expect(Self.message(large) == "r.yaml is too large for a recipe: over 256 KiB")
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
      let deep =
        "name: " + String(repeating: open, count: 200) + "1" + String(repeating: close, count: 200)
      #expect(Self.message(deep) == "r.yaml is nested too deeply for a recipe")
      let deeper = "name: " + String(repeating: open, count: 50_000)
      #expect(!Self.message(deeper).contains("\n"))
      #expect(Self.message(deeper) != "accepted")
    }
    let dashes = String(repeating: "- ", count: 100_000) + "1"
    #expect(!Self.message(dashes).contains("\n"))
  }

  @Test func `long values are shortened`() {
    let message = Self.message("precision: " + String(repeating: "x", count: 10_000))
    #expect(message.count < 200)
    #expect(message.contains("…"))
  }

  @Test func `files that cannot be read`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "recipe-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func error(_ path: String) -> RecipeErrors? {
      do throws(RecipeErrors) {
        _ = try RecipeFile(at: path)
        return nil
      } catch { return error }
    }
    let missing = folder.path + "/none.yaml"
    #expect(error(missing)?.description == "\(missing) does not exist; expected a recipe file")
    #expect(error(missing)?.isMissingFile == true)
    #expect(error(folder.path)?.description.contains("is a folder") == true)
    #expect(error(folder.path)?.isMissingFile == false)
    let binary = folder.appending(path: "b.yaml")
    try Data([0x89, 0x50, 0xFF, 0xFE, 0x00]).write(to: binary)
    #expect(error(binary.path)?.description == "\(binary.path) is not a text file in UTF-8")
    let huge = folder.appending(path: "h.yaml")
    try Data(repeating: 0x20, count: 400_000).write(to: huge)
    #expect(
      error(huge.path)?.description == "\(huge.path) is too large for a recipe: over 256 KiB")
    #expect(error("/dev/zero")?.description.contains("too large") == true)
  }
}
