import ArgumentParser
import Datasets
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
      let books = RecipeBooks.all
      let width = books.flatMap(\.summaries).map(\.name.count).max() ?? 0
      for book in books {
        print("\(book.commands.joined(separator: ", ")):")
        for (name, summary) in book.summaries {
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

    private static let names = RecipeBooks.all.flatMap(\.summaries).map(\.name)

    func run() throws {
      let yaml = try RecipeBooks.book(of: recipe).yaml(recipe, settings: settings) { renamed in
        warn("note: \(renamed)")
      }
      print(yaml, terminator: "")
    }
  }
}
