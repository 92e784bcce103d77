public import Datasets
import Imaging
import Recipes
import Runs
public import Torch

/// The pictures with labels that a segmenter learns from and those that validate it.
struct SegmentationData {
  /// Those that are learned from.
  let training: any LabelMapDataset
  /// Those that validate.
  let validation: any LabelMapDataset
  /// How many there were to learn from before a share was taken.
  let available: Int
  /// What was noticed, each as a sentence.
  let notes: [String]

  /// One in so many pictures validates where a set has no part for it.
  private static let heldBack = 10

  /// Opens a set, and takes the share that the recipe says.
  ///
  /// - Throws: `DatasetError`, or ``RunFailure`` where the sets do not go together.
  init(_ inputs: SegmentationInputs, _ labels: SegmentationRecipe.Labels, seed: UInt64) throws {
    var rules = inputs.rules
    rules.zeroIs = labels.zeroIs ?? rules.zeroIs
    let all = try openLabelMaps(at: inputs.path, rules: rules)
    var notes = all.notes
    var learned: any LabelMapDataset = all
    if let path = inputs.validation {
      validation = try Self.openAny(path, rules)
    } else if let part = try Self.validationPart(of: inputs.path, rules) {
      validation = part
    } else {
      guard all.count >= 2 else {
        throw RunFailure(
          .badData,
          "\(inputs.names.data): has \(all.count) picture with labels; expected at least 2, one to "
            + "learn from and one to validate on")
      }
      let held = Set(Self.chosen(max(1, all.count / Self.heldBack), of: all.count, seed: seed))
      learned = LabelMapSubset(all, indices: (0..<all.count).filter { !held.contains($0) })
      validation = LabelMapSubset(all, indices: held.sorted())
      notes.append(
        "\(inputs.names.data) has no validation part; \(held.count) of its \(all.count) pictures are "
          + "held back to validate on")
    }
    guard all.numbering.names == validation.numbering.names else {
      throw RunFailure(
        .badData,
        "\(inputs.names.validation ?? inputs.names.data): the classes to validate on are not those that "
          + "are learned: "
          + Self.difference(all.numbering.names, validation.numbering.names))
    }
    try learned.requireLabelledPixels(named: inputs.names.data)
    try validation.requireLabelledPixels(named: inputs.names.validation ?? inputs.names.data)
    available = learned.count
    training =
      labels.fraction < 1
      ? LabelMapSubset(learned, fraction: labels.fraction, seed: seed) : learned
    self.notes = notes
  }

  private static func openAny(
    _ path: String, _ rules: LabelRules
  ) throws(DatasetError) -> any LabelMapDataset {
    do throws(DatasetError) {
      return try openLabelMaps(at: path, split: .validation, rules: rules)
    } catch {
      guard error.kind == .missingSplit else { throw error }
      return try openLabelMaps(at: path, rules: rules)
    }
  }

  private static func validationPart(
    of path: String, _ rules: LabelRules
  ) throws(DatasetError) -> (any LabelMapDataset)? {
    do throws(DatasetError) {
      return try openLabelMaps(at: path, split: .validation, rules: rules)
    } catch {
      // One COCO file is one part.
      guard error.kind == .missingSplit else { throw error }
      return nil
    }
  }

  private static func chosen(_ count: Int, of all: Int, seed: UInt64) -> [Int] {
    let generator = Generator(seed: seed, stream: RandomStream.labels, step: 0)
    return Array(Tensor.randomPermutation(all, using: generator).array(of: Int.self).prefix(count))
  }

  private static func difference(_ mine: [String], _ other: [String]) -> String {
    let missing = mine.filter { !other.contains($0) }
    let added = other.filter { !mine.contains($0) }
    if missing.isEmpty, added.isEmpty { return "their order differs" }
    return [
      missing.isEmpty ? nil : "missing are \(missing.prefix(5).joined(separator: ", "))",
      added.isEmpty ? nil : "added are \(added.prefix(5).joined(separator: ", "))",
    ].compactMap(\.self).joined(separator: "; ")
  }
}

extension LabelMapLoader: BatchSource {
  public var undecodable: [UndecodableImage] { broken }
}

extension LabelledBatch: TrainingBatch {
  public func tensor(on device: Device) -> Tensor {
    densePixels(
      pixels, as: output, shape: [count, channels, size.height, size.width], normalization,
      storage: storage, on: device)
  }

  /// The label of each pixel, −1 where it is ignored: `[B, H, W]` int64.
  func labels(on device: Device) -> Tensor {
    Tensor(
      wrapping: labels, shape: [count, size.height, size.width], dtype: .int16, owner: storage
    ).sent(to: device).to(.int64)
  }
}
