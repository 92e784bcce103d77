public import Datasets
public import Imaging
public import DataParallel
import Inference
public import Recipes
public import Runs
public import Torch
public import TorchNN
public import TorchOptim

/// What a ``Trainer`` needs to know: a model, and how far it is off on a batch.
public protocol TrainingObjective: AnyObject {
  /// Where batches come from.
  associatedtype Source: BatchSource = BatchLoader

  /// The model's tensors.
  var store: ParameterStore { get }
  /// What `model.json` of a checkpoint says.
  var description: ModelDescription { get }

  /// The error on a batch, a scalar whose gradient is followed.
  ///
  /// - Parameters:
  ///   - images: `[B, C, H, W]` float32, on the model's device.
  ///   - batch: What else is known about the images.
  ///   - draw: Number of the batch since the run's start; with the seed it decides what is random.
  func loss(_ images: Tensor, of batch: Source.Batch, draw: Int) -> Tensor

  /// What ``loss(_:of:draw:)`` draws for a batch on the host, as tensors on the model's device; nil
  /// where the loss is more than a function of images and these, so that a step cannot be captured
  /// as a graph.
  func drawn(for batch: Source.Batch, draw: Int) -> [Tensor]?

  /// The error on images by what was drawn for them: ``loss(_:of:draw:)`` in two parts, the second of
  /// which asks for nothing but the device's operators. Called only with what ``drawn(for:draw:)`` gave.
  func loss(_ images: Tensor, drawn: [Tensor]) -> Tensor

  /// The parts of the losses since they were last taken, by name, each the mean over the batches;
  /// nothing for a loss of one part.
  func takeLossParts() -> [(name: String, error: Tensor)]

  /// Called by every process after each optimizer step, before the step is saved: what follows the
  /// weights and is learned by no gradient, such as a momentum encoder, is updated here.
  ///
  /// - Parameter step: The step that was taken, counted from 0.
  func weightsUpdated(at step: Int)
}

extension TrainingObjective {
  public func weightsUpdated(at step: Int) {}
  public func takeLossParts() -> [(name: String, error: Tensor)] { [] }
  public func drawn(for batch: Source.Batch, draw: Int) -> [Tensor]? { nil }
  public func loss(_ images: Tensor, drawn: [Tensor]) -> Tensor {
    preconditionFailure("a task that draws for a captured step computes its loss, too")
  }
}

/// One kind of training: everything that ``TrainingRun`` and ``Trainer`` cannot know. What is
/// learned from what, how far the model is off on a batch, how it is validated, and what is told of
/// it.
///
/// A kind of training is a folder: its task here, its recipes in `Recipes`, its command in `mae`.
public protocol TrainingTask: TrainingObjective {
  /// The recipe of this kind.
  associatedtype Recipe: TrainingRecipe
  /// What a user names besides the recipe: data, an encoder.
  associatedtype Inputs: TrainingInputs

  /// Opens data and models, completes the recipe, and makes the model with its initial weights.
  ///
  /// - Parameter isResumed: Whether a run is resumed whose recipe this is.
  /// - Throws: `DatasetError`, `FileError`, `RecipeErrors` or `RunFailure` with what is wrong.
  init(_ recipe: Recipe, _ inputs: Inputs, on device: Device, isResumed: Bool) throws

  /// The recipe with everything that it left to be found out. Its precision is set once, before
  /// anything is trained, where `auto` was asked for.
  var recipe: Recipe { get set }
  /// The images that are learned from, and how they become the model's input.
  var data: TrainingData { get }
  /// What is trained, grouped by weight decay and learning rate.
  var parameterGroups: [ParameterGroup] { get }
  /// What was noticed and does not keep the run from starting, each as a sentence.
  var warnings: [String] { get }
  /// The first lines of a session: what was found, before time is spent.
  var summary: [SummaryLine] { get }

  /// Floating-point operations of an image's forward and backward pass, without what is computed
  /// again to save memory; nil where they are not counted.
  var operationsPerImage: Double? { get }

  /// Batches without end, from a number on; of several processes each makes its rows of them.
  func batches(startingAt batch: Int, rank: DataParallelRank) -> Source

  /// The error on blank images, for measuring how long a step takes; changes no running statistics.
  func loss(ofBlankImages count: Int) -> Tensor

  /// How well the model does on the validation images; nothing for tasks without any.
  ///
  /// - Returns: Named metrics, the one to look at first.
  func validate() throws -> [Metric]

  /// The same, divided among processes whose weights are the same; each of them calls it and has the
  /// whole result. Without it every process validates on all images.
  func validate(over group: DataParallelGroup) throws -> [Metric]

  /// Pictures of what the model does at the moment, by name; nothing for tasks without any.
  ///
  /// - Parameter epoch: For their titles.
  func pictures(epoch: Double) throws -> [TrainingPicture]

