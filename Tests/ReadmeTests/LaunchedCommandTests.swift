import Testing

@testable import mae

/// What `mae launch` makes of the words behind its options.
@Suite struct LaunchedCommandTests {
  private func read(_ words: String...) throws -> LaunchedCommand {
    try LaunchedCommand(
      words, commands: ["pretrain", "finetune", "scratch", "knn"], program: "/x/mae")
  }

  @Test func `a training run is resumed by a restart`() throws {
    for name in ["pretrain", "finetune", "scratch"] {
      for command in [try read(name, "D", "--out", "R"), try read("mae", name, "D", "--out", "R")] {
        #expect(command.command == ["/x/mae", name, "D", "--out", "R"])
        #expect(command.restartCommand == ["/x/mae", name, "--resume", "D", "--out", "R"])
        #expect(command.trains)
      }
    }
    let resumed = try read("pretrain", "D", "--resume", "--out", "R")
    #expect(resumed.restartCommand == resumed.command)
  }

  @Test func `all else is started again as it was`() throws {
    for words in [["knn", "run", "D"], ["mae", "knn", "run", "D"]] {
      let command = try LaunchedCommand(words, commands: ["knn"], program: "/x/mae")
      #expect(command.command == ["/x/mae", "knn", "run", "D"])
      #expect(command.restartCommand == command.command && !command.trains)
    }
    let other = try read("python", "pretrain", "--out", "R")
    #expect(other.command == ["python", "pretrain", "--out", "R"] && !other.trains)
    #expect(other.restartCommand == other.command)
    // A path is a program, whatever it is called.
    #expect(try read("./mae", "pretrain").command == ["./mae", "pretrain"])
  }

  @Test func `mae without one of its commands is a mistake`() {
    #expect(throws: (any Error).self) { try read("mae", "pretrian") }
    #expect(throws: (any Error).self) { try read("mae") }
  }
}
