import Datasets
public import FileSystem
import Foundation
import MaskedAutoencoders
import TensorFiles
public import Torch

/// A folder from which a model can be run and a training run resumed.
///
/// `model.json` and `weights.safetensors` are enough to run; `optimizer.safetensors` and
/// `progress.json` are what an interrupted run needs besides. The folder gets its name only when
/// all of it is on the disk, so that what has a name is whole.
public struct Checkpoint: Sendable {
  /// The folder.
  public let path: String

  /// Names a folder; nothing is read.
  public init(path: String) { self.path = path }

  /// Where a run stood.
  public struct Progress: Codable, Hashable, Sendable {
    /// Optimizer steps taken.
    public var step: Int
    /// The seed all randomness comes from: with the step it gives masks, order and crops.
    public var seed: UInt64
    /// Images in the data set, to notice another one.
    public var images: Int
    /// Passes over the data, with the part of the one under way.
    public var epochs: Double
    /// Tells sets apart that have as many images and are gone through differently; nil where the
    /// number says all.
    public var layout: UInt32?

    /// Records where a run stands.
    public init(
      step: Int, seed: UInt64, images: Int, epochs: Double, layout: UInt32? = nil
    ) {
      self.step = step
      self.seed = seed
      self.images = images
      self.epochs = epochs
      self.layout = layout
    }
  }

  /// `model.json`.
  public var descriptionPath: String { path + "/model.json" }
  /// `weights.safetensors`.
  public var weightsPath: String { path + "/weights.safetensors" }
  private var optimizerPath: String { path + "/optimizer.safetensors" }
  private var progressPath: String { path + "/progress.json" }

  /// Writes a checkpoint; a folder of that name that was there is replaced in one move.
  ///
  /// Where the disk has room for the weights and not for the optimizer's state, the weights are kept: a
  /// checkpoint that can be used and not resumed is left, and the error is thrown all the same.
  ///
  /// - Parameter training: What a resumed run needs; nil for a model to be used only.
  public func write(
    _ description: ModelDescription, weights: [(name: String, tensor: Tensor)],
    training: (optimizer: [(name: String, tensor: Tensor)], progress: Progress)? = nil
  ) throws(FileError) {
    let (folder, name) = path.folderAndName
    try makeFolder(folder)
    let temporary = Checkpoint(
      path: "\(folder)/\(Self.temporaryPrefix)\(name)-\(getpid())")
    try? FileManager.default.removeItem(atPath: temporary.path)
    do throws(FileError) {
      try makeFolder(temporary.path)
      try JSONFile.write(description, to: temporary.descriptionPath)
      try SafetensorsFile.write(
        Dictionary(uniqueKeysWithValues: weights.map { ($0.name, $0.tensor) }),
        metadata: ["format": "pt"], to: temporary.weightsPath)
      var failure: FileError?
      if let training {
        do throws(FileError) {
          try SafetensorsFile.write(
            Dictionary(uniqueKeysWithValues: training.optimizer.map { ($0.name, $0.tensor) }),
            to: temporary.optimizerPath)
          try JSONFile.write(training.progress, to: temporary.progressPath)
        } catch {
          failure = error
          for file in [temporary.optimizerPath, temporary.progressPath] {
            try? FileManager.default.removeItem(atPath: file)
          }
        }
      }
      try synchronizeFolder(temporary.path)
      try temporary.move(to: path, in: folder)
      if let failure { throw failure }
    } catch {
      try? FileManager.default.removeItem(atPath: temporary.path)
      throw error
    }
  }

  /// Bytes that a checkpoint of these tensors takes, but for a few kilobytes.
  package static func bytes(of tensors: [(name: String, tensor: Tensor)]) -> Int {
    tensors.reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.size }
  }

  /// Gives a finished folder its name. A checkpoint that had it before steps aside first and is
  /// removed after; the run's earlier ones cover the moment between.
  private func move(to target: String, in folder: String) throws(FileError) {
    let aside = "\(folder)/\(Self.temporaryPrefix)\(target.lastName)-old-\(getpid())"
    let replaces = FileManager.default.fileExists(atPath: target)
    if replaces, rename(target, aside) != 0 { throw .system("cannot be replaced", target, .failed) }
    if rename(path, target) != 0 { throw .system("cannot be named", target, .failed) }
    try synchronizeFolder(folder)
    if replaces { try? FileManager.default.removeItem(atPath: aside) }
  }

  /// What `model.json` says.
  public func description() throws(FileError) -> ModelDescription {
    let description = try JSONFile.read(ModelDescription.self, from: descriptionPath)
    if let problem = description.problems.first {
      throw FileError(path: descriptionPath, kind: .malformed, message: problem)
    }
    return description
  }

  /// The weights by name.
  public func weights() throws(FileError) -> [String: Tensor] {
    try SafetensorsFile(weightsPath).tensors()
  }

  /// The optimizer's tensors by name.
  public func optimizerState() throws(FileError) -> [String: Tensor] {
    try SafetensorsFile(optimizerPath).tensors()
  }

  /// Where the run stood.
  public func progress() throws(FileError) -> Progress {
    try JSONFile.read(Progress.self, from: progressPath)
  }

  /// Checks that every file a resumed run reads is there and as long as it says.
  func verify() throws(FileError) {
    _ = try description()
    _ = try SafetensorsFile(weightsPath)
    _ = try SafetensorsFile(optimizerPath)
    _ = try progress()
  }

  static let temporaryPrefix = ".writing-"
}