  /// Called on the first process before the first step of a run, not of a session that resumes one:
  /// finds what training needs of the images and a checkpoint keeps, such as a basis fitted to them.
  func prepareToStart() throws

  /// Called once before the first step, with the run's folder.
  func begin(in folder: RunFolder) throws

  /// Called when a session has ended without an error: keeps results.
  ///
  /// - Returns: What there is to say of it.
  func conclude(_ outcome: RunOutcome) throws -> [String]
}

extension TrainingTask where Source == BatchLoader {
  public func batches(startingAt batch: Int, rank: DataParallelRank) -> BatchLoader {
    BatchLoader(
      data.dataset, path: data.path, transform: data.transform, output: recipe.data.output,
      batch: recipe.batch.size, sampling: recipe.data.sampling(recipe.batch), seed: recipe.seed,
      startingAt: batch, rank: rank, workers: recipe.data.threads, prefetch: recipe.data.prefetch,
      cacheBytes: recipe.data.cacheBytes, brokenFraction: recipe.data.brokenLimit)
  }
}

extension TrainingTask {
  public var operationsPerImage: Double? { nil }
  public func validate() throws -> [Metric] { [] }
  public func validate(over group: DataParallelGroup) throws -> [Metric] { try validate() }
  public func pictures(epoch: Double) throws -> [TrainingPicture] { [] }
  public func prepareToStart() throws {}
  public func begin(in folder: RunFolder) throws {}
}

/// What a user names for a run besides its recipe.
public protocol TrainingInputs {
  /// What the run is, for its folder.
  var kind: RunKind { get }
  /// Run folders, checkpoints and files that the run starts from.
  var models: [String] { get }
  /// The sets that it learns from or is validated on.
  var images: [String] { get }
}

/// The images that are learned from.
public struct TrainingData {
  /// The set.
  public let dataset: any ImageDataset
  /// What it is called in messages.
  public let path: String
  /// How a picture becomes the model's input.
  public let transform: ImageTransform

  /// Names a set.
  public init(_ dataset: any ImageDataset, path: String, transform: ImageTransform) {
    self.dataset = dataset
    self.path = path
    self.transform = transform
  }
}

/// Batches one after another, without end; for one thread.
public protocol BatchSource: AnyObject {
  /// What it gives.
  associatedtype Batch: TrainingBatch
  /// The next batch; waits for it if need be.
  func next() throws -> Batch
  /// Ends what makes batches.
  func stop()
  /// Seconds that `next()` has waited in all.
  var waited: Double { get }
  /// Bytes of files that have been read so far, by this process; 0 where that is not counted.
  var bytesRead: Int { get }
  /// Images that could not be decoded so far.
  var undecodable: [UndecodableImage] { get }
}

extension BatchSource {
  /// Not counted.
  public var bytesRead: Int { 0 }
}

/// A batch as a trainer sees it.
public protocol TrainingBatch {
  /// Number of images.
  var count: Int { get }
  /// Their names, for messages.
  var names: [String] { get }
  /// Their pixels as `[B, C, H, W]` float32, normalised, on a device. On a GPU the copy may still
  /// be under way.
  func tensor(on device: Device) -> Tensor
}

extension Batch: TrainingBatch {}
extension BatchLoader: BatchSource {
  public var undecodable: [UndecodableImage] { broken }
}

/// A named number that says how well a model does.
public struct Metric: Hashable, Sendable {
  /// Its name in logs and results: `top1`.
  public let name: String
  /// Its value.
  public let value: Double
  /// The value as people read it: `81.25 %`.
  public let text: String

  /// Names a number.
  public init(_ name: String, _ value: Double, text: String) {
    self.name = name
    self.value = value
    self.text = text
  }
}

/// A picture drawn while training.
public struct TrainingPicture {
  /// The folder of the run that such pictures are kept in, and their name in TensorBoard.
  public let name: String
  /// A PNG file's bytes.
  public let png: [UInt8]

  /// Names a picture.
  public init(_ name: String, png: [UInt8]) {
    self.name = name
    self.png = png
  }
}

/// A line of what is said before time is spent: `data      60000 images of fashion-mnist`.
public struct SummaryLine: Hashable, Sendable {
  /// The first word, of at most nine letters; empty for a further line of the one above.
  public let label: String
  /// The rest.
  public let text: String

  /// Creates a line.
  public init(_ label: String, _ text: String) {
    self.label = label
    self.text = text
  }
}

/// What a session did.
public struct RunOutcome {
  /// The run's folder.
  public let folder: RunFolder
  /// Steps of the run so far.
  public let steps: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Passes over the data so far.
  public let epochs: Double
  /// The mean loss of the last entry of the log.
  public let loss: Double?
  /// Seconds of training, all sessions together, set-up left out.
  public let seconds: Double
  /// Images that could not be decoded.
  public let undecodable: [UndecodableImage]

  /// Whether all steps are taken.
  public var isFinished: Bool { steps >= totalSteps }
}
