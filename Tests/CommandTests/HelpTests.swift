import Foundation
import Testing

/// What the program says of itself; every help text is a page of its manual.
@Suite struct HelpTests {
  static let commands = [
    "", "pretrain", "reconstruct", "figures", "ablate", "knn", "probe", "finetune", "scratch",
    "evaluate", "predict",
    "embed", "segment", "segment train", "segment evaluate", "segment predict", "segment score",
    "segment export", "detect", "detect train", "detect evaluate", "detect predict",
    "detect score", "detect export", "contrastive", "tokenizer", "tokenizer train",
    "tokenizer import",
    "forward", "serve", "weights", "weights inspect", "weights import",
    "weights export",
    "data", "data fetch", "data inspect", "data pack", "data compose", "data convert", "recipes",
    "recipes list", "recipes show", "bench", "bench step", "bench data", "bench use", "launch",
    "plan", "doctor",
  ]

  @Test(arguments: commands) func `help texts`(of command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    let sandbox = try CommandSandbox()
    let help = try sandbox.mae(["help"] + words)
    #expect(help.status == 0 && help.errors.isEmpty)
    let name = (["help"] + words).joined(separator: "-")
    try expectSnapshot(help.output, name)
    // The flag says the same.
    #expect(try sandbox.mae(words + ["--help"]).output == help.output)
  }

  /// A command without its help in this list would escape the snapshots.
  @Test func `every command is listed`() throws {
    let sandbox = try CommandSandbox()
    func subcommands(_ path: [String]) throws -> [String] {
      let help = try sandbox.mae(["help"] + path).output
      let own = [path.joined(separator: " ")]
      guard let part = help.range(of: "SUBCOMMANDS:\n") else { return own }
      let names = help[part.upperBound...]
        .split(separator: "\n", omittingEmptySubsequences: false)
        .prefix { $0.hasPrefix("  ") }
        .filter { !$0.hasPrefix("   ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
      return try own + names.flatMap { try subcommands(path + [$0]) }
    }
    #expect(try subcommands([]).sorted() == Self.commands.sorted())
  }

  @Test func `version is a number`() throws {
    let version = try CommandSandbox().done("--version").output
    #expect(version.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(version)")
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func `completion scripts`(of shell: String) throws {
    let sandbox = try CommandSandbox()
    let script = try sandbox.done("--generate-completion-script", shell).output
    for word in ["pretrain", "reconstruct", "fashion-mnist", "overwrite"] {
      #expect(script.contains(word), "\(shell): \(word)")
    }
    // Where the shell is there, it must be able to read the script.
    let path = ["/bin/", "/usr/bin/"].map { $0 + shell }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let path else { return }
    try sandbox.write("script", script)
    let check = try Running(
      [path, "-n", "script"], in: sandbox.path, environment: [:], output: sandbox("out"),
      errors: sandbox("err")
    ).wait()
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test func `recipes are listed`() throws {
    try expectSnapshot(CommandSandbox().done("recipes", "list").output, "recipes-list")
  }

  @Test func `recipes are shown in full`() throws {
    let sandbox = try CommandSandbox()
    try expectSnapshot(sandbox.done("recipes", "show", "default").output, "recipes-show-default")
  }

  /// What is shown can be given back and is then the same.
  @Test func `shown recipes are recipe files`() throws {
    let sandbox = try CommandSandbox()
    let list = try sandbox.done("recipes", "list").output
    let names = list.split(separator: "\n").filter { $0.hasPrefix("  ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(names.contains("default") && names.contains("finetune"))
    for name in names {
      try sandbox.write("mine.yaml", sandbox.done("recipes", "show", name).output)
      let again = try sandbox.done("recipes", "show", "./mine.yaml").output
      #expect(again == withoutHeader(try sandbox.text("mine.yaml")), "\(name)")
    }
    let changed = try sandbox.done(
      "recipes", "show", "default", "--set", "schedule.epochs=70", "--set", "model.encoder=small")
    #expect(changed.output.contains("epochs: 70\n") && changed.output.contains("width: 384\n"))
  }

  private func withoutHeader(_ yaml: String) -> String {
    yaml.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("#") }.joined(separator: "\n")
  }

  /// What cannot change from machine to machine in what the doctor says.
  @Test func `the doctor finds the engine`() throws {
    let report = try CommandSandbox().done("doctor").output
    for word in [
      "mae ", "machine ", "libtorch ", "auto means ", "precision ", "kernels ", "fashion-mnist",
    ] {
      #expect(report.contains(word), "\(word)")
    }
  }

  @Test func `a missing engine is said so`() throws {
    let sandbox = try CommandSandbox()
    let outcome = try sandbox.mae(
      "doctor", environment: ["CTORCH_LIBRARY": sandbox("nowhere/libCTorch.so")])
    #expect(outcome.status == 69, "\(outcome.transcript)")
    #expect(outcome.errors.contains("nowhere/libCTorch.so"))
  }
}
