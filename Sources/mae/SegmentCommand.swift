import ArgumentParser

/// The class of every pixel: training, evaluating, predicting, and scoring anybody's results.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Semantic segmentation: the class of every pixel.",
    discussion: """
      Examples:
        mae segment train runs/first scenes/ --out runs/scenes
        mae segment evaluate runs/scenes scenes/
        mae segment predict runs/scenes photos/ --out labels/ --overlay pictures/
        mae segment score labels/ --truth scenes/
      """,
    subcommands: [
      SegmentTrainCommand.self, SegmentEvaluateCommand.self, SegmentPredictCommand.self,
      SegmentScoreCommand.self, SegmentExportCommand.self,
    ])
}
