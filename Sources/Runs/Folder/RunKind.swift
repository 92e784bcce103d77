import FileSystem
import Foundation
import RecipeSyntax
import Recipes

/// What a run trains and from what: `run.json` of its folder.
///
/// It is written once, when the run begins, so a run that is resumed stays what it is. Each kind of
/// training makes its own value; nothing here knows them all.
public struct RunKind: Codable, Hashable, Sendable {
  /// The kind of training: `pre-training`.
  public let name: String
  /// The command that starts and resumes such runs: `mae pretrain`.
  public let command: String
  /// What such a run is called, with its article: `a run of pre-training`.
  public let title: String
  /// What the run makes: a run may be replaced by another that makes the same.
  public let product: String
  /// The encoder as the user named it; nil where the run has none, or where that was not noted.
  public let encoder: String?
  /// Where the encoder was then, from the root.
  public let encoderPath: String?

  /// Describes a run.
  ///
  /// - Parameters:
  ///   - name: The kind of training, the same for all its runs.
  ///   - command: The command that resumes such runs; the encoder is added to it.
  ///   - title: What such a run is called, with its article.
  ///   - product: What it makes.
  ///   - encoder: The encoder it starts from, as the user named it.
  public init(
    name: String, command: String, title: String, product: String, encoder: String? = nil
  ) {
    self.name = name
    self.command = command
    self.title = title
    self.product = product
    self.encoder = encoder
    encoderPath = encoder.map(canonicalPath)
  }

  private enum CodingKeys: String, CodingKey {
    case name = "kind"
    case command, title, product, encoder, encoderPath
  }

  /// Reads a description; that of an earlier version tells name and encoder only.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let name = try fields.decode(String.self, forKey: .name)
    let known = Self.earlier(name)
    func text(_ key: CodingKeys, _ before: String?) throws -> String {
      try fields.decodeIfPresent(String.self, forKey: key) ?? before ?? name
    }
    self.name = name
    command = try text(.command, known?.command)
    title = try text(.title, known?.title)
    product = try text(.product, known?.product)
    encoder = try fields.decodeIfPresent(String.self, forKey: .encoder)
    encoderPath = try fields.decodeIfPresent(String.self, forKey: .encoderPath)
  }

  /// The kinds that version 0.1 knew, by the names it wrote.
  private static func earlier(_ name: String) -> RunKind? {
    switch name {
    case "pre-training":
      RunKind(
        name: name, command: "mae pretrain", title: "a run of pre-training",
        product: "masked autoencoder")
    case "fine-tuning":
      RunKind(
        name: name, command: "mae finetune", title: "a classifier's run from an encoder",
        product: "classifier")
    case "from-scratch":
      RunKind(
        name: name, command: "mae scratch", title: "a classifier's run from scratch",
        product: "classifier")
    default: nil
    }
  }

  /// What the run in a folder is; nil where there is none, or where nothing says what it is.
  package static func read(_ run: String) throws -> RunKind? {
    let recipe = run + "/recipe.yaml"
    guard exists(recipe) else { return nil }
    if exists(path(in: run)) {
      return try JSONFile.read(RunKind.self, from: path(in: run))
    }
    // The folder of an earlier version, whose complete recipe tells all but the encoder.
    guard let tree = (try? RecipeFile(at: recipe))?.values.tree else { return nil }
    guard tree["labels"] != nil else { return earlier("pre-training") }
    if case .map? = tree["model"] { return earlier("from-scratch") }
    return earlier("fine-tuning")
  }

  /// Writes what a run that begins is; a run that is resumed keeps its own.
  package func write(to run: String) throws {
    guard !exists(Self.path(in: run)) else { return }
    try JSONFile.write(self, to: Self.path(in: run))
  }

  private static func path(in run: String) -> String { run + "/run.json" }

  /// Why a run in a folder cannot be resumed as one of another kind; nil where it can.
  func obstacle(toResuming path: String, as other: RunKind) -> String? {
    let elsewhere = "or name another folder with --out"
    let resume = command + (encoder.map { " " + $0.forShell } ?? "")
    guard name == other.name else {
      return "\(path) is \(title), not \(other.title); resume it with \(resume), \(elsewhere)"
    }
    guard let encoder, let found = other.encoder, !isFrom(other) else { return nil }
    return "\(path) was started from \(encoder), not from \(found); resume it with \(resume), "
      + elsewhere
  }

  /// Why the run in a folder may not be replaced by one of another kind; nil where it may.
  func obstacle(toReplacing path: String, by other: RunKind) -> String? {
    guard product != other.product else { return nil }
    return "\(path) holds \(title) and this is \(other.title), so it is not overwritten; name "
      + "another folder with --out"
  }

  /// Whether another run's encoder is this one's. An encoder that is not where it was may have been
  /// moved: then nobody can tell, and a run that is whole in itself is not held up.
  private func isFrom(_ other: RunKind) -> Bool {
    if encoder == other.encoder || encoderPath == other.encoderPath { return true }
    guard let encoderPath else { return true }
    return !exists(encoderPath)
  }
}
