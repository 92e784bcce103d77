import ArgumentParser
import Harness

/// Making batches from JPEG files: ours and a peer in turn.
struct DataProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "JPEG files to normalised crops of 224, in turn with a peer's.",
    discussion: """
      Prints images a second of the peer (one core), of ours with one worker and with two, of ours with two \
      from tar shards of the same files, and their ratios. The peer is any command that answers the line \
      pass with images a second, as Benchmarks/peers/decode.py does.
      """)

  @Argument(help: "A folder of photographs, as `benchmarks photos` writes it.")
  var photos: String

  @Option(help: "A command that makes crops of the same files when asked, on one core.")
  var peer: String

  @Option(help: "Images that ours makes in a round.")
  var images = 4000

  @OptionGroup var measured: MeasuredProgram

  func run() throws {
    let folder = try TemporaryFolder()
    let shards = folder.path + "/shards"
    _ = try WholeProcess(
      measured.command(["data", "pack", photos, "--out", shards, "--per-shard", "100"]))
    let peer = try Peer(command: peer)
    func ours(_ name: String, _ data: String, workers: Int) -> Candidate {
      Candidate(name) {
        try WholeProcess(
          measured.command([
            "bench", "data", data, "--workers", String(workers), "--images", String(images),
          ])
        ).number(after: workers == 1 ? "1 worker: " : "\(workers) workers: ")
      }
    }
    let names = [
      "peer, one core", "ours, one worker", "ours, two workers", "the same from tar shards",
    ]
    let turns = try Turns(
      [
        Candidate(names[0]) { try peer.number("pass") },
        ours(names[1], photos, workers: 1), ours(names[2], photos, workers: 2),
        ours(names[3], shards, workers: 2),
      ], rounds: measured.rounds)
    print(
      "data: JPEG files to random resized crops of 224, \(measured.rounds) rounds in turn; "
        + Machine.name)
    for name in names {
      print("  \(padded(name, to: 26))median \(fixed(turns[name].median, 0)) images/s")
    }
    for (words, place) in [
      ("ratio a core", 1), ("two workers over one", 2), ("shards over files", 3),
    ] {
      let ratio = turns.ratio(names[place], over: names[place - 1])
      print("  \(padded(words, to: 26))\(ratio.words(decimals: 2))")
    }
  }
}
