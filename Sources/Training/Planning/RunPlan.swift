import Foundation
package import Runs

// B images of a micro-batch, W ranks, k passes of a step, P trained values.

/// What a run needs on some hosts and how long it takes, from shapes and the machine's sheet.
///
/// ```
/// t = c·k + u + x + j
/// ```
///
/// `c` is forward and backward pass of a rank's part of a pass, `u` the optimizer's update, `x` what
/// of the gradients' exchange the last backward pass does not hide, `j` the wait for the slowest
/// rank. Documentation/Planning.md has the formulas and what they were compared with.
package struct RunPlan: Sendable {
  /// What is trained, and on what.
  package struct Job: Sendable {
    /// The recipe's name.
    package var name: String
    /// The model in a few words.
    package var model: String
    /// What an image costs.
    package var cost: ModelCost
    /// Images of a micro-batch, of all ranks.
    package var batch: Int
    /// Micro-batches of a step.
    package var accumulation: Int
    /// Images that have to stay on one rank: 2 where mixing pairs them.
    package var unit = 1
    /// Steps of the whole run.
    package var steps: Int
    /// Images of the set.
    package var images: Int
    /// Whether products are in 16 bits.
    package var isShort: Bool
    /// Bytes of the optimizer's state a trained value.
    package var stateBytes: Int
    /// Whether a moving average of the weights is kept.
    package var keepsAverage: Bool
    /// Checkpoints that are kept.
    package var checkpoints: Int
  }

  /// What is known of the way there.
  package struct Assumptions: Sendable {
    /// Bytes of a gradient on its way.
    package var gradientBytes = 4.0
    /// Images a second of one accelerator, measured over whole steps.
    package var imagesPerSecond: Double?
    /// Images of a rank in a pass, at most; nil for as many as fit.
    package var perPass: Int?
    /// Bytes of an image's file.
    package var imageBytes = 110e3
    /// Images that a core decodes in a second.
    package var imagesPerCore = 1000.0
    /// The part of a pass by which ranks differ.
    package var jitter = 0.01

    package init() {}
  }

  package let job: Job
  package let machine: Machine
  package let assumptions: Assumptions
  /// Hosts, and accelerators in use on each.
  package let hosts: Int
  package let gpus: Int

  /// Ranks, `W`.
  package var ranks: Int { hosts * gpus }
  /// Images of a rank in a micro-batch.
  package var rows: Int { job.batch / ranks }
  /// Images of a step.
  package var stepImages: Int { job.batch * job.accumulation }

  /// Plans a run.
  ///
  /// - Throws: ``RunFailure`` where the ranks cannot share a micro-batch equally, with the nearest
  ///   numbers that can.
  package init(
    _ job: Job, on machine: Machine, hosts: Int, gpus: Int,
    assuming assumptions: Assumptions = Assumptions()
  ) throws(RunFailure) {
    precondition(hosts >= 1 && gpus >= 1)
    self.job = job
    self.machine = machine
    self.hosts = hosts
    self.gpus = gpus
    self.assumptions = assumptions
    let count = hosts * gpus
    guard job.batch % (count * job.unit) == 0 else {
      let shares = (1...max(1, job.batch / job.unit)).filter { job.batch % ($0 * job.unit) == 0 }
      let near = [shares.last { $0 < count }, shares.first { $0 > count }].compactMap(\.self)
      throw RunFailure(
        .recipe,
        "batch.size is \(job.batch), which \(count) ranks cannot share equally"
          + (job.unit == 2 ? " in pairs, as mixing needs them" : "") + "; "
          + near.map(String.init).joined(separator: " and ") + " can")
    }
  }

  // MARK: memory

  /// Bytes of weights, gradients, optimizer state, 16-bit copies and average.
  package var fixedBytes: Double {
    let all = Double(job.cost.parameters)
    let trained = Double(job.cost.trained)
    return all * (job.isShort ? 6 : 4) + trained * Double(4 + job.stateBytes)
      + (job.keepsAverage ? 4 * trained : 0)
  }

  /// Bytes that an image keeps until its backward pass.
  package var imageBytes: Double {
    Double((job.isShort ? 34 : 68) * job.cost.blockValues + 4 * job.cost.pixels)
  }

  /// Images that fit beside what is fixed, with 5 % of the memory left over.
  package var imagesThatFit: Int {
    max(0, Int((0.95 * machine.memory - fixedBytes) / imageBytes))
  }

  /// Passes that a rank divides its part of a micro-batch into.
  package var passes: Int {
    let most = max(1, assumptions.perPass ?? min(rows, imagesThatFit))
    return (rows + most - 1) / most
  }

  /// Bytes of a rank, at its largest.
  package var memoryBytes: Double {
    fixedBytes + imageBytes * Double((rows + passes - 1) / passes)
  }

  // MARK: time

  /// Seconds of a step, and of what it consists of.
  package struct Step: Hashable, Sendable {
    /// Forward and backward passes, `c·k`.
    package var compute: Double
    /// The optimizer, `u`.
    package var update: Double
    /// Exchange of gradients that no backward pass hides, `x`.
    package var exposed: Double
    /// The wait for the slowest rank, `j`.
    package var waiting: Double

    /// The whole step, `t`.
    package var seconds: Double { compute + update + exposed + waiting }
    /// The part of a step that one rank alone would need too.
    package var efficiency: Double { (compute + update) / seconds }
  }

  /// The step's time.
  package var step: Step {
    let count = Double(passes * job.accumulation)
    let ideal = Double(rows * job.accumulation)
    let pass: Double
    let update: Double
    if let measured = assumptions.imagesPerSecond {
      pass = ideal / measured / count
      update = 0
    } else {
      let rate = job.isShort ? machine.peak : machine.peakFloat32
      // Products in float32 have no units of their own that would wait for memory.
      let share = job.isShort ? machine.utilization : min(0.6, 2 * machine.utilization)
      pass = ideal * job.cost.operations / (share * rate) / count
      update = 28 * Double(job.cost.trained) / (0.7 * machine.memoryBandwidth)
    }
    guard ranks > 1 else {
      return Step(compute: pass * count, update: update, exposed: 0, waiting: 0)
    }
    return Step(
      compute: pass * count, update: update, exposed: exposed(after: pass),
      waiting: assumptions.jitter * pass * count * (2 * log(Double(ranks))).squareRoot())
  }

  /// Seconds from the end of the last pass to the end of the last bucket's all-reduce.
  ///
  /// Buckets of 1 MB and then 25 MB become ready as the backward pass goes on, and are sent one
  /// after another, each in `2(W−1)/W` times its size over the bus and the smallest all-reduce's time.
  private func exposed(after pass: Double) -> Double {
    let forward = pass * job.cost.forward / job.cost.operations
    let bytes = 4 * Double(job.cost.trained)
    let bus = machine.bus(hosts: hosts, gpus: gpus)
    let latency = machine.latency(hosts: hosts)
    let factor = 2 * Double(ranks - 1) / Double(ranks) * assumptions.gradientBytes / 4
    var seen = 0.0
    var end = 0.0
    while seen < bytes {
      let size = min(seen == 0 ? 1e6 : 25e6, bytes - seen)
      seen += size
      let ready = forward + (pass - forward) * seen / bytes
      end = max(ready, end) + latency + size * factor / bus
    }
    return max(0, end - pass)
  }

  /// Hours of the run.
  package var hours: Double { step.seconds * Double(job.steps) / 3600 }
  /// Images a second, of all ranks.
  package var rate: Double { Double(stepImages) / step.seconds }
  /// Bytes of image files a second that a host reads, without a cache.
  package var dataRate: Double { rate / Double(hosts) * assumptions.imageBytes }
  /// Cores of a host that decode them.
  package var cores: Double { rate / Double(hosts) / assumptions.imagesPerCore }
  /// Bytes of a checkpoint: weights, optimizer state, and the weights beside their average.
  package var checkpointBytes: Double {
    4 * Double(job.cost.parameters)
      + Double(job.cost.trained * (job.stateBytes + (job.keepsAverage ? 4 : 0)))
  }

  /// The same run on other hosts; nil where its ranks could not share a micro-batch.
  package func on(hosts: Int, gradientBytes: Double? = nil) -> RunPlan? {
    var other = assumptions
    other.gradientBytes = gradientBytes ?? assumptions.gradientBytes
    return try? RunPlan(job, on: machine, hosts: hosts, gpus: gpus, assuming: other)
  }
}

extension Double {
  /// The logarithm to base 2.
  var logarithm2: Double { log2(self) }
}
