import ArgumentParser

/// Boxes and masks of objects.
struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Detection: boxes and masks of objects.",
    discussion: """
      Examples:
        mae detect score detections.json --truth annotations/instances_val.json
      """,
    subcommands: [DetectScoreCommand.self])
}
