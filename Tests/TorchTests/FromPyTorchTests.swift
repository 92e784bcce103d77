import Foundation
import Testing

/// `Documentation/FromPyTorch.md` is made from the sources of `Torch`: each operator's name in its
/// `Ops` and the public declarations that call it. `UPDATE_DOCUMENTATION=1 swift test --filter
/// FromPyTorch` writes it anew.
@Suite struct FromPyTorchTests {
  private static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
    url.deletingLastPathComponent()
  }

  @Test func `the page is what the sources say`() throws {
    let sources = Self.root.appendingPathComponent("Sources/Torch")
    let names = try FileManager.default.contentsOfDirectory(atPath: sources.path).sorted()
    let files = try names.filter { $0.hasSuffix(".swift") && $0 != "Op.swift" }.map {
      try String(contentsOf: sources.appendingPathComponent($0), encoding: .utf8)
    }
    let page = PyTorchTable(files).page
    let place = Self.root.appendingPathComponent("Documentation/FromPyTorch.md")
    if ProcessInfo.processInfo.environment["UPDATE_DOCUMENTATION"] == "1" {
      try page.write(to: place, atomically: true, encoding: .utf8)
    }
    let committed = (try? String(contentsOf: place, encoding: .utf8)) ?? ""
    #expect(
      committed == page,
      "write it anew: UPDATE_DOCUMENTATION=1 swift test --filter FromPyTorchTests")
  }

  @Test func `declarations are read with their labels`() {
    let table = PyTorchTable([
      """
      extension Tensor {
        private enum Ops {
          static let roll = Op("roll")
          static let add = Op("add", "Tensor")
          static let copy_ = Op("copy_")
          static let nearest = Op("upsample_nearest2d")
        }
        /// Moved by
        /// some places.  And more.
        public func rolled(
          by places: Int, _ other: [Int] = [], along dimension: Int = 0, file: StaticString = #fileID
        ) -> Tensor {
          Ops.roll(self, [places])
        }

        /// A sum.
        public static func + (a: Tensor, b: Tensor) -> Tensor { Ops.add(a, b) }
        public func copy(_ other: Tensor) -> Tensor { helper(other) }
        private func helper(_ other: Tensor) -> Tensor { Ops.copy_(self, other) }
        public static func grow(rows: Int) -> Tensor { Ops.nearest(rows) }
      }
      """
    ])
    #expect(
      table.rows.map { "\($0.theirs): \($0.ours.joined(separator: ", "))" } == [
        "add: a + b", "copy_: copy(_:)", "roll: rolled(by:_:along:)",
        "upsample_nearest2d: Tensor.grow(rows:)",
      ])
    #expect(table.rows[2].summary == "Moved by some places.")
  }
}

/// What PyTorch's operators are called here.
struct PyTorchTable {
  struct Row {
    var theirs: String
    var ours: [String]
    var summary: String
  }

  private(set) var rows: [Row] = []

  /// The names of the enumerations that operators are kept in.
  private static let tables = ["Ops", "Joining"]

  /// A declaration with the comment before it and its body.
  private struct Declaration {
    var name: String  // as code calls it
    var shown: String  // as the page shows it
    var isPublic: Bool
    var summary: String
    var body: String
  }

  init(_ files: [String]) {
    var found: [String: Row] = [:]
    for file in files {
      let declarations = Self.declarations(of: file)
      for match in file.matches(of: /static let (\w+)\s*=\s*Op\(\s*"(\w+)"/) {
        let operation = "\(match.1)"
        var callers = Set<Int>()
        // Who calls it, and who calls those that are private.
        var waiting = declarations.indices.filter { index in
          Self.tables.contains { table in
            ["(", ".all("].contains {
              declarations[index].body.contains("\(table).\(operation)\($0)")
            }
          }
        }
        while let caller = waiting.popLast() {
          guard callers.insert(caller).inserted, !declarations[caller].isPublic else { continue }
          let call = "\(declarations[caller].name)("
          waiting += declarations.indices.filter { declarations[$0].body.contains(call) }
        }
        for caller in callers.sorted() where declarations[caller].isPublic {
          let declaration = declarations[caller]
          var row =
            found["\(match.2)"] ?? Row(theirs: "\(match.2)", ours: [], summary: "")
          if !row.ours.contains(declaration.shown) { row.ours.append(declaration.shown) }
          if row.summary.isEmpty { row.summary = declaration.summary }
          found["\(match.2)"] = row
        }
      }
    }
    rows = found.values.sorted { $0.theirs < $1.theirs }
  }

  private static func declarations(of file: String) -> [Declaration] {
    let lines = file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var result: [Declaration] = []
    var comment: [String] = []
    var index = 0
    while index < lines.count {
      let line = lines[index].trimmingCharacters(in: .whitespaces)
      index += 1
      if line.hasPrefix("///") {
        comment.append(line.dropFirst(3).trimmingCharacters(in: .whitespaces))
        continue
      }
      if line.hasPrefix("@") { continue }
      defer { comment = [] }
      guard
        let match = line.prefixMatch(
          of: /(public |private |fileprivate )?(static )?(prefix )?(func|subscript|init)\b/)
      else { continue }
      // The whole of it: up to where its braces are closed again.
      var text = line
      while !isWhole(text), index < lines.count {
        text += "\n" + lines[index]
        index += 1
      }
      let end = text.firstIndex(of: "{") ?? text.endIndex
      let head = text[..<end].replacing("\n", with: " ")
      let rest = head[match.range.upperBound...].trimmingCharacters(in: .whitespaces)
      let isStatic = match.output.2 != nil
      let kind = "\(match.output.4)"
      let name = kind == "func" ? String(rest.prefix { $0 != "(" && $0 != " " }) : kind
      result.append(
        Declaration(
          name: name.replacing("`", with: ""),
          shown: shown(
            name.replacing("`", with: ""), kind: kind, isStatic: isStatic,
            isPrefix: match.output.3 != nil, head: rest),
          isPublic: match.output.1 == "public ", summary: sentence(comment),
          body: String(text[end...])))
    }
    return result
  }

  /// Whether every brace of a declaration is closed, and it has at least one.
  private static func isWhole(_ text: String) -> Bool {
    let (open, closed) = (text.count { $0 == "{" }, text.count { $0 == "}" })
    return open > 0 && open == closed
  }

  /// `rolled(by:along:)`, `Tensor.rand(_:using:dtype:)`, `a + b`, `x[…]`.
  private static func shown(
    _ name: String, kind: String, isStatic: Bool, isPrefix: Bool, head: String
  ) -> String {
    if kind == "subscript" { return "x[…]" }
    let isOperator = name.first.map { !$0.isLetter } ?? false
    if isOperator { return isPrefix ? "\(name)a" : "a \(name) b" }
    // Parameters lie between the first parenthesis and the one that closes it.
    var depth = 0
    var parameters = [""]
    for character in head.drop(while: { $0 != "(" }) {
      if character == ")" || character == "]" { depth -= 1 }
      if depth == 0, character == ")" { break }
      if depth == 1, character == "," {
        parameters.append("")
      } else if depth >= 1 {
        parameters[parameters.count - 1].append(character)
      }
      if character == "(" || character == "[" { depth += 1 }
    }
    let labels = parameters.map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }.map { $0.prefix { $0 != " " && $0 != ":" } }
      .filter { $0 != "file" && $0 != "line" }
    let text = "\(name)(\(labels.map { "\($0):" }.joined()))"
    return isStatic ? "Tensor." + text : text
  }

