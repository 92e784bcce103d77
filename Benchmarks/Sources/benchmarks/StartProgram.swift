import ArgumentParser
import Harness

/// Starts of whole processes, in turn.
struct StartProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Seconds of whole processes, the best of their rounds.")

  @Option(help: "A command that imports a peer and ends, as Benchmarks/peers/import_torch.py does.")
  var peer: String

  @OptionGroup var measured: MeasuredProgram

  func run() throws {
    let commands = [
      ("mae --help", measured.command(["--help"])),
      (
        "mae weights inspect (first tensors)",
        measured.command(["weights", "inspect", "Goldens/vit-mae/pixels"])
      ),
      ("peer: import torch, first tensor", peer),
    ]
    let turns = try Turns(
      commands.map { name, command in
        Candidate(name) { try WholeProcess(command).seconds }
      }, rounds: measured.rounds)
    print(
      "start: seconds of whole processes, best of \(measured.rounds) in turn; \(Machine.name)")
    for (name, _) in commands {
      print("  \(padded(name, to: 38)) \(fixed(turns[name].minimum, 3))")
    }
  }
}
