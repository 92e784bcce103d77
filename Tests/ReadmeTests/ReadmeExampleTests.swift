import ArgumentParser
import Datasets
import DenseHeads
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import TensorFiles
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import mae

/// The repository's texts and the program they speak of.
struct Texts {
  // Tests/ReadmeTests/ReadmeExampleTests.swift → the root of the repository
  static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
    url.deletingLastPathComponent()
  }

  static func path(_ name: String) -> String { root.appendingPathComponent(name).path }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The blocks of a language in a Markdown text, without their fences.
  static func blocks(_ language: String, in text: String) -> [String] {
    text.components(separatedBy: "\n```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```").first
    }
  }

  /// Every page that is written for people.
  static func pages() throws -> [String] {
    let folders = ["", "/Decisions", "/Results", "/Tutorials"].map { "Documentation" + $0 }
    return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
      + (try folders.flatMap { folder in
        try FileManager.default.contentsOfDirectory(
          atPath: root.appendingPathComponent(folder).path
        ).filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
      })
  }

  /// Checks that the lines a diff changes are in the file that it names.
  static func expectFits(_ diff: String) throws {
    let lines = diff.split(separator: "\n", omittingEmptySubsequences: false)
    let path = try #require(lines.first { $0.hasPrefix("+++ b/") }).dropFirst(6)
    let old = lines.dropFirst(2).filter { !$0.hasPrefix("+") }.map { $0.dropFirst() }
      .joined(separator: "\n")
    #expect(try text(String(path)).contains(old), "\(path) has no lines\n\(old)")
  }

  /// The `mae …` lines of a page's shell blocks, continued lines joined, as words.
  static func commands(of page: String) throws -> [[String]] {
    try blocks("sh", in: text(page)).flatMap { block in
      block.replacingOccurrences(of: "\\\n", with: " ").split(separator: "\n").compactMap { line in
        let command = line.components(separatedBy: " #")[0]
        let words = command.split(separator: " ").map(String.init)
        return words.first == "mae" ? Array(words.dropFirst()) : nil
      }
    }
  }
}

@Suite struct ReadmeExampleTests {
  @Test(arguments: [
    ("UseExample.swift", "README.md"), ("UseExample.swift", "Documentation/Library.md"),
    ("EmbedExample.swift", "Documentation/Library.md"),
    ("TrainExample.swift", "Documentation/Library.md"),
    ("ModelsExample.swift", "Documentation/Library.md"),
  ])
  func `a page shows the code that is tested here`(file: String, page: String) throws {
    let code = try Texts.text("Tests/ReadmeTests/\(file)")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let blocks = Texts.blocks("swift", in: try Texts.text(page))
    #expect(blocks.contains(code), "\(page) has no block equal to Tests/ReadmeTests/\(file)")
  }

  @Test func `every block of code for users of the library is tested`() throws {
    let files = FileManager.default
    let tested = try files.contentsOfDirectory(atPath: Texts.path("Tests/ReadmeTests")).map {
      try Texts.text("Tests/ReadmeTests/\($0)").trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let modules = try files.contentsOfDirectory(atPath: Texts.path("Sources"))
      .map { "Sources/\($0)/\($0).docc/\($0).md" }
      .filter { files.fileExists(atPath: Texts.path($0)) }
    #expect(modules.count > 20)
    let tutorials = try Texts.pages().filter { $0.contains("/Tutorials/") }
    for page in ["README.md", "Documentation/Library.md"] + modules + tutorials {
      for block in Texts.blocks("swift", in: try Texts.text(page)) {
        #expect(tested.contains(block), "\(page): \(block.prefix(60))")
      }
    }
  }

  @Test func `the README stays short`() throws {
    let lines = try Texts.text("README.md").components(separatedBy: "\n")
    #expect(
      lines.count <= 200, "it has \(lines.count) lines; longer things have pages of their own")
  }

  @Test(arguments: [
    ("SegmentExample.swift", "16-semantic-segmentation.md"),
    ("DetectExample.swift", "18-detection.md"),
  ])
  func `a decision's page shows the code that is tested here`(file: String, page: String) throws {
    let code = try Texts.text("Tests/ReadmeTests/\(file)")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let page = try Texts.text("Documentation/Decisions/\(page)")
    #expect(Texts.blocks("swift", in: page).contains(code))
  }

