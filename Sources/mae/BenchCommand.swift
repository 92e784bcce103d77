import ArgumentParser
import FileSystem
import Foundation
import MaskedAutoencoders
import Recipes
import Torch
import Training

/// How fast this machine trains and reads.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps, the making of batches, and classifying.",
    subcommands: [StepBenchCommand.self, DataBenchCommand.self, UseBenchCommand.self],
    defaultSubcommand: StepBenchCommand.self)
}

/// How fast training steps are, beside a peer that takes turns.
struct StepBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Time training steps; with a peer, in turn with it.",
    discussion: """
      Workloads: base (ViT-B/16, 224², batch 16) and small (32², patch 4, 192 × 6, batch 256). The \
      peer is any command that answers a line `step` with the seconds of one step, as \
      Benchmarks/peers/vitmae_step.py does; `make bench` makes its environment and runs both.

      Examples:
        mae bench
        mae bench base --rounds 5 --peer "python Benchmarks/peers/vitmae_step.py base"
      """)

  @Argument(help: "small or base.")
  var workload = "small"

  @Option(help: "Steps that are timed.")
  var rounds = 10

  @Option(help: "A command that runs the same step when asked.")
  var peer: String?

  @Option(help: "float32 or bfloat16.")
  var precision = Precision.float32

  @OptionGroup var strategy: StrategyOptions

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
    if !StepBenchmark.Workload.named.contains(where: { $0.name == workload }) {
      throw ValidationError("there is no workload '\(workload)'; expected small or base")
    }
  }

  func run() throws {
    guard var work = StepBenchmark.Workload.named.first(where: { $0.name == workload }) else {
      return
    }
    if let masking = strategy.masking(ratio: work.masking.ratio) { work.masking = masking }
    let device = try compute.open()
    let peer = try peer.map { try BenchmarkPeer(command: $0) }
    let ours = StepBenchmark(work, on: device, precision: precision.type)
    for _ in 0..<2 { _ = ours.step() }
    var times: (ours: [Double], peer: [Double]) = ([], [])
    for _ in 0..<rounds {
      if let peer { times.peer.append(try peer.step()) }
      times.ours.append(ours.step())
    }
    func line(_ name: String, _ seconds: [Double], _ memory: Int?) {
      let rates = seconds.map { Double(work.batch) / $0 }.sorted()
      print(
        "\(name)  median \(fixed(rates.median, 2)) images/s, \(fixed(rates[0], 2)) to "
          + "\(fixed(rates[rates.count - 1], 2))"
          + (memory.map { ", at most \(Readable.bytes($0))" } ?? ""))
    }
    print("\(work.name): \(device), \(Engine.threads) threads, \(rounds) rounds in turn")
    line("ours", times.ours, device.peakMemory ?? peakResidentMemory())
    if let peer {
      line("peer", times.peer, try peer.memory())
      let ratios = zip(times.peer, times.ours).map { $0 / $1 }.sorted()
      print(
        "ratio \(fixed(ratios.median, 3)) (quartiles \(fixed(ratios[ratios.count / 4], 3)) to "
          + "\(fixed(ratios[ratios.count * 3 / 4], 3))); above 1 ours is faster")
    }
  }
}

extension [Double] {
  /// The middle value of a sorted list.
  var median: Double { (self[(count - 1) / 2] + self[count / 2]) / 2 }
}

/// The most main memory this process has held, in bytes.
private func peakResidentMemory() -> Int? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
  else { return nil }
  return Int(kilobytes).map { $0 * 1024 }
}
