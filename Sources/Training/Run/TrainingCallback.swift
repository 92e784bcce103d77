public import Runs

/// Is told how training goes. What it throws is reported once and never ends a run.
public protocol TrainingCallback: AnyObject {
  /// A step was taken; its checkpoint, if it has one, is not written yet.
  func stepTaken(_ step: StepReport) throws
  /// A checkpoint is safe.
  func checkpointSaved(_ checkpoint: Checkpoint, at step: Int) throws
}

extension TrainingCallback {
  public func stepTaken(_ step: StepReport) throws {}
  public func checkpointSaved(_ checkpoint: Checkpoint, at step: Int) throws {}
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
  public var learningRate: Double
  /// The length of the gradient before clipping.
  public var gradientNorm: Double
  /// The parts of the loss by name, of this process's batches; empty for a loss of one part.
  public var parts: [(name: String, error: Double)] = []
  /// Images in the step.
  public var images: Int
  /// Seconds the step took.
  public var seconds: Double
  /// Of those, seconds spent waiting for data.
  public var waited: Double
  /// Bytes of files that were read meanwhile; 0 where that is not known.
  public var bytes = 0
}