  @Test func `every command on a page is one that the program takes`() throws {
    // Changes of old versions name what was then.
    let pages = try Texts.pages().filter { $0 != "CHANGELOG.md" }
    let commands = try pages.flatMap { page in
      try Texts.commands(of: page).map { (page, $0) }
    }
    #expect(commands.count { $0.0 == "README.md" } >= 10)
    #expect(commands.count >= 40)
    for (page, words) in commands where !words.contains(where: { $0.contains("…") }) {
      let line = "\(page): mae " + words.joined(separator: " ")
      do {
        let command = try MAE.parseAsRoot(words)
        if let pretrain = command as? PretrainCommand,
          pretrain.options.recipe?.contains("/") != true
        {
          // A tutorial's strategy stands in the list once its reader has put it there.
          try MaskingStrategies.$added.withValue([ColumnMasking.self]) {
            _ = try RecipeBooks.pretraining.resolve(
              pretrain.options.recipe, settings: pretrain.options.settings)
          }
        }
      } catch {
        Issue.record("\(line): \(MAE.message(for: error))")
      }
    }
  }

  @Test func `CONTRIBUTING names every target and library of the package`() throws {
    let manifest = try Texts.text("Package.swift").components(separatedBy: "// MARK: tests")[0]
    let contributing = try Texts.text("CONTRIBUTING.md")
    let library = try Texts.text("Documentation/Library.md")
    let targets = manifest.matches(of: #/\.(?:t|executableT)arget\(\s*name: "(\w+)"/#)
    #expect(targets.count > 15)
    for target in targets {
      #expect(contributing.contains("`\(target.output.1)`"), "\(target.output.1)")
    }
    for product in manifest.matches(of: #/\.library\(name: "(\w+)"/#) {
      #expect(library.contains(".product(name: \"\(product.output.1)\""), "\(product.output.1)")
    }
  }

  @Test func `no file stands twice in a walk, and walks are numbered in order`() throws {
    let walks = try Texts.text("Documentation/Walks.md").components(separatedBy: "\n## ")
      .dropFirst()
    #expect(walks.count == 3)
    for walk in walks {
      let title = walk.prefix { $0 != "\n" }
      let steps = walk.matches(of: #/(?m)^(\d+)\. \[([^\]]+)\]\(\.\./(Sources/[^)]+)\): /#)
      #expect(steps.map { Int($0.output.1) } == Array(1...max(1, steps.count)), "\(title)")
      #expect(Set(steps.map(\.output.3)).count == steps.count, "\(title) names a file twice")
      for step in steps {
        #expect(step.output.3.hasSuffix("/\(step.output.2).swift"), "\(title)")
      }
    }
  }

  @Test func `every decision has a number of its own and a line in the index`() throws {
    let names = try Texts.pages().filter { $0.hasPrefix("Documentation/Decisions/") }
      .compactMap { $0.split(separator: "/").last }.filter { $0 != "README.md" }.sorted()
    #expect(names.compactMap { Int($0.prefix(2)) } == Array(1...names.count))
    let index = try Texts.text("Documentation/Decisions/README.md")
    let lines = index.matches(of: #/(?m)^(\d+)\. \[([^\]]+)\]\(([^)]+)\)$/#)
    #expect(lines.map { $0.output.3 } == names)
    for line in lines {
      #expect(Int(line.output.1) == Int(line.output.3.prefix(2)))
      let title = try Texts.text("Documentation/Decisions/\(line.output.3)").prefix { $0 != "\n" }
      #expect(title == "# \(line.output.2)")
    }
  }

  @Test func `the embedding example writes a row for each image`() throws {
    let folder = NSTemporaryDirectory() + "mae-readme-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder + "/photos", withIntermediateDirectories: true)
    for level in 0..<3 {
      let image = ByteImage(
        width: 12, height: 8, channels: 1,
        pixels: [UInt8](repeating: UInt8(level * 100), count: 96))
      try Data(image.encodedAsPNG())
        .write(to: URL(fileURLWithPath: "\(folder)/photos/\(level).png"))
    }
    let store = ParameterStore(initializing: Generator(seed: 0))
    let configuration = ModelConfiguration(
      height: 8, width: 8, channels: 1, patch: 4,
      encoder: TransformerShape(width: 16, depth: 1, heads: 2),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2))
    _ = MaskedAutoencoder(configuration, in: store.root)
    try Checkpoint(path: folder + "/model").write(
      ModelDescription(model: configuration, mean: [0.5], std: [0.5]),
      weights: store.weights)

    try embed(folder + "/photos", by: folder + "/model", to: folder + "/features.npy")

    let rows = try NpyFile(folder + "/features.npy").tensor()
    #expect(rows.shape == [3, 16])
    #expect(rows.isFinite().all().item() == 1)
  }

  @Test func `the example of use classifies and embeds a photo`() throws {
    let folder = NSTemporaryDirectory() + "mae-readme-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let photo = ByteImage(
      width: 12, height: 8, channels: 1, pixels: (0..<96).map { UInt8($0 * 2) })
    try Data(photo.encodedAsPNG()).write(to: URL(fileURLWithPath: folder + "/photo.png"))
    let store = ParameterStore(initializing: Generator(seed: 0))
    let configuration = ModelConfiguration(
      height: 8, width: 8, channels: 1, patch: 4,
      encoder: TransformerShape(width: 16, depth: 1, heads: 2))
    let head = ClassifierHead(classes: 3)
    _ = ImageClassifier(configuration, head: head, std: 0.5, in: store.root)
    // A run folder: its recipe, and a checkpoint.
    try Data().write(to: URL(fileURLWithPath: folder + "/recipe.yaml"))
    try Checkpoint(path: folder + "/checkpoints/step-1").write(
      ModelDescription(
        model: configuration, classifier: .init(head: head, classNames: ["a", "b", "c"]),
        mean: [0.5], std: [0.5]),
      weights: store.weights)

    let (predictions, features) = try look(at: folder + "/photo.png", with: folder)
    #expect(Set(predictions.map(\.label)) == ["a", "b", "c"])
    #expect(abs(predictions.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
    #expect(features.shape == [16])
  }

  @Test func `the example of segmentation counts every pixel`() throws {
    let folder = NSTemporaryDirectory() + "mae-readme-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let photo = ByteImage(
      width: 12, height: 9, channels: 1, pixels: (0..<108).map { UInt8($0 * 2) })
    try Data(photo.encodedAsPNG()).write(to: URL(fileURLWithPath: folder + "/photo.png"))
    let store = ParameterStore(initializing: Generator(seed: 0))
    let configuration = ModelConfiguration(
      height: 8, width: 8, channels: 1, patch: 4,
      encoder: TransformerShape(width: 16, depth: 1, heads: 2), decoder: nil)
    let shape = SegmenterShape(
      backbone: BackboneShape(taps: [1]), decoder: .linear, channels: 1, classes: 2)
    _ = SemanticSegmenter(configuration, shape, in: store.root)
    try Checkpoint(path: folder + "/model").write(
      ModelDescription(
        model: configuration,
        segmenter: .init(
          shape: shape, numbering: LabelNumbering(names: ["a", "b"], zeroIs: nil), stride: 5),
        mean: [0.5], std: [0.5]),
      weights: store.weights)

    let counts = try classes(of: folder + "/photo.png", with: folder + "/model")
    #expect(Set(counts.keys).isSubset(of: ["a", "b"]))
    #expect(counts.values.reduce(0, +) == 108)
  }

