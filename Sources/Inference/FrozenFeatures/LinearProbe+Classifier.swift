import FileSystem
import MaskedAutoencoders
public import Runs
public import Torch
import WeightExchange

extension LinearProbe {
  /// The classifier that an encoder and this probe are together.
  ///
  /// The standardisation becomes part of the head: `W/σ` and `b − (W/σ)·μ`. Nothing but the head is
  /// new; a decoder or another head is left out.
  ///
  /// - Parameters:
  ///   - model: What the probe's features were made by.
  ///   - pooling: How they were.
  ///   - classes: The classes' names, in the order of the labels.
  /// - Returns: What a checkpoint holds.
  /// - Throws: ``/Runs/RunFailure`` as ``requireEncoderForHead(_:)`` has it.
  public func classifier(
    on model: LoadedModel, pooling: Features.Pooling, classes: [String]
  ) throws(RunFailure) -> (
    description: ModelDescription, weights: [(name: String, tensor: Tensor)]
  ) {
    try Self.requireEncoderForHead(model)
    let found = model.description
    let head = ClassifierHead(
      pooling: pooling == .classToken ? .classToken : .mean, classes: classes.count)
    let encoder = model.usedWeights.filter { name, _ in
      !PublishedFormat.isDecoder(name)
        && !["head.", "head_norm.", "fc_norm."].contains { name.hasPrefix($0) }
    }
    let (weight, bias) = folded
    var description = ModelDescription(
      model: found.model, classifier: .init(head: head, classNames: classes), mean: found.mean,
      std: found.std, masking: found.masking)
    // The features were made of images prepared so.
    description.preprocessing = found.preprocessing
    description.valueRange = found.valueRange
    description.raster = found.raster
    return (
      description,
      encoder + [("head.weight", weight), ("head.bias", bias)]
    )
  }

  /// Writes that classifier as a checkpoint, and beside it what it was trained on.
  ///
  /// - Parameters:
  ///   - classes: The classes' names, in the order of the labels.
  ///   - split: What the probe was trained on, see ``/Runs/TrainingSplit``; nil where later
  ///     evaluations need not know.
  public func save(
    to path: String, on model: LoadedModel, pooling: Features.Pooling, classes: [String],
    trainedOn split: TrainingSplit?
  ) throws {
    let made = try classifier(on: model, pooling: pooling, classes: classes)
    try Checkpoint(path: path).write(made.description, weights: made.weights)
    guard let split else { return }
    var results = RunResults()
    results.learned = split
    try JSONFile.write(results, to: path + "/results.json")
  }

  /// Refuses an encoder that no head can stand on: one without a norm after its last block.
  public static func requireEncoderForHead(_ model: LoadedModel) throws(RunFailure) {
    guard let shape = model.description.classifier?.head, shape.pooling == .normalizedMean else {
      return
    }
    throw RunFailure(
      .badData,
      "\(model.source): the model pools before its norm, so that its frozen features have none and no "
        + "classifier can be made of them; give the encoder that it was fine-tuned from, or leave "
        + "--out away")
  }
}
