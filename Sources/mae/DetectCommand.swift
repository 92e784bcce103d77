import ArgumentParser

/// Boxes and masks of objects.
struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Detection: boxes and masks of objects.",
    discussion: """
      Examples:
        mae detect train runs/first scenes/ --out runs/objects
        mae detect evaluate runs/objects scenes/
        mae detect predict runs/objects photos/ --out detections.json --overlay pictures/
        mae detect score detections.json --truth annotations/instances_val.json
      """,
    subcommands: [
      DetectTrainCommand.self, DetectEvaluateCommand.self, DetectPredictCommand.self,
      DetectScoreCommand.self, DetectExportCommand.self,
    ])
}