  @Test func `the training example learns`() {
    let images = Tensor.rand([4, 3, 32, 32], using: Generator(seed: 5))
    let losses = pretrain(on: images, steps: 12)
    #expect(losses.count == 12)
    #expect(losses.allSatisfy { $0.isFinite })
    #expect(losses[9...].reduce(0, +) / 3 < losses[..<3].reduce(0, +) / 3)
  }

  @Test func `the example of models makes and loads them`() throws {
    let folder = NSTemporaryDirectory() + "mae-readme-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = MaskedAutoencoder(
      ModelConfiguration(
        height: 8, width: 8, channels: 1, patch: 4,
        encoder: TransformerShape(width: 16, depth: 1, heads: 2),
        decoder: TransformerShape(width: 8, depth: 1, heads: 2)), seed: 3)
    try Checkpoint(path: folder).write(
      ModelDescription(model: model.configuration, mean: [0.5], std: [0.5]),
      weights: model.parameters.weights)

    let (encoder, classifier, autoencoder) = try models(of: folder)
    #expect([encoder.parameters, classifier.parameters].allSatisfy { $0.isWhole })
    #expect(encoder.parameters["blocks.11.norm1.weight"]?.shape == [192])
    #expect(classifier.parameters["head.weight"]?.shape == [10, 192])
    #expect(classifier.parameters["patch_embed.proj.weight"]?.shape == [192, 1, 8, 8])
    let (mine, loaded) = (model.parameters.weights, autoencoder.parameters.weights)
    #expect(mine.map(\.name) == loaded.map(\.name))
    for (a, b) in zip(mine, loaded) { expectEqual(a.tensor, b.tensor, a.name) }
  }
}

extension ParameterStore {
  /// Whether every tensor has finite values.
  fileprivate var isWhole: Bool {
    entries.allSatisfy { $0.tensor.detached().isFinite().all().item() == 1 }
  }
}
