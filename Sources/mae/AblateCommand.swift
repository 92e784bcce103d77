public import Ablations
public import ArgumentParser
import DataParallel
import Datasets
import FileSystem
import Foundation
import RecipeSyntax
import Runs
import Torch
import Training

/// The paper's experiments: one thing varied at a time.
struct AblateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ablate",
    abstract: "Run one of the paper's experiments: one thing varied, each variant measured.",
    discussion: """
      Rows are run in order, each an ordinary run folder in OUT/rows: an encoder is trained without \
      labels, fine-tuned, and probed. OUT/NAME gets report.html, results.csv, results.json and plot.svg, \
      with the paper's values beside what was found. What is done is never done again: an ablation that \
      was interrupted goes on where it stood, and rows that are the same in several ablations are run \
      once where OUT is the same.

      Examples:
        mae ablate --list
        mae ablate 1a --dry-run
        mae ablate figure5 --seeds 3
        mae ablate 1e --scale small --data photos/ --out runs/study
        mae ablate 1a --scale paper --data IMAGENET --dry-run --machine h100-8x400g
      """)

  @Argument(help: "The experiment: \(Ablations.names.joinedWords("or")).")
  var name: String?

  @Flag(help: "List the experiments and their rows.")
  var list = false

  @Option(help: "The size: \(AblationScale.named.map(\.name).joinedWords("or")).")
  var scale = "demo"

  @Option(
    help:
      "Labelled images: a fetched set, class folders, an IDX folder; the scale's own unless given.",
    completion: .directory)
  var data: String?

  @Option(
    help: """
      Labelled images to validate on; the validation part of the data unless given, or a tenth of it \
      where it has none.
      """)
  var validation: String?

  @Option(help: "The folder of rows and results; runs/ablate-SCALE unless given.")
  var out: String?

  @Option(help: ArgumentHelp("Run these rows only, with commas between.", valueName: "names"))
  var rows: String?

  @Option(help: "Run every row with so many seeds, and give mean and spread.")
  var seeds = 1

  @Option(
    parsing: .upToNextOption,
    help: "What is measured, where a row measures it: finetuned, probed, time; all unless given.")
  var measure: [AblationMeasure] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a field of every row's pre-training.", valueName: "path=value"))
  var settings: [String] = []

  @Option(
    help:
      "A tokenizer that is there, for rows whose target are tokens; one is trained unless given.",
    completion: .directory)
  var tokenizer: String?

  @Option(
    help: ArgumentHelp("Change a field of the tokenizer's training.", valueName: "path=value"))
  var setTokenizer: [String] = []

  @Option(
    help: ArgumentHelp("Change a field of every contrastive pre-training.", valueName: "path=value")
  )
  var setContrastive: [String] = []

  @Option(help: ArgumentHelp("Change a field of every fine-tuning.", valueName: "path=value"))
  var setFinetune: [String] = []

  @Option(
    help: ArgumentHelp(
      "Change a field of every linear probe that is trained.", valueName: "path=value"))
  var setProbe: [String] = []

  @Flag(help: "Print rows, hours, memory and disk; run nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      "With --dry-run: a host whose sheet tells hours, \(Machine.named.map(\.name).joinedWords("or")); "
        + "measured here unless given.", valueName: "name"),
    completion: .list(Machine.named.map(\.name)))
  var machine: String?

  @Flag(help: "Print all that the runs say.")
  var verbose = false

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var processes: ProcessOptions

  func validate() throws {
    if let name, Ablations.named(name) == nil {
      let advice =
        nearestName(to: name, among: Ablations.names).map { "did you mean \($0)?" }
        ?? "there are \(Ablations.names.joinedWords("and"))"
      throw ValidationError("there is no ablation '\(name)'; \(advice)")
    }
    guard let found = AblationScale.named.first(where: { $0.name == scale }) else {
      throw ValidationError(
        "--scale is \(scale); expected \(AblationScale.named.map(\.name).joinedWords("or"))")
    }
    if !(1...1000).contains(seeds) {
      throw ValidationError("--seeds is \(seeds); expected 1 to 1000")
    }
    if name != nil, !list, data == nil, found.data == nil {
      throw ValidationError(
        "--scale \(scale) has no images of its own; name labelled ones with --data")
    }
    if let machine, !Machine.named.contains(where: { $0.name == machine }) {
      throw ValidationError(
        "--machine is \(machine); expected \(Machine.named.map(\.name).joinedWords("or"))")
    }
    try requireRows(at: found)
  }

  /// The names that `--rows` has.
  private var chosen: [String] {
    (rows ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private func requireRows(at scale: AblationScale) throws {
    guard let ablation = name.flatMap(Ablations.named) else { return }
    let names = ablation.rows(at: scale).map(\.name)
    for row in chosen where !names.contains(row) {
      let advice = nearestName(to: row, among: names).map { "did you mean \($0)?" }
      throw ValidationError(
        "\(ablation.name) has no row '\(row)'; "
          + (advice ?? "it has \(names.joinedWords("and"))"))
    }
  }

  func run() throws {
    let scale = AblationScale.named.first { $0.name == self.scale } ?? .demo
    guard let ablation = name.flatMap(Ablations.named), !list else {
      for ablation in Ablations.all { show(ablation, at: scale) }
      return
    }
    let word = data ?? scale.data ?? ""
    let settings = AblationPlan.Settings(
      out: out ?? "runs/ablate-\(scale.name)", data: try dataPath(word),
      validation: try validation.map { word throws in try dataPath(word) },
      named: (data: word, validation: validation), seeds: seeds, rows: chosen,
      measures: measure.isEmpty ? Set(AblationMeasure.allCases) : Set(measure),
      changes: self.settings, tokenizing: setTokenizer, tokenizer: tokenizer,
      contrastive: setContrastive, finetuning: setFinetune,
      probing: setProbe)
    let plan = try AblationPlan(ablation, at: scale, settings)
    if dryRun {
      let device = machine == nil ? try compute.open() : .cpu
      let lines = try plan.lines(on: device, machine: Machine.named.first { $0.name == machine })
      print(lines.joined(separator: "\n"))
      return
    }
    try processes.work(compute) { group, device in
      Interrupts.install()
      if group.isFirst { for warning in plan.warnings { warn("note: \(warning)") } }
      let results = try AblationRun(
        plan,
        StepContext(
          group: group, device: device, terminal: .attached(to: 1), isVerbose: verbose, print: say,
          warn: mae.warn, shouldStop: { Interrupts.requested != nil })
      ).run()
      guard group.isFirst else { return }
      print("")
      for line in results.lines { print(line) }
      print("wrote \(plan.results)/report.html, results.csv, results.json, plot.svg")
    }
  }

  private func show(_ ablation: Ablation, at scale: AblationScale) {
    print("\(ablation.name): \(ablation.title) (\(ablation.place))")
    for row in ablation.rows(at: scale) {
      print("  \(row.name.padding(toLength: 30, withPad: " ", startingAt: 0))\(row.label)")
    }
  }
}

extension AblationMeasure: ExpressibleByArgument {}
