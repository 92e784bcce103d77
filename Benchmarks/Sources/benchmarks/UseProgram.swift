import ArgumentParser
import Harness

/// Classifying and embedding of ours and of a peer, in turn.
struct UseProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "use", abstract: "Classifying and embedding images, in turn with a peer's.",
    discussion: """
      The peer is any command that answers the lines files, features and pixels with images a second, as \
      Benchmarks/peers/timm_use.py does, which also makes the model. It is started first.
      """)

  @Argument(help: "A classifier: a run folder or a checkpoint.", completion: .directory)
  var model: String

  @Argument(help: "Images.", completion: .directory)
  var data: String

  @Option(help: "A command that does the same when asked; it may make the model.")
  var peer: String

  @OptionGroup var measured: MeasuredProgram

  func run() throws {
    let peer = try Peer(command: peer)
    let ours = try Peer(
      command: measured.command(
        ["bench", "use", model, data, "--on-request"] + measured.threadArguments))
    let ways = [
      ("files", "classified from files"), ("features", "embedded from files"),
      ("pixels", "classified from pixels"),
    ]
    let turns = try Turns(
      ways.flatMap { way in
        [
          Candidate("peer " + way.0) { try peer.number(way.0) },
          Candidate("ours " + way.0) { try ours.number(way.0) },
        ]
      }, rounds: measured.rounds)
    print("use of \(model): \(measured.rounds) rounds in turn; \(Machine.name)")
    for (way, words) in ways {
      let ratio = turns.ratio("ours " + way, over: "peer " + way)
      print(
        "  \(padded(words, to: 24))ours \(fixed(turns["ours " + way].median, 1)) images/s, "
          + "peer \(fixed(turns["peer " + way].median, 1)), ratio \(ratio.words(decimals: 2))")
    }
  }
}
