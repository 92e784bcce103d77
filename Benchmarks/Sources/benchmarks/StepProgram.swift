import ArgumentParser
import Harness

/// Training steps of ours and of a peer, in turn.
struct StepProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Training steps, in turn with a peer's.",
    discussion: """
      The peer is any command that answers the line `step` with the seconds of one step and `memory` with \
      its peak in KiB, as Benchmarks/peers/vitmae_step.py and timm_step.py do.
      """)

  @Argument(help: "A name that `mae bench step` knows.")
  var workload = "small"

  @Option(help: "A command that runs the same step when asked.")
  var peer: String

  @OptionGroup var measured: MeasuredProgram

  func run() throws {
    let peer = try Peer(command: peer)
    let ours = try Peer(
      command: measured.command(
        ["bench", "step", workload, "--on-request"] + measured.threadArguments))
    let images = try ours.number("images")
    let turns = try Turns(
      [
        Candidate("peer") { try peer.number("step") },
        Candidate("ours") { try ours.number("step") },
      ], rounds: measured.rounds)
    print("training step, \(workload): \(measured.rounds) rounds in turn; \(Machine.name)")
    for (name, process) in [("ours", ours), ("peer", peer)] {
      let rates = turns[name].map { images / $0 }
      print(
        "  \(name)   median \(fixed(rates.median, 2)) images/s, \(fixed(rates.minimum, 2)) to "
          + "\(fixed(rates.maximum, 2)), "
          + "at most \(fixed(try process.number("memory") * 1024 / 1e9, 1)) GB")
    }
    let ratio = turns.ratio("peer", over: "ours")
    print("  ratio  \(ratio.words(decimals: 3)); above 1 ours is faster")
  }
}
