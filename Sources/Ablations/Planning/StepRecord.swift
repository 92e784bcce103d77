import FileSystem
import Foundation
import RecipeSyntax
import Recipes

/// A kind of step, which is also the name of its folder in that of its row.
enum StepKind: String, Codable, Hashable, Sendable {
  /// Training of a tokenizer, whose tokens are a target.
  case tokenizer
  /// Training of an encoder without labels.
  case pretrain
  /// Fine-tuning, or training from scratch.
  case finetune
  /// A linear classifier on frozen features.
  case probe
  /// Measuring the time of a training step.
  case time

  /// What a line of progress calls it.
  var words: String {
    switch self {
    case .tokenizer: "tokenizer"
    case .pretrain: "pre-training"
    case .finetune: "fine-tuning"
    case .probe: "linear probe"
    case .time: "time of a step"
    }
  }
}

/// What a step is and what came of it: a file beside its folder, written when the step begins and
/// again when it is done. A step that has a result is never done again.
struct StepRecord: Codable, Hashable, Sendable {
  /// What is done.
  var kind: StepKind
  /// Everything that decides the result, a line each: fields of recipes that are not their type's
  /// defaults, the data, and the same of what the step starts from.
  var identity: [String]
  /// What came of it; nil while it is under way.
  var result: StepResult?

  /// Where the record of a folder is.
  static func path(of folder: String) -> String { folder + ".json" }

  /// The records in a folder of rows, by the folders they are of.
  static func all(in rows: String) throws(FileError) -> [(folder: String, record: StepRecord)] {
    func names(_ folder: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
    var found: [(folder: String, record: StepRecord)] = []
    for row in names(rows) where isFolder("\(rows)/\(row)") {
      for name in names("\(rows)/\(row)") where name.hasSuffix(".json") {
        let path = "\(rows)/\(row)/\(name)"
        found.append((String(path.dropLast(5)), try JSONFile.read(StepRecord.self, from: path)))
      }
    }
    return found
  }
}

/// What came of a step.
struct StepResult: Codable, Hashable, Sendable {
  /// Share of images whose class is the first prediction, 0…1.
  var top1: Double?
  /// The mean loss of the last entry of the log.
  var loss: Double?
  /// Images that were learned from.
  var trainingImages: Int?
  /// Images that were evaluated.
  var testImages: Int?
  /// Seconds of all sessions.
  var seconds: Double
  /// Seconds of a training step.
  var secondsPerStep: Double?
}

extension TrainingRecipe {
  /// The fields that decide what is learned and are not those of `standard`, a line each.
  ///
  /// - Parameter standard: A recipe of nothing but defaults: a field that is added to the type later
  ///   changes no identity.
  func identity(beside standard: Self, prefix: String = "") -> [String] {
    let free: [FieldPath] = [
      "name", "note", "logging", "checkpoints", "data.workers", "data.prefetch", "data.cache",
      "data.normalizeOnDevice",
    ]
    return differences(from: standard)
      .filter { difference in !free.contains { $0.holds(difference.path) } }
      .map { "\(prefix)\($0.path): \($0.mine)" }
      .sorted()
  }
}
