public import ArgumentParser
import DataParallel
public import Datasets
import FileSystem
import Foundation
public import Inference
public import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Synchronization
import Torch
import Training
import WeightExchange

/// Where and with how many threads a command computes.
struct ComputeOptions: ParsableArguments {
  @Option(help: "Where to compute: auto, cpu, cuda:0 or mps.")
  var device = "auto"

  @Option(help: "Threads of one operator on the CPU; libtorch's choice unless given.")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); expected 1 to 1024")
    }
  }

  /// Opens the engine and the device.
  func open() throws -> Device {
    try Engine.load()
    ExitStatus.speakForTheEngine()
    if let threads { Engine.threads = threads }
    return try Device(named: device)
  }
}

/// How a command works together with others of its kind that torchrun, srun, mpirun or mae launch
/// have started.
struct ProcessOptions: ParsableArguments {
  @Option(help: "With many processes: seconds that they wait for each other in a step.")
  var patience = 600.0

  @Option(help: "With many processes: seconds that they wait for each other to come.")
  var patienceStart = 600.0

  func validate() throws {
    for (name, value) in [("--patience", patience), ("--patience-start", patienceStart)]
    where !(1...1e6).contains(value) {
      throw ValidationError("\(name) is \(value); expected 1 to 1000000 seconds")
    }
  }

  /// Opens the engine, meets the other processes where there are any, and takes this process's part
  /// of the host.
  func open(_ compute: ComputeOptions) throws -> (group: DataParallelGroup, device: Device) {
    let environment = ProcessInfo.processInfo.environment
    guard let launch = try Launch.from(environment: environment, note: { warn("note: \($0)") })
    else { return (.single, try compute.open()) }
    try Engine.load()
    guard ProcessGroup.isAvailable else {
      throw RankFailure(
        "\(launch.launcher) has started \(launch.ranks) processes, and this libtorch trains with one; "
          + "many need Linux", status: ExitStatus.noEngine.rawValue)
    }
    // `mae launch` marks the lines itself.
    let isMarked = launch.rank > 0 && launch.launcher != .maeLaunch
    if isMarked { speaker.withLock { $0 = "[rank \(launch.rank)] " } }
    ExitStatus.speakForTheEngine()
    let meeting = Meeting(
      launch, words: Meeting.commonWords(of: CommandLine.arguments.dropFirst()),
      patienceAtStart: patienceStart, patience: patience,
      device: { try compute.device(ofLocalRank: $0) },
      note: { warn($0) },
      onFailure: { failure in
        warn("error: \(failure)")
        _exit(failure.status)
      })
    let (group, device) = try meeting.join()
    if isMarked { speaker.withLock { $0 = "[\(group.label)] " } }
    ExitStatus.speakForTheEngine(before: group.lastWords)
    let share = group.share
    HostLimits.set(cores: share?.threads ?? 1, processes: share?.ranks ?? 1)
    Engine.threads = compute.threads ?? share?.threads ?? Engine.threads
    return (group, device)
  }

  /// Does a group's work; what ends it here ends it on all ranks.
  func work<Output>(
    _ compute: ComputeOptions, _ body: (DataParallelGroup, Device) throws -> Output
  ) throws -> Output {
    let (group, device) = try open(compute)
    do {
      let output = try body(group, device)
      group.finish()
      return output
    } catch is HelpersWorkIsDone {
      group.finish(waitingFor: 0)
      throw ExitCode.success
    } catch let error as Interruption {
      group.finish()
      throw error
    } catch {
      // What another rank has ended by is not this one's to say.
      if !(error is RankFailure) {
        let lines = "\(error)".split(separator: "\n").joined(separator: "; ")
        group.leave(lines, status: ExitStatus.number(of: error))
      } else {
        group.finish()
      }
      throw error
    }
  }
}

extension ComputeOptions {
  /// The device of one of several processes of a host: GPUs are dealt out in turn where none is
  /// named by its number.
  func device(ofLocalRank rank: Int) throws -> Device {
    let named = try Device(named: device == "cuda" ? "cuda:0" : device)
    guard named.kind == .cuda, !device.contains(":") else { return named }
    return Device(.cuda, index: rank % max(1, Device.count(.cuda)))
  }
}

/// What is known of a published model and not written in its file.
struct HintOptions: ParsableArguments {
  @Option(help: "Attention heads of the encoder, where the file does not say.")
  var heads: Int?

  @Option(help: "Attention heads of the decoder, where the file does not say.")
  var decoderHeads: Int?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Rows and columns of patches, where the file does not say and they differ.",
      valueName: "rows columns"))
  var grid: [Int] = []

  @Option(
    help: "What the decoder predicts, where the file does not say: pixels or normalized-pixels.")
  var target: ReconstructionTarget?

  @Option(help: "Epsilon of the layer norms, where the file does not say.")
  var normEpsilon: Double?

  @Option(help: "What the model's names begin with, where a file holds more than one: backbone.")
  var prefix: String?

  @Option(help: "The key of a .pth file under which the weights are: state_dict_ema.")
  var key: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The samples of images with 16 bits that become black and white, such as 0 4095; the model's own, "
        + "or all of 16 bits, unless given.",
      valueName: "low high"))
  var valueRange: [Int] = []

  func validate() throws {
    try requireValueRange(valueRange)
    guard grid.isEmpty || grid.count == 2 && grid.allSatisfy({ (1...65_536).contains($0) }) else {
      throw ValidationError("--grid is \(grid); expected rows and columns of patches")
    }
  }

  var hints: ConfigurationHints {
    var hints = ConfigurationHints()
    if grid.count == 2 { hints.grid = PatchGrid(rows: grid[0], columns: grid[1]) }
    hints.heads = heads
    hints.decoderHeads = decoderHeads
    hints.target = target
    hints.normEpsilon = normEpsilon
    hints.prefix = prefix
    hints.key = key
    if valueRange.count == 2 { hints.valueRange = valueRange[0]...valueRange[1] }
    return hints
  }
}

