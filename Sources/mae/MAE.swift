import ArgumentParser
import DataParallel
import Datasets
import FileSystem
import Foundation
import Inference
import RecipeSyntax
import Training

/// Masked Autoencoders: pre-train a Vision Transformer on unlabelled images and find out what its
/// features are worth.
@main
struct MAE: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mae",
    abstract: "Masked Autoencoders: pre-train on unlabelled images, look, measure, use.",
    discussion: """
      Start here:
        mae data fetch fashion-mnist
        mae pretrain fashion-mnist --recipe demo-fashion-mnist --out runs/first
        mae reconstruct runs/first fashion-mnist --out sheet.png

      Every command has examples: mae help COMMAND. Shell completions:
        mae --generate-completion-script zsh|bash|fish
      """,
    version: "0.1.0",
    subcommands: [
      PretrainCommand.self, ReconstructCommand.self, KNNCommand.self, ProbeCommand.self,
      FinetuneCommand.self, ScratchCommand.self,
      AblateCommand.self, FiguresCommand.self,
      EvaluateCommand.self, PredictCommand.self, EmbedCommand.self, SegmentCommand.self,
      DetectCommand.self, ContrastiveCommand.self, TokenizerCommand.self,
      ForwardCommand.self, ServeCommand.self,
      WeightsCommand.self, DataCommand.self, RecipesCommand.self,
      BenchCommand.self, LaunchCommand.self, PlanCommand.self, DoctorCommand.self,
    ])

  static func main() {
    ExitStatus.surviveFileSizeLimits()
    reserveStandardStreams()
    suggestCommand()
    LauncherWatch.start(environment: ProcessInfo.processInfo.environment)
    ProductTimesFile.standard.remember()
    do {
      var command = try parseAsRoot(wordsByTheirBytes)
      try command.run()
      ExitStatus.end(EXIT_SUCCESS)
    } catch {
      ExitStatus.leave(error)
    }
  }

  /// The words of the command line where one of them is no text, as a file's name may be; nil where
  /// Swift has them all.
  private static var wordsByTheirBytes: [String]? {
    let words = (1..<max(Int(CommandLine.argc), 1)).compactMap { i in
      CommandLine.unsafeArgv[i].map { word in
        let count = strlen(word)
        return word.withMemoryRebound(to: UInt8.self, capacity: count) {
          String(pathBytes: UnsafeBufferPointer(start: $0, count: count))
        }
      }
    }
    return words.contains { $0.shownPath != $0 } ? words : nil
  }

  /// The words that stand first on a command line.
  static var commandNames: [String] {
    var names: [String] = []
    for command in configuration.subcommands {
      if let name = command.configuration.commandName { names.append(name) }
    }
    return names
  }

  /// Says which command a misspelt one may have been meant to be.
  private static func suggestCommand() {
    let words = CommandLine.arguments.dropFirst()
    let word = words.first == "help" ? words.dropFirst().first : words.first
    let names = ["help"] + commandNames
    guard let word, !word.hasPrefix("-"), !names.contains(word) else { return }
    let advice = nearestName(to: word, among: names).map { "did you mean \($0)?" }
    warn(
      "error: there is no command '\(word)'; "
        + (advice ?? "there are \(names.joined(separator: ", "))"))
    ExitStatus.usage.end()
  }
}
