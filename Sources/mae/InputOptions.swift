import ArgumentParser
import DataParallel
import Datasets
import FileSystem
import Foundation
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// Images that a command goes through: files, folders, lists, sets, standard input.
struct InputOptions: ParsableArguments {
  @Argument(
    help: """
      Images: files, folders (all images in them), text lists, other sets such as tar shards or a \
      fetched set, or - for one image on standard input.
      """,
    completion: .file())
  var inputs: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a path a line, relative to the working folder, or with paths that end with a zero "
        + "byte, as find -print0 writes them; - for standard input.",
      valueName: "file"))
  var filesFrom: String?

  @Option(help: "Of divided sets only this part: training or validation.")
  var split: DatasetSplit?

  var isEmpty: Bool { inputs.isEmpty && filesFrom == nil }

  func validate() throws {
    if inputs.filter({ $0 == "-" }).count > (filesFrom == "-" ? 0 : 1) {
      throw ValidationError("standard input can be read once only: give one -")
    }
  }

  /// Opens everything that is named.
  func source() throws -> ImageSource {
    let inputs = ImageInputs(try open())
    guard let filesFrom else { return ImageSource(inputs) }
    let stream =
      filesFrom == "-"
      ? LineStream(descriptor: 0, name: "standard input") : try LineStream(path: filesFrom)
    return ImageSource(inputs, paths: stream, named: filesFrom)
  }

  /// The sets that words name, in their order.
  private func open() throws -> [ImageInputs.Part] {
    var parts: [ImageInputs.Part] = []
    for words in inputs.split(separator: "-", omittingEmptySubsequences: false).enumerated() {
      if words.offset > 0 { parts.append(try Self.standardInput()) }
      let paths = try words.element.map { word throws in try dataPath(word) }
      parts += try ImageInputs(paths, split: split).parts
    }
    for part in parts { say(notesOf: part.images, named: part.name) }
    return parts
  }

  /// One image, as bytes.
  private static func standardInput() throws -> ImageInputs.Part {
    let bytes: Data
    do {
      bytes = try FileHandle.standardInput.readToEnd() ?? Data()
    } catch {
      throw RunFailure(.inputOutput, "standard input cannot be read")
    }
    guard !bytes.isEmpty else {
      throw RunFailure(
        .missingInput, "standard input is empty; expected the bytes of one image file")
    }
    return .init(name: "standard input", images: ImageBytes([UInt8](bytes), name: "-"))
  }
}

/// How a model is run over many images.
struct InferenceOptions: ParsableArguments {
  @Option(help: "Images computed at a time: on a CPU by each core, on a GPU by all of it.")
  var batch: Int?

  @Option(help: "Threads that decode, on a CPU also compute; one a core unless given.")
  var workers: Int?

  @Option(help: precisionHelp)
  var precision = Precision.float32

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    for (name, value) in [("batch", batch), ("workers", workers)] {
      if let value, value < 1 {
        throw ValidationError("--\(name) is \(value); expected at least 1")
      }
    }
  }

  /// Prepares a model, and where the precision is left to the machine says what was chosen.
  ///
  /// - Parameters:
  ///   - group: The processes that share the images.
  ///   - givesAll: Whether each of them is given all results.
  func inference(
    with model: LoadedModel, in group: DataParallelGroup = .single, givesAll: Bool = true
  ) throws -> BatchInference {
    var inference = BatchInference(
      model, batch: batch, workers: workers, precision: precision.type)
    inference.group = group
    inference.givesAllRanks = givesAll
    if precision == .auto {
      let choice = try inference.choosePrecision()
      if group.isFirst { warn("note: precision \(choice.line)") }
    }
    return inference
  }
}

/// A count on standard error that is rewritten in place; nothing where that is no terminal.
struct LiveCount {
  private let what: String
  private let isShown: Bool
  private(set) var count = 0

  init(_ what: String, isShown: Bool = true) {
    self.what = what
    self.isShown = isShown && Terminal.attached(to: 2).isTerminal
  }

  mutating func add(_ more: Int) {
    count += more
    if isShown { mae.show("\r\(what): \(count) images") }
  }

  /// Says something that stays.
  func say(_ line: String) {
    clear()
    warn(line)
  }

  func clear() { if isShown { mae.show("\r\u{1B}[K") } }
}

/// Text that goes to standard output, or to a file that appears when it is whole.
final class TextOutput {
  private let file: AtomicFile?
  private let target: String

  init(_ path: String?, overwrite: Bool) throws {
    if let path {
      try refuseExisting(path, overwrite: overwrite)
      try makeFolder(above: path)
    }
    file = try path.map { path throws(FileError) in try AtomicFile(replacing: path) }
    target = path ?? "standard output"
  }

  func write(_ text: String) throws {
    if let file {
      try file.write(text)
    } else {
      do {
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
      } catch {
        throw RunFailure(.inputOutput, "\(target) cannot be written")
      }
    }
  }

  func finish() throws { try file?.commit() }
}