/// Checks the numbers of `--value-range`.
func requireValueRange(_ numbers: [Int]) throws {
  guard numbers.isEmpty || numbers.count == 2 && numbers[0] < numbers[1] && numbers[0] >= 0,
    numbers.allSatisfy({ $0 <= 65535 })
  else {
    throw ValidationError(
      "--value-range is \(numbers.map(String.init).joined(separator: " ")); expected two numbers from "
        + "0 to 65535, the smaller first")
  }
}

// The words that options take are those of recipes and files.
extension ReconstructionTarget: ExpressibleByArgument {
  public init?(argument: String) {
    guard let target = PatchTargets.named(argument) else { return nil }
    self.init(target)
  }
  /// Those that other programs' weights can be of.
  public static var allValueStrings: [String] {
    PatchTargets.names.filter { PatchTargets.named($0)?.normPixLoss != nil }
  }
  public var defaultValueDescription: String { name }
}
extension Features.Pooling: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension GradientReducer.Wire: ExpressibleByArgument {}
extension DatasetSplit: ExpressibleByArgument {}
extension PredictionText.Format: ExpressibleByArgument {}
extension Embedding: ExpressibleByArgument {}
extension NeighbourSearch.Format: ExpressibleByArgument {}
extension ClassMatching.Competing: ExpressibleByArgument {}

/// What `--precision` says of itself.
let precisionHelp: ArgumentHelp =
  "What products are computed in; auto times the model here and takes the faster."

/// Another masking strategy than that of the model or workload.
struct StrategyOptions: ParsableArguments {
  @Option(
    help: "The masking strategy, with its default parameters; the model's own unless given.")
  var strategy: String?

  func validate() throws {
    guard let strategy, MaskingStrategies.named(strategy) == nil else { return }
    let names = MaskingStrategies.names
    let hint = nearestName(to: strategy, among: names).map { "; did you mean \($0)?" } ?? ""
    throw ValidationError(
      "--strategy is \(strategy); expected \(names.joinedWords("or"))\(hint)")
  }

  /// The strategy, at a ratio where it can have it; nil where none is named.
  func masking(ratio: Double) -> Masking? {
    let named = strategy.flatMap { MaskingStrategies.named($0) }.map { Masking($0) }
    return named?.withRatio(ratio) ?? named
  }
}

/// A model that a command uses.
struct ModelOptions: ParsableArguments {
  @Argument(
    help: """
      A run folder, a checkpoint, a folder of Hugging Face's (ViTMAE, ViT) or timm's, or a \
      safetensors or .pth file in their naming or the original's.
      """,
    completion: .file())
  var model: String

  @OptionGroup var hints: HintOptions

  /// Loads the model and says what had to be assumed.
  ///
  /// - Parameters:
  ///   - readsImages: Whether image files are going to be shown to it.
  ///   - namesPreprocessing: Whether it matters how they would be prepared.
  func load(
    on device: Device, readsImages: Bool = false, namesPreprocessing: Bool = false
  ) throws -> LoadedModel {
    try Self.load(
      model, hints, on: device, readsImages: readsImages, namesPreprocessing: namesPreprocessing)
  }

  /// Loads a model from a path and says what had to be assumed.
  static func load(
    _ path: String, _ hints: HintOptions, on device: Device, readsImages: Bool = false,
    namesPreprocessing: Bool = false
  ) throws -> LoadedModel {
    let loaded = try LoadedModel(path, hints: hints.hints, on: device)
    let assumed =
      loaded.readingNotes + loaded.assumptions
      + (readsImages ? [loaded.pixelAssumption].compactMap(\.self) : [])
      + (readsImages || namesPreprocessing ? loaded.preprocessingNotes : [])
    for assumption in assumed { warn("note: \(path): \(assumption)") }
    return loaded
  }
}

/// Prints a number with a fixed number of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  String(format: "%.\(decimals)f", value)
}

/// Makes sure, before time is spent, that a file can be written in the end; the folder above it is
/// made.
func requireWritable(_ path: String, overwrite: Bool) throws {
  try refuseExisting(path, overwrite: overwrite)
  try makeFolder(above: path)
  try AtomicFile(replacing: path).discard()
}

/// Refuses an output that is there, unless it may be replaced.
///
/// - Parameter files: Where a folder is to be written, the files that show an existing one to be of
///   its kind: any other folder is somebody's own and never replaced. nil where a file is written.
func refuseExisting(_ path: String, overwrite: Bool, unless files: [String]? = nil) throws {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
  if !overwrite {
    throw RunFailure(.refusedOutput, "\(path) exists; replace it by --overwrite or name another")
  }
  guard let files else { return }
  let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  guard isFolder.boolValue, contents.isEmpty || files.allSatisfy(contents.contains) else {
    throw RunFailure(
      .refusedOutput,
      "\(path) is not a folder that this command writes (it has no \(files[0])), so it is not "
        + "overwritten; name another")
  }
}

/// The set that a user's word means, or what it may have been meant to be.
func dataPath(_ word: String) throws -> String {
  let path = try DatasetCatalog.path(for: word)
  if path == word, !FileManager.default.fileExists(atPath: word),
    let name = nearestName(to: word, among: DatasetCatalog.names)
  {
    throw RunFailure(.missingInput, "\(word): there is nothing here; did you mean \(name)?")
  }
  return path
}
