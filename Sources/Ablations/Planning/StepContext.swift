public import DataParallel
import FileSystem
import Recipes
import RecipeSyntax
import Runs
public import Torch
public import Training

/// What steps are done with: where, by which processes, who is told.
public struct StepContext {
  /// The processes that work together.
  let group: DataParallelGroup
  /// Where tensors live.
  let device: Device
  /// What is printed on.
  let terminal: Terminal
  /// Whether everything that the runs say is printed, or a line a step.
  let isVerbose: Bool
  /// Takes what is printed, line ends included.
  let print: (String) -> Void
  /// Takes notes.
  let warn: (String) -> Void
  /// Asked between two steps of a training.
  let shouldStop: () -> Bool

  /// Creates a context.
  public init(
    group: DataParallelGroup = .single, device: Device = .cpu, terminal: Terminal = .plain,
    isVerbose: Bool = false, print: @escaping (String) -> Void = { _ in },
    warn: @escaping (String) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
  ) {
    self.group = group
    self.device = device
    self.terminal = terminal
    self.isVerbose = isVerbose
    self.print = print
    self.warn = warn
    self.shouldStop = shouldStop
  }

  /// Trains in a folder by a recipe, or goes on where a run in it stood.
  func train<Task: TrainingTask>(
    _ task: Task.Type, _ inputs: Task.Inputs, by recipe: Task.Recipe,
    from book: RecipeBook<Task.Recipe>, in folder: String
  ) throws {
    if group.isFirst { _ = try RunFolder.putBackReplaced(in: folder) }
    let own = folder + "/recipe.yaml"
    let isResumed = isFile(own)
    let recipe =
      isResumed && group.isFirst
      ? try book.resolve(own).resumed(with: recipe, recipeIsNamed: true) : recipe
    let run = try TrainingRun<Task>(
      recipe, inputs,
      TrainingRun<Task>.Settings(
        out: folder, opening: isResumed ? .resume : .new, device: device, group: group))
    guard group.isFirst else {
      try FollowingSession(run).run(shouldStop: shouldStop)
      return
    }
    defer { if !isVerbose, terminal.isTerminal { print("\r\u{1B}[K") } }
    try TrainingSession(run, terminal: terminal, print: sink, warn: warn)
      .run(shouldStop: shouldStop)
  }

  /// Takes what a session prints: all of it, or on a terminal the line that is rewritten in place.
  private func sink(_ text: String) {
    if isVerbose || terminal.isTerminal && text.hasPrefix("\r") && !text.contains("\n") {
      print(text)
    }
  }
}
