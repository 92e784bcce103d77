import ArgumentParser
import DataParallel
import Datasets
import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
import RecipeSyntax
import Runs
import Torch
import TorchNN
import Training
import WeightExchange

/// What the program's exit status says, after `sysexits.h`.
enum ExitStatus: Int32 {
  /// The command line is wrong.
  case usage = 64
  /// Data or a file's content is not what it should be.
  case badData = 65
  /// Something that was named is not there.
  case missingInput = 66
  /// libtorch, its bridge or a device is missing.
  case noEngine = 69
  /// The engine failed at something it should have been able to do.
  case software = 70
  /// The output may not be written where it should go.
  case refusedOutput = 73
  /// Reading or writing failed.
  case inputOutput = 74
  /// The recipe is wrong.
  case recipe = 78

  /// Ends the program.
  func end() -> Never { Self.end(rawValue) }

  /// Ends the program without the destructors of libraries: libtorch's take each of its operators out of
  /// its tables again, a fifth of the time of `mae predict` on one small image.
  static func end(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Says what is wrong in one line, or as many as there are mistakes, and ends the program.
  static func leave(_ error: any Error) -> Never {
    if let interruption = error as? Interruption {
      warn("\(interruption)")
      end(128 + (Interrupts.requested ?? SIGTERM))
    }
    if let failure = error as? RankFailure {
      warn("error: \(failure)")
      end(failure.status)
    }
    guard let status = status(of: error) else { MAE.exit(withError: error) }
    for line in "\(error)".split(separator: "\n") { warn("error: \(line)") }
    status.end()
  }

  /// The number that ``leave(_:)`` ends with.
  static func number(of error: any Error) -> Int32 {
    if let failure = error as? RankFailure { return failure.status }
    return status(of: error)?.rawValue ?? MAE.exitCode(for: error).rawValue
  }

  /// The status of an error of ours; nil for the command-line parser's own.
  private static func status(of error: any Error) -> ExitStatus? {
    switch error {
    case is LaunchError: .usage
    case let error as RunFailure: status(for: error.kind)
    case let error as FileError: status(for: error.kind)
    case let error as DatasetError: status(for: error.kind)
    case let error as ImageError: status(for: error.kind)
    case let error as PublishedWeightsError: status(for: error)
    case let error as RecipeErrors: error.isMissingFile ? .missingInput : .recipe
    case is WeightMismatch: .badData
    case is LaunchError: .usage
    case is EngineError, is DeviceError: .noEngine
    case is TorchError: .software
    default: nil
    }
  }

  private static func status(for kind: RunFailure.Kind) -> ExitStatus {
    switch kind {
    case .badData: .badData
    case .missingInput: .missingInput
    case .refusedOutput: .refusedOutput
    case .inputOutput: .inputOutput
    case .recipe: .recipe
    case .notFinite: .software
    }
  }

  private static func status(for kind: FileError.Kind) -> ExitStatus {
    switch kind {
    case .missing, .unreadable: .missingInput
    case .malformed, .tooLarge: .badData
    case .unwritable: .refusedOutput
    case .failed: .inputOutput
    }
  }

  private static func status(for kind: DatasetError.Kind) -> ExitStatus {
    switch kind {
    case .missing, .missingSplit, .empty: .missingInput
    case .malformed, .tooManyBroken: .badData
    case .unreadable: .inputOutput
    }
  }

  private static func status(for kind: ImageError.Kind) -> ExitStatus {
    switch kind {
    case .missing: .missingInput
    case .unreadable: .inputOutput
    default: .badData
    }
  }

  private static func status(for error: PublishedWeightsError) -> ExitStatus {
    switch error {
    case .file(let error): status(for: error.kind)
    case .mismatch, .model: .badData
    }
  }

  /// Makes a file that may not grow any further an error like a full disk, not the program's end.
  static func surviveFileSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// Makes an operation that libtorch refuses end the program with one line, whoever called it.
  ///
  /// - Parameter lastWords: Called with the line and the status before the program ends.
  static func speakForTheEngine(
    before lastWords: @escaping @Sendable (String, Int32) -> Void = { _, _ in }
  ) {
    TorchFailure.setHandler { error, _, _ in
      let line =
        switch error.kind {
        case .outOfMemory:
          "out of memory: \(error.message.firstLine). Use a smaller batch "
            + "(--set batch.size=…, with batch.accumulation to keep the effective batch)"
        case .other: "the engine failed: \(error.description.firstLine)"
        }
      warn("error: \(line)")
      lastWords(line, ExitStatus.software.rawValue)
      software.end()
    }
  }
}

extension String {
  var firstLine: String { split(separator: "\n").first.map(String.init) ?? self }
}
