import FileSystem
import MaskedAutoencoders
public import Runs
import TorchOptim
public import Datasets
public import Torch
public import TorchNN

/// What a trainer trains: a model, and how far it is off on a batch.
public protocol TrainingTask {
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
  func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor
}

/// Somebody who is told how training goes.
public protocol TrainingObserver: AnyObject {
  /// A step was taken.
  func took(_ step: StepReport) throws
  /// A checkpoint is safe.
  func saved(_ checkpoint: Checkpoint, at step: Int) throws
}

/// What is known about one step.
public struct StepReport: Sendable {
  /// Steps taken so far, this one included.
  public var step: Int
  /// Steps of the whole run.
  public var totalSteps: Int
  /// Passes over the data so far.
  public var epochs: Double
  /// The mean loss of the step's batches.
  public var loss: Double
  /// The learning rate that was used.
  public var rate: Double
  /// The length of the gradient before clipping, where clipping is on.
  public var gradientNorm: Double?
  /// Images in the step.
  public var images: Int
  /// Seconds the step took.
  public var seconds: Double
  /// Of those, seconds spent waiting for data.
  public var waited: Double
}
