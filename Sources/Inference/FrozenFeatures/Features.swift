import Recipes
public import Runs
public import Datasets
public import Imaging
import MaskedAutoencoders
public import Torch
import TorchNN

/// What a frozen encoder makes of a set of images, one row each.
public struct Features {
  /// `[n, D]` float32, on the CPU.
  public let rows: Tensor
  /// The class of each row; −1 where the set has none.
  public let labels: [Int]
  /// Images that could not be decoded and have no row.
  public let broken: [UndecodableImage]

  /// Takes rows from elsewhere.
  ///
  /// - Precondition: there is a label for every row.
  public init(rows: Tensor, labels: [Int]) {
    precondition(rows.shape.first == labels.count, "\(labels.count) labels for \(rows.shape) rows")
    self.rows = rows
    self.labels = labels
    broken = []
  }

  /// How one row is made of an image's tokens.
  public enum Pooling: String, CaseIterable, Codable, Sendable {
    /// The class token after the last norm, as in the paper's linear probe.
    case classToken = "class-token"
    /// The mean of the patches' tokens after the last norm.
    case mean
  }

  /// Embeds a set in order, without augmentation.
  ///
  /// - Parameters:
  ///   - range: The images; nil for all.
  ///   - batch: Images computed at a time, see ``ImagePass``; nil for what is fastest.
  ///   - workers: Threads, see ``ImagePass``; nil for one a core.
  ///   - progress: Called with the number of images done.
  /// - Throws: `DatasetError` where more than a hundredth, and more than one, cannot be decoded.
  public init(
    of dataset: any ImageDataset, named name: String, by model: LoadedModel, pooling: Pooling,
    range: Range<Int>? = nil, batch: Int? = nil, workers: Int? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let kind: Embedding = pooling == .classToken ? .classToken : .mean
    let images = range.map { SubsetDataset(dataset, range: $0) } ?? dataset
    var broken = UndecodableImages(
      limit: UndecodableImages.limit(fraction: 0.01, count: images.count))
    var parts: [Tensor] = []
    var labels: [Int] = []
    let pass = try ImagePass(model, batch: batch, workers: workers)
    try pass.run(over: images, named: name, computing: { kind($0, by: model) }) { part in
      try broken.add(part.broken, of: name, count: images.count)
      if let rows = part.rows { parts.append(rows) }
      labels += part.labels
      progress(labels.count)
    }
    guard !parts.isEmpty else { throw Self.nothingToSee(in: name, broken.found) }
    rows = concatenated(parts)
    self.labels = labels
    self.broken = broken.found
  }
}

extension Features {
  /// One image may always be broken; a set of one then has nothing left.
  static func nothingToSee(in name: String, _ broken: [UndecodableImage]) -> RunFailure {
    RunFailure(
      .badData,
      "\(name): none of the images could be decoded; the first is \(broken.first?.description ?? "")"
    )
  }
}

extension ModelDescription {
  /// How images become this model's input where nothing is random.
  ///
  /// An image of the model's own size is taken as it is; others are resized and cut in the middle by the
  /// rule of ``Augmentation/evaluation(for:)``.
  public var evaluationTransform: ImageTransform {
    let size = PixelSize(width: model.width, height: model.height)
    var transform = ImageTransform(
      .evaluation(for: size), size: size,
      normalization: PixelNormalization(mean: mean, std: deviation))
    transform.keepsFittingImages = true
    return transform
  }
}

extension ModelConfiguration {
  /// Image files have one channel or three.
  package func requireDecodableChannels() throws(RunFailure) {
    guard channels == 1 || channels == 3 else {
      throw RunFailure(
        .badData,
        "the model takes \(channels) channels and image files have 1 or 3; "
          + "use mae forward with tensors of your own")
    }
  }
}
