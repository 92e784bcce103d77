public import Datasets
import FileSystem
import Imaging
import MaskedAutoencoders
import Recipes
import Runs
public import Torch

/// The pictures with objects that a detector learns from and those that validate it.
struct DetectionData {
  /// Those that are learned from.
  let training: DetectionSet
  /// Those that validate.
  let validation: DetectionSet
  /// How many there were to learn from before a share was taken.
  let available: Int
  /// What was noticed, each as a sentence.
  let notes: [String]

  /// One in so many pictures validates where a set has no part for it.
  private static let heldBack = 10

  /// Opens a set, and takes the share that the recipe says.
  ///
  /// - Throws: `DatasetError`, or ``RunFailure`` where the sets do not go together.
  init(_ inputs: DetectionInputs, _ labels: DetectionRecipe.Labels, seed: UInt64) throws {
    func open(
      _ path: String, _ split: DatasetSplit, _ purpose: DetectionSet.Purpose
    ) throws(DatasetError) -> DetectionSet {
      try DetectionSet(
        at: path, split: split, pictures: inputs.pictures, purpose: purpose,
        skipsMissing: inputs.skipsMissing)
    }
    /// The validation part of a folder; nil where there is none.
    func part(of path: String) throws(DatasetError) -> DetectionSet? {
      guard isFolder(path) else { return nil }
      do throws(DatasetError) {
        return try open(path, .validation, .scoring)
      } catch {
        guard error.kind == .missingSplit else { throw error }
        return nil
      }
    }
    var learned = try open(inputs.path, .training, .training(keepsEmpty: labels.keepsEmpty))
    var notes = learned.notes
    if let path = inputs.validation {
      validation = try part(of: path) ?? open(path, .training, .scoring)
    } else if let own = try part(of: inputs.path) {
      validation = own
    } else {
      let whole = try open(inputs.path, .training, .scoring)
      guard whole.count >= 2 else {
        throw RunFailure(
          .badData,
          "\(inputs.names.data): has \(whole.count) picture; expected at least 2, one to learn from "
            + "and one to validate on")
      }
      let generator = Generator(seed: seed, stream: RandomStream.labels, step: 0)
      let held = Tensor.randomPermutation(whole.count, using: generator).array(of: Int.self)
        .prefix(max(1, whole.count / Self.heldBack)).sorted()
      validation = whole.subset(held)
      let pictures = Set(held.map { whole.pictures[$0] })
      learned = learned.subset(
        learned.pictures.indices.filter { !pictures.contains(learned.pictures[$0]) })
      guard learned.count >= 1 else {
        throw RunFailure(
          .badData,
          "\(inputs.names.data): no picture with objects is left to learn from; name one to validate "
            + "on with --validation")
      }
      notes.append(
        "\(inputs.names.data) has no validation part; \(held.count) of its \(whole.count) pictures are "
          + "held back to validate on")
    }
    let (mine, theirs) = (
      learned.annotations.categories.map(\.name), validation.annotations.categories.map(\.name)
    )
    guard Set(mine) == Set(theirs) else {
      let missing = mine.filter { !theirs.contains($0) }
      let added = theirs.filter { !mine.contains($0) }
      throw RunFailure(
        .badData,
        "\(inputs.names.validation ?? inputs.names.data): the classes to validate on are not those "
          + "that are learned: missing are \(missing.prefix(5).joined(separator: ", ")); added are "
          + "\(added.prefix(5).joined(separator: ", "))")
    }
    guard learned.objects.contains(where: { !$0.isEmpty }) else {
      throw RunFailure(
        .badData,
        "\(inputs.names.data): none of its \(learned.count) pictures has an object to learn from; "
          + "crowds do not count")
    }
    available = learned.count
    training =
      labels.fraction < 1 ? learned.subset(fraction: labels.fraction, seed: seed) : learned
    self.notes = notes
  }
}

extension DetectionLoader: BatchSource {
  public var undecodable: [UndecodableImage] { broken }
}

extension DetectionBatch: TrainingBatch {
  public func tensor(on device: Device) -> Tensor {
    densePixels(
      pixels, as: output, shape: [count, channels, size.height, size.width], normalization,
      storage: storage, on: device)
  }
}
