import FileSystem
import Foundation

extension RunPlan {
  /// The plan for people, a line each; what would change it is at the end.
  ///
  /// - Parameter price: Of an accelerator's hour, in dollars; nil says nothing of costs.
  package func lines(price: Double? = nil) -> [String] {
    let step = step
    func row(_ name: String, _ text: String) -> String {
      name.padding(toLength: 10, withPad: " ", startingAt: 0) + text
    }
    let measured = assumptions.imagesPerSecond.map { ", \(short($0)) images/s measured" }
    let rate = job.isShort ? machine.peak : machine.peakFloat32
    var lines = [
      row("run", "\(job.name): \(job.model)"),
      row(
        "model",
        "\(millions(job.cost.parameters)) values"
          + (job.cost.trained == job.cost.parameters
            ? "" : ", \(millions(job.cost.trained)) of them trained")
          + ", \(short(job.cost.operations / 1e9)) GFLOP an image"),
      row(
        "machine",
        "\(counted(hosts, "host")) of \(counted(gpus, "GPU")), \(machine.name): "
          + "\(short(rate / 1e12)) TFLOP/s in \(job.isShort ? "bfloat16" : "float32")"
          + (measured ?? "")
          + (ranks == 1
            ? "" : "; \(rateText(machine.bus(hosts: hosts, gpus: gpus))) between GPUs")),
      row(
        "batch",
        "\(stepImages) images a step = \((rows + passes - 1) / passes) × \(counted(passes, "pass"))"
          + " × \(counted(ranks, "GPU"))"
          + (job.accumulation > 1 ? " × \(job.accumulation) (batch.accumulation)" : "")),
      row(
        "memory",
        "\(gigabytes(memoryBytes)) of \(gigabytes(machine.memory)) a GPU: \(gigabytes(fixedBytes)) "
          + "fixed and \(short(imageBytes / 1e6)) MB an image; \(imagesThatFit) images fit"),
      row(
        "step",
        "\(milliseconds(step.seconds)): \(milliseconds(step.compute)) passes, "
          + "\(milliseconds(step.update)) optimizer, \(milliseconds(step.exposed)) exchange "
          + "that is not hidden, \(milliseconds(step.waiting)) for the slowest"),
      row(
        "time",
        "\(hoursText(hours)) for \(job.steps) steps; efficiency "
          + percent(step.efficiency)),
      row(
        "data",
        "\(short(self.rate)) images/s; each host reads \(rateText(dataRate)) and decodes on "
          + "\(counted(max(1, Int(cores.rounded(.up))), "core"))"),
      row(
        "disk",
        "\(gigabytes(Double(job.images) * assumptions.imageBytes)) for \(job.images) images, "
          + "\(gigabytes(checkpointBytes)) for each of \(counted(job.checkpoints, "checkpoint"))"),
    ]
    if let price { lines.append(row("cost", cost(price))) }
    return lines + [""] + table(price: price) + notes.map { "note: \($0)" }
  }

  private func cost(_ price: Double) -> String {
    let dollars = price * hours * Double(ranks)
    return "$\(Int(dollars.rounded())) for \(Int((hours * Double(ranks)).rounded())) GPU hours"
  }

  // MARK: other numbers of hosts

  /// Plans for 1, 2, 4 … hosts and the asked number, as far as ranks can share a micro-batch.
  package var alternatives: [RunPlan] {
    var counts = Set([hosts])
    var count = 1
    while count * gpus <= job.batch, count <= max(64, 2 * hosts) {
      counts.insert(count)
      count *= 2
    }
    return counts.sorted().compactMap { on(hosts: $0) }
  }

  private func table(price: Double?) -> [String] {
    func cells(_ texts: [String]) -> String {
      texts.map { String(repeating: " ", count: max(0, 12 - $0.count)) + $0 }.joined()
    }
    let head = ["hosts", "GPUs", "images/GPU", "step", "efficiency", "time"]
    return [cells(head + (price == nil ? [] : ["cost"]))]
      + alternatives.map { plan in
        let values = [
          "\(plan.hosts)", "\(plan.ranks)", "\(plan.rows)", milliseconds(plan.step.seconds),
          percent(plan.step.efficiency), hoursText(plan.hours),
        ]
        let dollars = price.map { ["$\(Int(($0 * plan.hours * Double(plan.ranks)).rounded()))"] }
        return cells(values + (dollars ?? [])) + (plan.hosts == hosts ? "  <" : "")
      }
  }

  // MARK: advice

