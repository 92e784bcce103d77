import Datasets
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
      let books = [
        ("mae pretrain", RecipeBook.entries.map { ($0.name, $0.summary) }),
        ("mae finetune, mae scratch", FinetuningBook.entries.map { ($0.name, $0.summary) }),
      ]
      let width = books.flatMap(\.1).map(\.0.count).max() ?? 0
      for (command, entries) in books {
        print("\(command):")
        for (name, summary) in entries {
          print("  " + name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + summary)
        }
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a recipe in full, with every field that --set can change.",
      discussion: """
        What is shown is a recipe file: --recipe of mae pretrain, or of mae finetune and mae scratch, takes \
        it.

        Examples:
          mae recipes show paper-table8-vit-base
          mae recipes show default --set model.encoder=small > mine.yaml
          mae recipes show finetune-vit-base
        """)

    @Argument(
      help: "A recipe's name or file.", completion: .list(Self.names))
    var recipe: String

    @Option(
      name: .customLong("set"),
      help: ArgumentHelp("Change a field by its path.", valueName: "path=value"))
    var settings: [String] = []

    private static let names =
      RecipeBook.entries.map(\.name) + FinetuningBook.entries.map(\.name)

    func run() throws {
      let entry = try? FinetuningBook.entry(named: recipe)
      if entry != nil || (try? RecipeFile(at: recipe))?.isOfClassifier == true {
        let resolved = try FinetuningBook.resolve(recipe, settings: settings)
        print(resolved.yaml(header: settings.isEmpty ? entry?.header ?? [] : []), terminator: "")
        return
      }
      let header = try? RecipeBook.entry(named: recipe).header
      let resolved = try RecipeBook.resolve(recipe, settings: settings)
      print(resolved.yaml(header: settings.isEmpty ? header ?? [] : []), terminator: "")
    }
  }
}
