import ArgumentParser
import Foundation
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Torch
import Training

/// How long a run takes on some machines, and what it needs.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say how long a run takes on some machines, and what it needs there.",
    discussion: """
      Nothing is run: memory, step, hours, data rate and cost follow from the recipe's shapes and the \
      machine's sheet, by the formula in Documentation/Planning.md. Measured on one GPU, by mae bench \
      step, --images-per-second takes the place of the sheet.

      Examples:
        mae plan --recipe paper-table8-vit-large-800 --hosts 8 --set precision=bfloat16
        mae plan --recipe default --images 50000 --gpus 4 --machine a100-8x200g --price 1.5
        mae plan --recipe paper-table8-vit-huge-800 --hosts 4 --images-per-second 310 --nic 100
        mae plan --paper
      """)

  @Option(help: "A recipe's name or file.")
  var recipe: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a field of the recipe by its path.", valueName: "path=value"))
  var settings: [String] = []

  @Option(help: "How many hosts.")
  var hosts = 1

  @Option(help: "GPUs of each host; the machine's own number unless given.")
  var gpus: Int?

  @Option(
    help: ArgumentHelp(
      "The hosts: \(Machine.named.map(\.name).joinedWords("or")).", valueName: "name"),
    completion: .list(Machine.named.map(\.name)))
  var machine = Machine.named[0].name

  @Option(
    help: ArgumentHelp("Another peak of a GPU in the recipe's precision.", valueName: "TFLOP/s"))
  var peak: Double?

  @Option(help: ArgumentHelp("Another memory of a GPU.", valueName: "GB"))
  var memory: Double?

  @Option(
    help: ArgumentHelp(
      "Another rate of large all-reduces inside a host, as nccl-tests say it.", valueName: "GB/s"))
  var bus: Double?

  @Option(help: ArgumentHelp("Another network of a host, all cards together.", valueName: "Gbit/s"))
  var nic: Double?

  @Option(
    help: ArgumentHelp("Another time of the smallest all-reduce over hosts.", valueName: "ms"))
  var latency: Double?

  @Option(help: "Images a second of one GPU, measured over whole steps.")
  var imagesPerSecond: Double?

  @Option(help: "Images of a GPU in a pass, at most; as many as fit unless given.")
  var perPass: Int?

  @Option(help: "What gradients are exchanged in: float32 or bfloat16.")
  var reduce = GradientReducer.Wire.float32

  @Option(help: "Images of the set; ImageNet-1K's unless given.")
  var images = PublishedTime.imageNet

  @Option(help: ArgumentHelp("Size of an image's file.", valueName: "kB"))
  var imageSize = 110.0

  @Option(help: "Images that a core decodes in a second; see mae bench data.")
  var imagesPerCore = 1000.0

  @Option(
    help: "The encoder of a recipe that starts from one: tiny, small, base, large or huge.")
  var encoder = "base"

  @Option(help: "Classes, where labels are learned.")
  var classes = 1000

  @Option(help: ArgumentHelp("The price of a GPU's hour.", valueName: "$"))
  var price: Double?

  @Flag(help: "Set the paper's Table 2 and the published code's hours beside the formula.")
  var paper = false

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if paper == (recipe != nil) {
      throw ValidationError(
        paper
          ? "--paper and --recipe exclude each other"
          : "name a recipe with --recipe, or give --paper"
      )
    }
    for (name, value) in [
      ("hosts", hosts), ("gpus", gpus ?? 1), ("per-pass", perPass ?? 1), ("images", images),
      ("classes", classes),
    ] where value < 1 || value > 1 << 40 {
      throw ValidationError("--\(name) is \(value); expected at least 1")
    }
    if hosts > 100_000 || (gpus ?? 1) > 1024 {
      throw ValidationError(
        "--hosts \(hosts) --gpus \(gpus ?? 8) is too many; expected 100000 hosts of 1024 at most")
    }
    for (name, value) in [
      ("peak", peak), ("memory", memory), ("bus", bus), ("nic", nic), ("latency", latency),
      ("images-per-second", imagesPerSecond), ("image-size", imageSize),
      ("images-per-core", imagesPerCore), ("price", price),
    ] {
      guard let value, !(value > 0 && value < 1e12) else { continue }
      throw ValidationError("--\(name) is \(value); expected a number above 0")
    }
    if !Machine.named.contains(where: { $0.name == machine }) {
      let names = Machine.named.map(\.name)
      throw ValidationError(
        "--machine is \(machine); expected \(names.joinedWords("or")), or one of your own by --peak, "
          + "--memory, --bus and --nic")
    }
    if !TransformerShape.named.contains(where: { $0.name == encoder }) {
      throw ValidationError(
        "--encoder is \(encoder); expected \(TransformerShape.named.map(\.name).joinedWords("or"))")
    }
  }

  func run() throws {
    guard let recipe else {
      print(PublishedTime.lines.joined(separator: "\n"))
      return
    }
    let machine = changedMachine
    let plan = try RunPlan(
      job(recipe), on: machine, hosts: hosts, gpus: gpus ?? machine.gpus, assuming: assumptions)
    guard json else {
      print(plan.lines(price: price).joined(separator: "\n"))
      return
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(plan.record(price: price)), as: UTF8.self))
  }

  private func job(_ name: String) throws -> RunPlan.Job {
    let classification = RecipeBooks.classification
    guard RecipeBooks.book(of: name).commands == classification.commands else {
      return RunPlan.Job(
        try RecipeBooks.pretraining.resolve(name, settings: settings), images: images)
    }
    let shape = TransformerShape.named.first { $0.name == encoder }?.shape ?? .base
    return RunPlan.Job(
      try classification.resolve(name, settings: settings),
      encoder: ModelConfiguration(patch: shape == .huge ? 14 : 16, encoder: shape, decoder: nil),
      classes: classes, images: images)
  }

  private var changedMachine: Machine {
    var changed = Machine.named.first { $0.name == machine } ?? Machine.named[0]
    if let peak { (changed.peak, changed.peakFloat32) = (peak * 1e12, peak * 1e12) }
    if let memory { changed.memory = memory * 1e9 }
    if let bus { changed.bus = bus * 1e9 }
    if let nic { (changed.cards, changed.card) = (1, nic * 1e9 / 8) }
    if let latency { changed.latency = (latency / 1e3, 0) }
    if peak != nil || memory != nil || bus != nil || nic != nil || latency != nil {
      changed.name += " changed"
    }
    return changed
  }

  private var assumptions: RunPlan.Assumptions {
    var assumptions = RunPlan.Assumptions()
    assumptions.gradientBytes = reduce == .bfloat16 ? 2 : 4
    assumptions.imagesPerSecond = imagesPerSecond
    assumptions.perPass = perPass
    assumptions.imageBytes = imageSize * 1e3
    assumptions.imagesPerCore = imagesPerCore
    return assumptions
  }
}
