import ArgumentParser
import FileSystem
import Foundation
import Inference
import MaskedAutoencoders
import Recipes
import Torch
import Training

/// How fast this machine trains, makes batches, and classifies.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps, the making of batches, and classifying.",
    subcommands: [StepBenchCommand.self, DataBenchCommand.self, UseBenchCommand.self],
    defaultSubcommand: StepBenchCommand.self)
}

/// How fast training steps are.
struct StepBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Time training steps.",
    discussion: """
      Pre-training: small (32², patch 4, 192 × 6, batch 256), base (ViT-B/16 at 224², batch 16), large (ViT-L/16,
      batch 1), huge (ViT-H/14, batch 1). Fine-tuning with mixup, CutMix, drop path and layer-wise rates:
      finetune-tiny, finetune-small, finetune-base (ViT/16 at 224², batch 16).

      Examples:
        mae bench
        mae bench base --rounds 5
        mae bench small --profile
        mae bench finetune-small
        mae bench huge --recompute --rounds 3
      """)

  @Argument(help: ArgumentHelp("\(StepWorkload.names)."))
  var workload = "small"

  @Option(help: "Steps that are timed.")
  var rounds = 10

  @Flag(help: "Print where the time of a step goes, too, and how fast its products are alone.")
  var profile = false

  @Option(help: precisionHelp)
  var precision = Precision.float32

  @Option(help: "Images in a step; the workload's unless given.")
  var batch: Int?

  @Flag(help: "Compute blocks again in the backward pass instead of keeping what they computed.")
  var recompute = false

  @Flag(help: "On a GPU: capture a pre-training step as a CUDA graph and replay it.")
  var graph = false

  @OptionGroup var strategy: StrategyOptions

  @OptionGroup var compute: ComputeOptions

  @Flag(help: onRequestHelp)
  var onRequest = false

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); expected at least 1") }
    if graph, workload.hasPrefix("finetune") {
      throw ValidationError("--graph is for pre-training: \(workload) draws while it computes")
    }
    if !StepWorkload.named.contains(where: { $0.name == workload }) {
      throw ValidationError(
        "there is no workload '\(workload)'; expected "
          + StepWorkload.names)
    }
  }

  func run() throws {
    guard var work = StepWorkload.named.first(where: { $0.name == workload }) else {
      return
    }
    if case .pretraining(let usual) = work.task,
      let masking = strategy.masking(ratio: usual.ratio)
    {
      work.task = .pretraining(masking)
    }
    if let batch { work.batch = batch }
    let device = try compute.open()
    let benchmark = StepBenchmark(
      work, on: device, precision: precision.type, recomputing: recompute)
    if precision == .auto { warn("note: precision \(benchmark.choosePrecision().line)") }
    for _ in 0..<(graph ? 3 : 2) { _ = benchmark.step() }
    if graph {
      try benchmark.capture()
      _ = benchmark.step()
    }
    func memory() -> Int? { device.peakMemory ?? peakResidentMemory() }
    if onRequest {
      try answerRequests([
        "images": { Double(work.batch) }, "step": { benchmark.step() },
        "memory": { Double((memory() ?? 0) / 1024) }, "loss": { benchmark.loss.item() },
      ])
      return
    }
    let rates = (0..<rounds).map { _ in Double(work.batch) / benchmark.step() }.sorted()
    print(
      "\(work.name): \(device), \(Engine.threads) threads, batch \(work.batch), \(rounds) rounds")
    print(
      "median \(fixed(rates.median, 2)) images/s, \(fixed(rates[0], 2)) to "
        + "\(fixed(rates[rates.count - 1], 2))"
        + (memory().map { ", at most \(Formatted.bytes($0))" } ?? ""))
    guard profile else { return }
    for line in benchmark.profile(steps: max(2, min(rounds, 5))).lines { print(line) }
  }
}

extension [Double] {
  /// The middle value of a sorted list.
  var median: Double { (self[(count - 1) / 2] + self[count / 2]) / 2 }
}

/// What `--on-request` does, which no user needs: `Benchmarks/run` takes turns with it.
let onRequestHelp = ArgumentHelp(
  "Print `ready`, then answer each line of standard input with a figure.", visibility: .hidden)

/// Answers each line of standard input with a number, until it ends.
///
/// - Parameter answers: What gives the number for a line.
func answerRequests(_ answers: [String: () throws -> Double]) throws {
  func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
  say("ready")
  while let line = readLine() {
    guard let answer = answers[line] else {
      say("unknown: \(line); expected \(answers.keys.sorted().joined(separator: ", "))")
      continue
    }
    say(fixed(try answer(), 6))
  }
}

/// The most main memory this process has held, in bytes.
private func peakResidentMemory() -> Int? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
  else { return nil }
  return Int(kilobytes).map { $0 * 1024 }
}
