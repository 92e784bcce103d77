import RecipeSyntax
import FileSystem
import Recipes
import Foundation
import Torch

/// What a run trains and from what: `run.json` of its folder.
///
/// It is written once, when the run begins. So a run that is gone on with stays what it is.
public struct RunOrigin: Codable, Hashable, Sendable {
  /// What is trained.
  public enum Kind: String, Codable, Hashable, Sendable {
    /// A masked autoencoder.
    case pretraining = "pre-training"
    /// A classifier, from an encoder.
    case finetuning = "fine-tuning"
    /// A classifier, from random weights.
    case scratch = "from-scratch"
  }

  /// What is trained.
  public let kind: Kind
  /// The encoder as the user named it; nil where the run has none, or where that was not noted.
  public let encoder: String?
  /// Where the encoder was then, from the root.
  public let encoderPath: String?

  /// A run of masked pre-training.
  public static let pretraining = RunOrigin(kind: .pretraining, encoder: nil)
  /// A classifier from random weights.
  public static let scratch = RunOrigin(kind: .scratch, encoder: nil)
  /// A classifier from an encoder.
  public static func finetuning(_ encoder: String) -> RunOrigin {
    RunOrigin(kind: .finetuning, encoder: encoder)
  }

  private init(kind: Kind, encoder: String?) {
    self.kind = kind
    self.encoder = encoder
    encoderPath = encoder.map(canonicalPath)
  }

  /// The origin of the run in a folder; nil where there is none, or where nothing says what it is of.
  package static func read(_ run: String) throws -> RunOrigin? {
    let recipe = run + "/recipe.yaml"
    guard FileManager.default.fileExists(atPath: recipe) else { return nil }
    if FileManager.default.fileExists(atPath: path(in: run)) {
      return try JSONFile.read(RunOrigin.self, from: path(in: run))
    }
    // The folder of an earlier version, whose complete recipe tells all but the encoder.
    guard let file = try? RecipeFile(at: recipe) else { return nil }
    guard file.isOfClassifier else { return .pretraining }
    if let model = file.values.tree["model"], case .map = model { return .scratch }
    return RunOrigin(kind: .finetuning, encoder: nil)
  }

  /// Writes the origin of a run that begins; a run that goes on keeps its own.
  package func write(to run: String) throws {
    guard !FileManager.default.fileExists(atPath: Self.path(in: run)) else { return }
    try JSONFile.write(self, to: Self.path(in: run))
  }

  private static func path(in run: String) -> String { run + "/run.json" }

  private var isOfClassifier: Bool { kind != .pretraining }

  /// Why a run in a folder cannot be gone on with as one of another origin; nil where it can.
  func obstacle(toResuming path: String, as other: RunOrigin) -> String? {
    let elsewhere = "or name another folder with --out"
    switch (kind, other.kind) {
    case (.pretraining, .finetuning), (.pretraining, .scratch):
      return "\(path) is a run of pre-training; go on with mae pretrain, \(elsewhere)"
    case (.finetuning, .pretraining):
      return "\(path) is a classifier's run; go on with mae finetune, \(elsewhere)"
    case (.scratch, .pretraining):
      return "\(path) is a classifier's run; go on with mae scratch, \(elsewhere)"
    case (.scratch, .finetuning):
      return
        "\(path) is a run from scratch, not from an encoder; go on with mae scratch, \(elsewhere)"
    case (.finetuning, .scratch):
      let name = encoder.map { " " + $0.forShell } ?? ""
      return "\(path) is a run from an encoder, not from scratch; go on with mae finetune\(name), "
        + elsewhere
    case (.finetuning, .finetuning):
      guard let encoder, let found = other.encoder, !isFrom(other) else { return nil }
      return "\(path) was started from \(encoder), not from \(found); go on with mae finetune "
        + "\(encoder.forShell), \(elsewhere)"
    case (.pretraining, .pretraining), (.scratch, .scratch): return nil
    }
  }

  /// Why the run in a folder may not be replaced by one of another origin; nil where it may.
  func obstacle(toReplacing path: String, by other: RunOrigin) -> String? {
    guard isOfClassifier != other.isOfClassifier else { return nil }
    let (held, new) =
      isOfClassifier
      ? ("a classifier's run", "this one pre-trains")
      : ("a run of pre-training", "this one trains a classifier")
    return
      "\(path) holds \(held) and \(new), so it is not overwritten; name another folder with --out"
  }

  /// Whether another run's encoder is this one's. An encoder that is not where it was may have been
  /// moved: then nobody can tell, and a run that is whole in itself is not held up.
  private func isFrom(_ other: RunOrigin) -> Bool {
    if encoder == other.encoder || encoderPath == other.encoderPath { return true }
    guard let encoderPath else { return true }
    return !FileManager.default.fileExists(atPath: encoderPath)
  }
}
