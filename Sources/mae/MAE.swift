import ArgumentParser
import Torch
import Training

@main
struct MAE: ParsableCommand {
  @Option var workload = "small"
  @Option var rounds = 5
  func run() throws {
    let w = StepBenchmark.Workload.named.first { $0.name == workload }!
    let b = StepBenchmark(w, on: .cpu)
    for _ in 0..<rounds { print(Double(w.batch) / b.step(), "img/s", Engine.threads) }
  }
}
