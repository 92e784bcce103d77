import ArgumentParser
import Foundation
import Recipes
import Training

/// The recipes that have a name.
struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes", abstract: "List recipes and show them in full.",
    subcommands: [List.self, Show.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the recipes, a line each.")

    func run() {
      let width = RecipeBook.entries.map(\.name.count).max() ?? 0
      for entry in RecipeBook.entries {
        print(entry.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + entry.summary)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a recipe in full, with every field that --set can change.",
      discussion: """
        What is shown is a recipe file: mae pretrain --recipe takes it.

        Examples:
          mae recipes show paper-table8-vit-base
          mae recipes show default --set model.encoder=small > mine.yaml
        """)

    @Argument(
      help: "A recipe's name or file.", completion: .list(RecipeBook.entries.map(\.name)))
    var recipe: String

    @Option(
      name: .customLong("set"),
      help: ArgumentHelp("Change a field by its path.", valueName: "path=value"))
    var settings: [String] = []

    func run() throws {
      let header = try? RecipeBook.entry(named: recipe).header
      let resolved = try RecipeBook.resolve(recipe, settings: settings)
      print(resolved.yaml(header: settings.isEmpty ? header ?? [] : []), terminator: "")
    }
  }
}
