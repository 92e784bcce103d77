import ArgumentParser
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Torch
import TorchNN
import Training

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

  /// Says what is wrong in one line, or as many as there are mistakes, and ends the program.
  static func leave(_ error: any Error) -> Never {
    if let interruption = error as? Interruption {
      complain("\(interruption)")
      exit(128 + interruption.signal)
    }
    guard let status = status(of: error) else { MAE.exit(withError: error) }
    for line in "\(error)".split(separator: "\n") { complain("error: \(line)") }
    exit(status.rawValue)
  }

  /// The status of an error of ours; nil for the command-line parser's own.
  private static func status(of error: any Error) -> ExitStatus? {
    switch error {
    case let error as RunFailure: status(of: error.kind)
    case let error as FileError: status(of: error.kind)
    case let error as DatasetError: status(of: error.kind)
    case let error as ImageError: status(of: error.kind)
    case let error as PublishedWeightsError: status(ofWeights: error)
    case let error as RecipeErrors: error.isMissingFile ? .missingInput : .recipe
    case is WeightMismatch: .badData
    case is LogFailure: .inputOutput
    case is EngineError, is DeviceError: .noEngine
    case is TorchError: .software
    case is ParserError: nil
    default: (error as? any CustomNSError) == nil ? nil : .software
    }
  }

  private typealias ParserError = ValidationError

  private static func status(of kind: RunFailure.Kind) -> ExitStatus {
    switch kind {
    case .badData: .badData
    case .missingInput: .missingInput
    case .refusedOutput: .refusedOutput
    case .inputOutput: .inputOutput
    case .recipe: .recipe
    case .notFinite: .software
    }
  }

  private static func status(of kind: FileError.Kind) -> ExitStatus {
    switch kind {
    case .unreadable: .missingInput
    case .malformed: .badData
    case .unwritable: .refusedOutput
    case .failed: .inputOutput
    }
  }

  private static func status(of kind: DatasetError.Kind) -> ExitStatus {
    switch kind {
    case .missing, .missingSplit, .empty: .missingInput
    case .malformed, .tooManyBroken: .badData
    case .unreadable: .inputOutput
    }
  }

  private static func status(of kind: ImageError.Kind) -> ExitStatus {
    switch kind {
    case .missing: .missingInput
    case .unreadable: .inputOutput
    default: .badData
    }
  }

  private static func status(ofWeights error: PublishedWeightsError) -> ExitStatus {
    switch error {
    case .file(let error): status(of: error.kind)
    case .mismatch, .model: .badData
    }
  }

  /// Makes an operation that libtorch refuses end the program with one line, whoever called it.
  static func speakForTheEngine() {
    TorchFailure.setHandler { error, _, _ in
      switch error.kind {
      case .outOfMemory:
        complain(
          "error: out of memory: \(error.message.firstLine). Use a smaller batch "
            + "(--set batch.size=…, with batch.accumulation to keep the effective batch)")
      case .other:
        complain("error: the engine failed: \(error.description.firstLine)")
      }
      exit(ExitStatus.software.rawValue)
    }
  }
}

/// Writes a line to standard error.
func complain(_ line: String) {
  FileHandle.standardError.write(Data((line + "\n").utf8))
}

extension String {
  var firstLine: String { split(separator: "\n").first.map(String.init) ?? self }
}
