import ArgumentParser
import Datasets
import FileSystem
import Foundation
import Inference
import Torch
import Training

/// What this machine has and what it can do.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what was found on this machine and whether it works.",
    discussion: """
      Exits with 69 when libtorch cannot be used.

      Example:
        mae doctor
      """)

  func run() throws {
    func row(_ name: String, _ value: String) {
      print(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value)
    }
    row("mae", MAE.configuration.version)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let memory = Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824
    row("machine", "\(cores) cores, \(fixed(memory, 0)) GiB of memory")
    let start = ContinuousClock.now
    try Engine.load()
    ExitStatus.speakForTheEngine()
    _ = Tensor.ones([1])
    row(
      "libtorch",
      "\(Engine.version), \(Engine.threads) threads, first tensor after "
        + "\(fixed((ContinuousClock.now - start) / .seconds(1), 2)) s")
    let gpus = Device.count(.cuda)
    row("cuda", gpus > 0 ? "\(gpus) devices" : "none (or a libtorch without CUDA)")
    row("mps", Device.count(.mps) > 0 ? "yes" : "none")
    row("auto means", "\(Device.best)")
    let (long, short) = (
      ProductRate.measured(.float32, on: .best), ProductRate.measured(.bfloat16, on: .best)
    )
    let rates = [(DType.float32, long), (.bfloat16, short)].map { type, rate in
      "\(type) \(fixed(rate / 1e9, 0)) GFLOP/s"
    }
    row("products", rates.joined(separator: ", "))
    row(
      "precision",
      Device.best.hasBFloat16Products
        ? "large products are \(fixed(short / long, 2)) times as fast in bfloat16; precision=auto times "
          + "the model itself" : "no instructions for bfloat16; precision=auto is float32")
    let kept = PrecisionCache.standard
    if kept.count > 0 {
      row(
        "precision",
        "measurements of auto that are kept: \(kept.count), in \(kept.path)"
      )
    }
    for line in KernelChoice.current.lines { row("kernels", line) }
    if KernelChoice.current.blocks == .fused { row("kernels", BlockTimes.measured().line) }
    if KernelChoice.current.products == nil, let line = ProductTimesFile.standard.line {
      row("kernels", line)
    }
    row("cache", DatasetCatalog.cacheFolder)
    for name in DatasetCatalog.names {
      let there = DatasetCatalog.isFetched(name)
      row("data", "\(name): \(there ? "fetched" : "not fetched; mae data fetch \(name)")")
    }
  }
}
