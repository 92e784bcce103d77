import FileSystem
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import TorchNN
import TorchOptim
import Training

/// The time of a training step, as a step: forward and backward passes and the optimizer, on blank
/// images that are on the device already (Table 2 measures training, not reading).
struct StepTiming {
  let recipe: PretrainingRecipe
  let inputs: PretrainingInputs

  /// Steps that are timed at least, and seconds that they take together unless one takes longer.
  private static let fewest = 3
  private static let seconds = 2.0

  /// Measures the median of some steps after one that is not counted.
  func perform(_ context: StepContext) throws -> StepResult? {
    let start = ContinuousClock.now
    let task = try PretrainingTask(recipe, inputs, on: context.device, isResumed: false)
    task.choosePrecision(for: inputs.kind.name)
    let recipe = task.recipe
    let optimizer = recipe.optimizer.optimizer(over: task.parameterGroups)
    func step() -> Double {
      let start = ContinuousClock.now
      task.store.clearGradients()
      for _ in 0..<recipe.batch.accumulation {
        withAutocast(to: recipe.precision.type, on: context.device) {
          task.loss(ofBlankImages: recipe.batch.size)
        }.backward()
      }
      optimizer.step(learningRate: 0)
      context.device.synchronize()
      return FileSystem.seconds(since: start)
    }
    _ = step()
    var times: [Double] = []
    while times.count < Self.fewest || times.reduce(0, +) < Self.seconds { times.append(step()) }
    return StepResult(
      seconds: FileSystem.seconds(since: start), secondsPerStep: times.sorted()[times.count / 2])
  }
}

extension Pace {
  /// Operations a second of this machine, measured on a model of one block each of the widths and
  /// the grid of another.
  static func measured(_ recipe: PretrainingRecipe, on device: Device) -> Pace {
    var model = recipe.model
    model.encoder.depth = 1
    model.decoder?.depth = 1
    let kept = recipe.masking.kept(of: model.grid)
    let cost = ModelCost(pretraining: model, kept: kept)
    // About ten billion operations a pass.
    let batch = max(1, min(recipe.batch.size, Int(1e10 / cost.operations)))
    let store = ParameterStore(on: device, initializing: Generator(seed: 0))
    let network = MaskedAutoencoder(model, in: store.root)
    let images = Tensor.zeros([batch, model.channels, model.height, model.width]).to(device)
    let mask = recipe.masking.mask(model.grid, batch: batch, using: Generator(seed: 0)).to(device)
    func pass() -> Double {
      let start = ContinuousClock.now
      store.clearGradients()
      withAutocast(to: recipe.precision.type, on: device) { network.loss(images, mask: mask) }
        .backward()
      device.synchronize()
      return seconds(since: start)
    }
    _ = pass()
    return .measured(cost.operations * Double(batch) / min(pass(), pass()))
  }
}
