import ArgumentParser
import Recipes
import Training

@testable import mae

/// Rotation prediction on images without labels.
struct RotationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotation",
    abstract: "Train an encoder to tell how images are rotated; labels are not needed.")

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "Images to validate on; the validation part of DATA unless given.")
  var validation: String?

  @Option(help: "The run folder: recipe, checkpoints, curves.")
  var out: String

  @OptionGroup var options: RunOptions

  func run() throws {
    let inputs = try RotationInputs(
      data: dataPath(data), validation: validation.map { name in try dataPath(name) })
    try options.train(RotationTask.self, inputs, from: RecipeBooks.rotation, out: out)
  }
}
