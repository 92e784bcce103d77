import ArgumentParser
import Datasets
import Harness
import SyntheticPhotos

/// What `Benchmarks/run` runs, one by one.
@main struct Benchmarks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks",
    abstract: "Measure mae, and published peers in turn with it.",
    subcommands: [
      StepProgram.self, UseProgram.self, DataProgram.self, WaitProgram.self, IndexProgram.self,
      StartProgram.self, DecodeProgram.self, PhotosProgram.self, MachineProgram.self,
    ])
}

/// What measurements of `mae` share.
struct MeasuredProgram: ParsableArguments {
  @Option(help: "The program that is measured.")
  var mae = ".build/release/mae"

  @Option(help: "Rounds that are timed.")
  var rounds = 10

  @Option(help: "Threads of one operator; libtorch's choice unless given.")
  var threads: Int?

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
  }

  /// `mae` with arguments, as a command of the shell.
  func command(_ arguments: [String]) -> String {
    ([mae] + arguments).map(quoted).joined(separator: " ")
  }

  /// The arguments for the threads.
  var threadArguments: [String] { threads.map { ["--threads", String($0)] } ?? [] }
}

/// Prints the machine's name.
struct MachineProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine", abstract: "Print the machine's processor, cores, memory and system.")

  func run() { print(Machine.name) }
}

/// Writes made-up photographs.
struct PhotosProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "photos", abstract: "Write made-up photographs: JPEG, 500 × 375, quality 95.")

  @Argument(help: "The folder.", completion: .directory)
  var folder: String

  @Option(help: "Photographs to write.")
  var count = 200

  func run() throws { try SyntheticPhotos().write(count: count, to: folder) }
}
