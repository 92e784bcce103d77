import FileSystem
import MaskedAutoencoders
import Recipes
import Training

/// What a step takes, known before it is done; estimates.
struct StepCost: Sendable {
  /// The training; nil for steps that train no network.
  var job: RunPlan.Job?
  /// Floating-point operations, those of evaluation included.
  var operations: Double
  /// Bytes of memory with whole micro-batches.
  var memory: Double
  /// Bytes that stay on the disk.
  var disk: Double

  /// A step of no length.
  static let none = StepCost(job: nil, operations: 0, memory: 0, disk: 0)

  /// The cost of a training.
  ///
  /// - Parameters:
  ///   - validated: Images that are validated on at the end.
  ///   - forward: Operations of one of them.
  init(_ job: RunPlan.Job, validated: Int = 0, forward: Double = 0) {
    self.job = job
    let images = Double(job.batch * job.accumulation) * Double(job.steps)
    operations = job.cost.operations * images + forward * Double(validated)
    guard let plan = try? RunPlan(job, on: Machine.named[0], hosts: 1, gpus: 1) else {
      (memory, disk) = (0, 0)
      return
    }
    memory = plan.fixedBytes + plan.imageBytes * Double(job.batch)
    disk = plan.checkpointBytes * Double(job.checkpoints + 1)
  }

  init(job: RunPlan.Job?, operations: Double, memory: Double, disk: Double) {
    self.job = job
    self.operations = operations
    self.memory = memory
    self.disk = disk
  }

  /// Hours of the step on this machine, or on one that is named.
  func hours(on pace: Pace) -> Double {
    switch pace {
    case .measured(let rate): return operations / rate / 3600
    case .machine(let machine):
      let plans = [machine.gpus, 4, 2, 1].lazy.compactMap { gpus in
        job.flatMap { try? RunPlan($0, on: machine, hosts: 1, gpus: gpus) }
      }
      return plans.first?.hours
        ?? operations / (machine.utilization * machine.peak * Double(machine.gpus)) / 3600
    }
  }

  /// How the images of a step can be divided so that it fits into so many bytes: the largest micro-batch
  /// that does; nil where none does.
  func batch(fitting bytes: Double) -> (size: Int, accumulation: Int)? {
    guard let job, let plan = try? RunPlan(job, on: Machine.named[0], hosts: 1, gpus: 1) else {
      return nil
    }
    let most = Int((bytes - plan.fixedBytes) / plan.imageBytes)
    let size = (1...max(1, job.batch)).last {
      $0 <= most && job.batch % $0 == 0 && $0 % job.unit == 0
    }
    return size.map { ($0, job.batch / $0 * job.accumulation) }
  }
}

/// How fast steps are taken to be.
enum Pace: Sendable {
  /// Operations a second, measured here.
  case measured(Double)
  /// What a machine's sheet says, all accelerators of one host together.
  case machine(Machine)
}
