import Foundation
import TestSupport
import Testing

/// The tutorials of Documentation/Tutorials: every line of theirs is run, in the order of the page.
@Suite struct TutorialTests {
  /// A page, what is there before it begins, and how its lines are made small.
  ///
  /// What is run is what is printed, but for sizes: words of the page that stand for others here,
  /// and words that are added behind lines that begin in a certain way.
  struct Tutorial: Sendable, CustomTestStringConvertible {
    var page: String
    var begin: @Sendable (CommandSandbox) throws -> Void
    var replaced: [String: String] = [:]
    var added: [String: [String]] = [:]
    var testDescription: String { page }
  }

  static let tutorials = [
    Tutorial(
      page: "PhotosWithoutLabels", begin: { try $0.writePhotos() },
      replaced: ["--hours 2": "--recipe tiny.yaml"],
      added: ["pretrain photos/ --out runs/small": smallModel]),
    Tutorial(
      page: "FewLabels",
      begin: { sandbox in
        try sandbox.writeEncoder()
        try sandbox.writeImages("new-photos", count: 3, seed: 2)
      },
      added: ["finetune": shortTuning, "scratch": shortTuning]),
    Tutorial(
      page: "WeightsFromPyTorch",
      begin: { sandbox in
        try sandbox.writeEncoder()
        for name in ["config.json", "model.safetensors"] {
          try sandbox.write(
            "vit-mae-base/\(name)",
            Data(contentsOf: URL(fileURLWithPath: Goldens.path("vit-mae/pixels/\(name)"))))
        }
        try sandbox.copy(
          Goldens.path("vit-mae/pixels/golden.safetensors"), to: "inputs.safetensors")
      },
      replaced: ["--size 448": "--size 48"], added: ["finetune": shortTuning]),
    Tutorial(
      page: "ThePapersTables",
      begin: { sandbox in
        try sandbox.writePhotos()
        try sandbox.writeClasses("flowers", named: ("daisy", "tulip"))
        try sandbox.copy(sandbox("flowers"), to: "IMAGENET")
      },
      added: [
        "ablate 1f --dry-run": ["--data", "flowers"],
        "ablate 1f --out":
          ["--data", "flowers"] + set(smallShape + ["schedule.steps=4", "batch.size=4"])
          + [
            "--set-finetune", "labels.fraction=1", "--set-finetune", "batch.size=4",
            "--set-finetune", "schedule.steps=4",
          ],
        "pretrain": smallModel, "finetune": shortTuning,
      ]),
    Tutorial(
      page: "NewMaskOrTarget",
      begin: { sandbox in
        try sandbox.writePhotos()
        try sandbox.writeClasses("flowers", named: ("daisy", "tulip"))
      },
      // The program has the page's strategy once its line is in the list.
      replaced: ["masking.strategy=columns": "masking.strategy=grid"],
      added: ["pretrain": smallModel]),
  ]

  static func set(_ fields: [String]) -> [String] { fields.flatMap { ["--set", $0] } }
  static let smallShape = [
    "model.height=16", "model.width=16", "model.encoder={width: 16, depth: 1, heads: 2}",
    "model.decoder={width: 16, depth: 1, heads: 2}", "data.workers=1",
  ]
  static let smallModel = set(
    smallShape + ["batch.size=4", "schedule.epochs=2", "schedule.warmupEpochs=1"])
  static let shortTuning = set([
    "batch.size=4", "schedule.epochs=2", "schedule.warmupEpochs=1", "data.workers=1",
  ])

