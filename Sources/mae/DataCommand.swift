import ArgumentParser
import Datasets
import Foundation
import Imaging
import Training

/// Sets of images: getting them, looking at them.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Get sets of images and look at them.",
    subcommands: [Fetch.self, Inspect.self])

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Get a public set of images, checked byte by byte.",
      discussion: """
        Known sets: \(DatasetCatalog.names.joined(separator: ", ")). They are kept under
        $XDG_CACHE_HOME/swift-mae or ~/.cache/swift-mae, and commands take their names for DATA.

        Examples:
          mae data fetch fashion-mnist
          mae data fetch fashion-mnist --from https://example.org/mirror
        """)

    @Argument(help: "The set's name.", completion: .list(DatasetCatalog.names))
    var name: String

    @Option(
      help: "A folder or address that holds the files; MAE_DATA_FROM in the environment does too.")
    var from: String?

    func run() throws {
      let address = from ?? ProcessInfo.processInfo.environment["MAE_DATA_FROM"]
      _ = try DatasetCatalog.fetch(name, from: address) { print($0) }
    }
  }

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count, decode and measure the images of a set.",
      discussion: """
        Every image is decoded unless --sample is given. Broken files are named; exits with 65 when
        there are any.

        Examples:
          mae data inspect photos/
          mae data inspect photos/ --sample 1000
        """)

    @Argument(help: dataHelp, completion: .directory)
    var data: String

    @Option(help: "Images to decode, chosen evenly; all unless given.")
    var sample: Int?

    @Flag(help: "Look at the validation part of a divided set.")
    var validation = false

    func validate() throws {
      if let sample, sample < 1 {
        throw ValidationError("--sample is \(sample); expected at least 1")
      }
    }

    func run() throws {
      let dataset = try openDataset(
        at: DatasetCatalog.path(for: data), split: validation ? .validation : .training)
      let summary = DatasetSummary(of: dataset, sample: sample)
      for line in summary.lines { print(line) }
      for broken in summary.broken.prefix(20) { print("broken   \(broken)") }
      if summary.broken.count > 20 { print("broken   … \(summary.broken.count) in all") }
      if !summary.broken.isEmpty { throw ExitCode(ExitStatus.badData.rawValue) }
    }
  }
}

/// What DATA may be, for help texts.
let dataHelp: ArgumentHelp = """
  Images: a folder (flat or nested), a text list, an IDX folder, or the name of a fetched set.
  """
