public import DataParallel
public import Datasets
import Imaging
import MaskedAutoencoders
import Recipes
package import Runs
public import Torch
import TorchNN

/// The features that a frozen encoder computes of a set of images, one row each.
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
  ///   - batch: Images computed at a time, see ``BatchInference``; nil for what is fastest.
  ///   - workers: Threads, see ``BatchInference``; nil for one a core.
  ///   - brokenLimit: How many images may be left out because they cannot be decoded.
  ///   - group: The processes that share the images; the first one has the rows, the others none.
  ///   - progress: Called with the number of images done.
  /// - Throws: `DatasetError` where more cannot be decoded than may be.
  public init(
    of dataset: any ImageDataset, named name: String, by model: LoadedModel, pooling: Pooling,
    range: Range<Int>? = nil, batch: Int? = nil, workers: Int? = nil,
    brokenLimit: BrokenLimit = .standard, group: DataParallelGroup = .single,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let kind: Embedding = pooling == .classToken ? .classToken : .mean
    let images = range.map { SubsetDataset(dataset, range: $0) } ?? dataset
    var broken = brokenLimit.counter(of: images.count)
    // Made once at its full size: parts that are put together at the end would take it twice.
    let all = Tensor.empty([group.isFirst ? images.count : 0] + kind.shape(for: model))
    var labels: [Int] = []
    var inference = BatchInference(model, batch: batch, workers: workers)
    inference.group = group
    inference.givesAllRanks = false
    try inference.run(over: images, named: name, computing: { kind($1, by: $0) }) { part in
      try broken.add(part.broken, of: name, count: images.count)
      if let rows = part.rows {
        all.narrowed(0, to: labels.count..<labels.count + rows.shape[0]).copy(rows)
      }
      labels += part.labels
      progress(labels.count)
    }
    guard !labels.isEmpty || !group.isFirst else {
      throw RunFailure.nothingToSee(in: name, broken.found)
    }
    rows = labels.count == all.shape[0] ? all : all.narrowed(0, to: 0..<labels.count)
    self.labels = labels
    self.broken = broken.found
  }
}