  /// The first sentence of a comment.
  private static func sentence(_ comment: [String]) -> String {
    let paragraph = comment.prefix { !$0.isEmpty }.joined(separator: " ")
    let end = paragraph.firstMatch(of: /[.:;](\s|$)/)?.range.lowerBound ?? paragraph.endIndex
    return paragraph[..<end].replacing("``", with: "`") + "."
  }

  /// The whole page.
  var page: String {
    let table = rows.map { row in
      let ours = row.ours.map { "`\($0.replacing("|", with: "\\|"))`" }.joined(separator: ", ")
      return "| `\(row.theirs)` | \(ours) | \(row.summary.replacing("|", with: "\\|")) |"
    }
    return """
      # From PyTorch

      What PyTorch's operators are called here. The table is made from the operators themselves (the `Ops` of `Sources/Torch`) by
      `UPDATE_DOCUMENTATION=1 swift test --filter FromPyTorchTests`; a test compares it with them.

      - A verb that gives a new tensor becomes a participle: `reshape` → `reshaped`, `gather` → `gathered`. One that ends in `_` and changes
        the tensor is the bare verb: `add_` → `add`. Nouns and mathematics stay: `argsort`, `softmax`, `exp`, `conv2d`.
      - `dim` is `along:`, `keepdim` is `keepingDimensions:`, `eps` is `epsilon:`. Whatever computes is a function.
      - Comparisons are written with a dot, as for SIMD vectors: `a .< b`, `a .== 0`, `(a .> 0) .& (a .< 1)`.
      - An operator that has no name here is one line: `Op("erf")(x)`, with the name and overload of its schema.

      | PyTorch | here |
      |---|---|
      | `x[0]`, `x[-1]`, `x[1:3]`, `x[2:]` | `x[0]`, `x[-1]`, `x[1..<3]`, `x[2...]` |
      | `x[:, 0]`, `x[..., 0]`, `x[:, None]` | `x[.all, 0]`, `x[..., 0]`, `x[.all, .newAxis]` |
      | `x[1:-1]`, `x[::2]` | `x[.stride(from: 1, to: -1)]`, `x[.stride(by: 2)]` |
      | `x[x > 0]`, `x[torch.tensor([2, 0])]` | `x[x .> 0]`, `x[Tensor([2, 0])]` |
      | `x[:, 0] = y` | `x[.all, 0] = y` |
      | `x.item()`, `x.tolist()` | `x.item()`, `x.floats()`, `x.array(of: Int.self)` |
      | `x.requires_grad_()`, `x.grad`, `x.backward()` | `x.requiresGradient = true`, `x.gradient`, `x.backward()` |
      | `with torch.no_grad():` | `withoutGradients { … }` |
      | `torch.autograd.Function` | `Tensor.function(value, of: inputs) { gradient in … }` |
      | `torch.utils.checkpoint` | `Tensor.recomputed(x) { … }` |
      | `with torch.autocast("cpu", torch.bfloat16):` | `withAutocast(to: .bfloat16, on: .cpu) { … }` |
      | `torch.Generator().manual_seed(0)` | `Generator(seed: 0)` |
      | `torch.device("cuda:1")`, `"meta"` | `Device(.cuda, index: 1)`, `Device.meta` |
      | `nn.Parameter`, `register_buffer` | `scope.parameter(…)`, `scope.buffer(…)` |
      | `nn.Linear`, `nn.LayerNorm`, `nn.GroupNorm`, `nn.BatchNorm2d` | `Linear`, `LayerNorm`, `GroupNorm`, `BatchNorm2d` |
      | `nn.Conv2d`, `nn.ConvTranspose2d` | `Conv2d`, `ConvTranspose2d` |
      | `optim.AdamW`, `optim.SGD`, `clip_grad_norm_` | `AdamW`, `SGD`, `clipGradients(of:to:)` |

      ## Operators

      | PyTorch | here | what it does |
      |---|---|---|
      \(table.joined(separator: "\n"))

      """
  }
}