  /// What would make the run possible, faster or cheaper.
  package var notes: [String] {
    var notes: [String] = []
    if imagesThatFit < 1 {
      notes.append("not one image fits: the model needs a larger memory")
    } else if memoryBytes > 0.95 * machine.memory {
      notes.append(
        "this does not fit: give --per-pass \(imagesThatFit) or less, which changes nothing but time"
      )
    }
    if !job.isShort, machine.peak > 1.5 * machine.peakFloat32, assumptions.imagesPerSecond == nil {
      notes.append(
        "the recipe computes in float32; --set precision=bfloat16 has "
          + "\(short(machine.peak / 1e12)) TFLOP/s")
    }
    let step = step
    if let fewer = alternatives.first(where: { $0.hosts < hosts && $0.hours <= 1.05 * hours }) {
      notes.append(
        "\(counted(fewer.hosts, "host")) would take \(hoursText(fewer.hours)): more "
          + "hosts do not make the run faster")
    }
    if step.exposed > 0.1 * step.seconds {
      if assumptions.gradientBytes == 4, let half = on(hosts: hosts, gradientBytes: 2) {
        notes.append(
          "--reduce bfloat16 would halve the exchange: \(hoursText(half.hours)), efficiency "
            + "\(percent(half.step.efficiency)); results then differ in the last digits")
      }
      if let larger = withAccumulation(4 * job.accumulation) {
        notes.append(
          "batch.accumulation=\(4 * job.accumulation), four times the images a step, has efficiency "
            + "\(percent(larger.step.efficiency)); it is another recipe")
      }
    }
    if cores > 64 {
      notes.append("more than 64 cores a host only to decode: use mae data pack, or data.cache")
    }
    return notes
  }

  private func withAccumulation(_ count: Int) -> RunPlan? {
    var other = job
    other.accumulation = count
    return try? RunPlan(other, on: machine, hosts: hosts, gpus: gpus, assuming: assumptions)
  }

  // MARK: JSON

  /// The plan's numbers for programs: seconds, bytes and counts.
  package struct Record: Encodable {
    let recipe: String
    let machine: String
    let hosts: Int
    let gpus: Int
    let ranks: Int
    let parameters: Int
    let operationsPerImage: Double
    let stepImages: Int
    let imagesPerRank: Int
    let passes: Int
    let memoryBytes: Double
    let fixedBytes: Double
    let bytesPerImage: Double
    let imagesThatFit: Int
    let stepSeconds: Double
    let computeSeconds: Double
    let updateSeconds: Double
    let exposedSeconds: Double
    let waitingSeconds: Double
    let efficiency: Double
    let steps: Int
    let hours: Double
    let imagesPerSecond: Double
    let dataBytesPerSecondOfHost: Double
    let coresOfHost: Double
    let checkpointBytes: Double
    let dollars: Double?
    let notes: [String]
  }

  /// The plan's numbers for programs.
  package func record(price: Double? = nil) -> Record {
    let step = step
    return Record(
      recipe: job.name, machine: machine.name, hosts: hosts, gpus: gpus, ranks: ranks,
      parameters: job.cost.parameters, operationsPerImage: job.cost.operations,
      stepImages: stepImages, imagesPerRank: rows, passes: passes, memoryBytes: memoryBytes,
      fixedBytes: fixedBytes, bytesPerImage: imageBytes, imagesThatFit: imagesThatFit,
      stepSeconds: step.seconds.roughly, computeSeconds: step.compute.roughly,
      updateSeconds: step.update.roughly, exposedSeconds: step.exposed.roughly,
      waitingSeconds: step.waiting.roughly, efficiency: step.efficiency.roughly, steps: job.steps,
      hours: hours.roughly, imagesPerSecond: rate.roughly,
      dataBytesPerSecondOfHost: dataRate.roughly, coresOfHost: cores.roughly,
      checkpointBytes: checkpointBytes,
      dollars: price.map { ($0 * hours * Double(ranks)).roughly }, notes: notes)
  }
}

extension Double {
  /// Six digits: an estimate has no more, and they are the same on every machine.
  fileprivate var roughly: Double { Double(String(format: "%.6g", self)) ?? self }
}

// MARK: numbers

/// Three digits that count.
func short(_ value: Double) -> String {
  value >= 100 || value == value.rounded() && value < 1e6
    ? "\(Int(value.rounded()))" : Formatted.fixed(value, value >= 10 ? 1 : 2)
}

func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }

private func millions(_ count: Int) -> String {
  count < 1_000_000 ? "\(count)" : "\(short(Double(count) / 1e6)) M"
}

private func gigabytes(_ bytes: Double) -> String { "\(short(bytes / 1e9)) GB" }

private func rateText(_ bytes: Double) -> String {
  bytes < 1e9 ? "\(short(bytes / 1e6)) MB/s" : "\(short(bytes / 1e9)) GB/s"
}

private func milliseconds(_ seconds: Double) -> String {
  seconds < 10 ? "\(short(seconds * 1e3)) ms" : "\(short(seconds)) s"
}

private func hoursText(_ hours: Double) -> String {
  "\(Formatted.fixed(hours, hours < 10 ? 2 : 1)) h"
}

/// `1 host`, `8 hosts`
func counted(_ count: Int, _ noun: String) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
}
