import DataParallel
import Datasets
import Foundation
import Recipes
import Runs
import Torch
import TorchNN
import TorchOptim

/// What the first process of a run tells the others before the first step.
extension DataParallelGroup {
  /// This process's place among those that read the data.
  var dataRank: DataParallelRank { DataParallelRank(rank, of: count, onHost: share?.ranks ?? 1) }

  /// Makes a task on every process, by the recipe that the first one has completed.
  ///
  /// - Parameter complete: Completes what the task itself is needed for; called on the first process.
  func task<Task: TrainingTask>(
    _ recipe: Task.Recipe, _ inputs: Task.Inputs, _ settings: TrainingRun<Task>.Settings,
    completing complete: (Task) -> Void
  ) throws -> Task {
    var first: Task?
    note(step: 0, .opening)
    let text = try share {
      let task = try Task(
        recipe, inputs, on: settings.device, isResumed: settings.opening == .resume)
      try requireDivision(of: task.recipe)
      complete(task)
      first = task
      let briefing = Briefing(
        recipe: task.recipe, images: task.data.dataset.count,
        layout: task.data.layout(task.recipe))
      return isSingle ? "" : String(decoding: try JSONEncoder().encode(briefing), as: UTF8.self)
    }
    if let first { return first }
    let briefing = try JSONDecoder().decode(
      Briefing<Task.Recipe>.self, from: Data(text.utf8))
    let task = try Task(briefing.recipe, inputs, on: settings.device, isResumed: true)
    guard task.data.dataset.count == briefing.images,
      task.data.layout(task.recipe) == briefing.layout
    else {
      throw RunFailure(
        .badData,
        "\(task.data.path) holds \(task.data.dataset.count) images on \(hosts[rank]) and "
          + "\(briefing.images) on \(hosts[0]), or lies there in other parts; all hosts need the same "
          + "set")
    }
    return task
  }

  private struct Briefing<Recipe: Codable>: Codable {
    var recipe: Recipe
    var images: Int
    var layout: UInt32?
  }

  /// Refuses a batch that the processes cannot share evenly.
  private func requireDivision(of recipe: some TrainingRecipe) throws(RunFailure) {
    let unit = recipe.mixesImages ? 2 * count : count
    let size = recipe.batch.size
    guard !isSingle, size % unit != 0 else { return }
    let below = size / unit * unit
    let sizes = below > 0 ? "\(below) or \(below + unit)" : "\(unit)"
    let why =
      recipe.mixesImages ? "\(count) ranks, each with pairs to be mixed" : "\(count) ranks"
    throw RunFailure(
      .recipe,
      "batch.size is \(size) images of all ranks, which cannot be shared evenly by \(why); the "
        + "nearest that can: \(sizes)")
  }

  /// Gives all processes the weights, moments and averages of the first, and the step they are of.
  func handOut(
    _ store: ParameterStore, _ optimizer: any Optimizer, _ ema: ModelEMA?, step: Int
  ) throws -> Int {
    guard !isSingle else { return step }
    let text = try share {
      let state = step > 0 ? optimizer.state : []
      let parts = state.map {
        StatePart(name: $0.name, shape: $0.tensor.shape, type: $0.tensor.dtype.rawValue)
      }
      return String(
        decoding: try JSONEncoder().encode(Standing(step: step, state: parts)), as: UTF8.self)
    }
    let standing = try JSONDecoder().decode(Standing.self, from: Data(text.utf8))
    try broadcast(store.weights.map(\.tensor))
    if let ema { try broadcast(ema.weights.map(\.tensor)) }
    guard standing.step > 0 else { return 0 }
    let device = store.device
    let own = Dictionary(
      uniqueKeysWithValues: isFirst ? optimizer.state.map { ($0.name, $0.tensor) } : [])
    let state = standing.state.map { part in
      let type = DType(rawValue: part.type) ?? .float32
      return own[part.name] ?? Tensor.zeros(part.shape, dtype: type).to(device)
    }
    try broadcast(state)
    if !isFirst {
      let named = zip(standing.state, state).map { ($0.name, $1) }
      try optimizer.restore(Dictionary(uniqueKeysWithValues: named), steps: standing.step)
    }
    return standing.step
  }

  private struct Standing: Codable {
    var step: Int
    var state: [StatePart]
  }

  private struct StatePart: Codable {
    var name: String
    var shape: [Int]
    var type: Int8
  }

  /// The broken images that all processes have met, on each of them.
  func gathered(_ broken: [UndecodableImage]) throws -> [UndecodableImage] {
    guard !isSingle else { return broken }
    let texts = try gather(String(decoding: try JSONEncoder().encode(broken), as: UTF8.self))
    var seen: Set<Int> = []
    return try texts.flatMap {
      try JSONDecoder().decode([UndecodableImage].self, from: Data($0.utf8))
    }.filter { seen.insert($0.index).inserted }
  }
}