  @Test(arguments: tutorials)
  func `every line of a tutorial runs, and prints what the page says`(_ tutorial: Tutorial) throws {
    let sandbox = try CommandSandbox()
    try tutorial.begin(sandbox)
    var unused = Set(tutorial.replaced.keys).union(tutorial.added.keys)
    var printed = ""
    for block in try TutorialPage(tutorial.page).blocks {
      switch block.language {
      case "sh":
        printed = ""
        for line in block.commands {
          var (text, more) = (line, [] as [String])
          for (words, others) in tutorial.replaced where text.contains(words) {
            text = text.replacing(words, with: others)
            unused.remove(words)
          }
          let starts = tutorial.added.keys.filter { line.hasPrefix("mae " + $0) }
          if let start = starts.max(by: { $0.count < $1.count }) {
            more = tutorial.added[start] ?? []
            unused.remove(start)
          }
          let words = text.split(separator: " ").map(String.init)
          try #require(words.first == "mae", "\(tutorial.page): \(line) is not a line of mae")
          let outcome = try sandbox.mae(words.dropFirst() + more)
          try #require(outcome.status == 0, "\(tutorial.page): \(line)\n\(outcome.transcript)")
          printed += outcome.output + outcome.errors
        }
      case "text":
        for line in block.lines {
          let pattern = try Regex(TutorialPage.pattern(of: line))
          let isThere = printed.split(separator: "\n").contains {
            $0.firstMatch(of: pattern) != nil
          }
          #expect(isThere, "\(tutorial.page) says that this is printed:\n\(line)\n\n\(printed)")
        }
      case "python":
        // Exports write the lines that load them.
        let cards = try ["vit-mae-mine", "flowers-timm"].map { try sandbox.text("\($0)/README.md") }
        #expect(cards.contains { $0.contains(block.lines.joined(separator: "\n")) })
      default:  // swift and diff: ReadmeTests compiles them
        #expect(["swift", "diff"].contains(block.language), "\(tutorial.page): \(block.language)")
      }
    }
    #expect(unused.isEmpty, "no line of \(tutorial.page) has \(unused.sorted())")
  }

  @Test func `every tutorial is run`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: TutorialPage.folder.path)
    #expect(names.sorted() == Self.tutorials.map { $0.page + ".md" }.sorted())
  }
}

/// A tutorial as its blocks of code.
private struct TutorialPage {
  struct Block {
    var language: String
    var lines: [String]

    /// The lines of a shell, continued ones joined, without what is behind `#`.
    var commands: [String] {
      lines.joined(separator: "\n").replacing("\\\n", with: " ").split(separator: "\n")
        .map { $0.components(separatedBy: " #")[0].trimmingCharacters(in: .whitespaces) }
    }
  }

  static let folder = (0..<3)
    .reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    .appendingPathComponent("Documentation/Tutorials")

  var blocks: [Block] = []

  init(_ name: String) throws {
    let url = Self.folder.appendingPathComponent(name + ".md")
    var open: Block?
    for line in try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        if let block = open { blocks.append(block) }
        open = open == nil ? Block(language: String(line.dropFirst(3)), lines: []) : nil
      } else {
        open?.lines.append(line)
      }
    }
    #expect(open == nil && !blocks.isEmpty, "\(name) has a block without an end, or none")
  }

  /// A printed line as a pattern: every number stands for any, an ellipsis for anything, and blanks
  /// for blanks.
  static func pattern(of line: String) -> String {
    var pattern = "^"
    var rest = Substring(line)
    while let first = rest.first {
      if let number = rest.prefixMatch(of: /\d[\d.,]*(e-?\d+)?/) {
        pattern += #"\d[\d.,]*(e-?\d+)?"#
        rest = rest[number.range.upperBound...]
      } else if let blanks = rest.prefixMatch(of: #/ +/#) {
        pattern += " +"
        rest = rest[blanks.range.upperBound...]
      } else {
        let isWord = first.isLetter || first == "_"
        pattern +=
          first == "…" ? ".*" : isWord ? "\(first)" : first.isASCII ? "\\\(first)" : "\(first)"
        rest = rest.dropFirst()
      }
    }
    return pattern
  }
}

extension CommandSandbox {
  /// A folder of photos and the recipe that trains on them in a moment.
  fileprivate func writePhotos() throws {
    try writeImages("photos", count: 12)
    try writeTinyRecipe()
  }

  /// Photos, a run of pre-training on them, and labelled pictures.
  fileprivate func writeEncoder() throws {
    try writePhotos()
    try done("pretrain", "photos", "--recipe", "tiny.yaml", "--out", "runs/photos")
    try writeClasses("flowers", named: ("daisy", "tulip"))
  }
}
