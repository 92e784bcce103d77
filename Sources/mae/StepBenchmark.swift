import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Torch
import TorchNN
import TorchOptim
import Training

/// One training step of a model on images of noise: forward, backward, AdamW, nothing else.
final class StepBenchmark {
  private let workload: StepWorkload
  private let device: Device
  private var precision: DType?
  private let store: ParameterStore
  private let optimizer: AdamW
  private let images: Tensor
  /// What is drawn for a step, and the loss of images by it.
  private let drawn: (Int) -> (Tensor) -> Tensor
  /// The same in two parts, of which the second can be captured: the order of a mask, and the loss.
  private let parts: (order: (Int) -> Tensor, loss: (_ inputs: [Tensor]) -> Tensor)?
  private var graph: StepGraph?
  private var steps = 0

  /// Makes the model and the images.
  ///
  /// - Parameters:
  ///   - precision: The type of matrix products; nil for float32.
  ///   - recomputes: Whether the backward pass computes blocks a second time.
  init(
    _ workload: StepWorkload, on device: Device, precision: DType? = nil,
    recomputing recomputes: Bool = false
  ) {
    self.workload = workload
    self.device = device
    self.precision = precision
    let configuration = workload.configuration
    store = ParameterStore(on: device, initializing: Generator(seed: 0))
    switch workload.task {
    case .pretraining(let masking):
      let model = MaskedAutoencoder(configuration, recomputing: recomputes, in: store.root)
      optimizer = AdamW(
        ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05), beta2: 0.95)
      let mask = { step in
        masking.mask(
          configuration.grid, batch: workload.batch,
          using: Generator(seed: 2, stream: 0, step: step))
      }
      drawn = { step in
        let mask = mask(step).to(device)
        return { model.loss($0, mask: mask) }
      }
      let kept = masking.kept(of: configuration.grid)
      parts = (
        { mask($0).order.sent(to: device) },
        { model.loss($0[0], mask: PatchMask(order: $0[1], keeping: kept)) }
      )
    case .finetuning(let recipe):
      parts = nil
      (optimizer, drawn) = Self.finetuning(
        workload, recipe, store: store, on: device, recomputing: recomputes)
    }
    images = Tensor.randn(
      [workload.batch, configuration.channels, configuration.height, configuration.width],
      using: Generator(seed: 1)
    ).to(device)
  }

  /// A classifier of 1,000 classes, with mixing, drop path and layer-wise rates.
  private static func finetuning(
    _ workload: StepWorkload, _ recipe: FinetuningRecipe, store: ParameterStore, on device: Device,
    recomputing recomputes: Bool
  ) -> (AdamW, (Int) -> (Tensor) -> Tensor) {
    let (model, classes, batch) = (workload.configuration, 1000, workload.batch)
    let classifier = ImageClassifier(
      model, head: ClassifierHead(pooling: recipe.head.pooling, classes: classes),
      std: recipe.head.std, recomputing: recomputes, in: store.root)
    let optimizer = AdamW(
      ParameterGroup.layerwise(
        of: store.trainable, decay: recipe.optimizer.layerDecay, layers: model.encoder.depth + 1,
        weightDecay: recipe.optimizer.weightDecay, undecayed: ["pos_embed", "cls_token"]
      ) { layer(of: $0, depth: model.encoder.depth) }, beta2: recipe.optimizer.beta2)
    let regularization = recipe.regularization
    let labels = (0..<batch).map { $0 * 7 % classes }
    return (
      optimizer,
      { step in
        var random = SampleRandom(seed: 2, sample: step)
        let mixes = regularization.mixing.draw(
          batch: batch, height: model.height, width: model.width, using: &random)
        let targets = MixupCutMix.targets(
          labels, classes: classes,
          shares: mixes.map { $0.share(height: model.height, width: model.width) },
          smoothing: regularization.labelSmoothing
        ).to(device)
        let paths = DropPath(
          rate: regularization.dropPath, using: Generator(seed: 3, stream: 0, step: step))
        return { images in
          classifier(MixupCutMix.mix(images, by: mixes), isTraining: true, dropping: paths)
            .to(.float32).crossEntropy(with: targets)
        }
      }
    )
  }

  /// Captures forward and backward pass as a graph, which steps replay from now on. Steps must have been
  /// run before.
  ///
  /// - Precondition: The workload is of pre-training: what fine-tuning draws is drawn while it computes.
  /// - Throws: What could not be captured.
  func capture() throws(TorchError) {
    guard let parts else { preconditionFailure("a step of fine-tuning cannot be captured") }
    graph = try StepGraph(of: [images, parts.order(0)], for: store) { [precision, device] inputs in
      let loss = withAutocast(to: precision, on: device) { parts.loss(inputs) }
      loss.backward()
      return [loss]
    }
  }

  /// The loss of the step that was run last.
  private(set) var loss = Tensor()

  /// Takes the faster type of products for these steps here.
  func choosePrecision() -> PrecisionChoice {
    let choice = PrecisionChoice(for: workload.name, on: device, remembering: nil) {
      .measured(images: workload.batch) {
        precision = $0.type
        return step()
      }
    }
    precision = choice.precision.type
    return choice
  }

  /// Runs one step and gives the seconds it took.
  func step() -> Double {
    let start = ContinuousClock.now
    run { _, body in body() }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  /// Runs steps with the time of every operator, see ``StepProfile``.
  func profile(steps: Int) -> StepProfile {
    var found: [StepProfile.Measured] = []
    for _ in 0..<steps {
      run { phase, body in
        var seconds = 0.0
        let profile = OperatorProfile.measured {
          let start = ContinuousClock.now
          body()
          seconds = (ContinuousClock.now - start) / .seconds(1)
        }
        found.append(.init(phase: phase, seconds: seconds, entries: profile.entries))
      }
    }
    return StepProfile(found, steps: steps) { $0.secondsAlone() }
  }

  /// Runs one step, each of its phases inside `around`.
  private func run(_ around: (StepProfile.Phase, () -> Void) -> Void) {
    if let graph, let parts {
      var order = Tensor()
      around(.data) { order = parts.order(steps) }
      around(.forward) { loss = graph.run([images, order])?.first ?? Tensor() }
      around(.optimizer) { optimizer.step(learningRate: 1e-4) }
      around(.waits) { device.synchronize() }
      steps += 1
      return
    }
    var lossOf: ((Tensor) -> Tensor)?
    around(.data) {
      store.clearGradients()
      lossOf = drawn(steps)
    }
    around(.forward) {
      guard let lossOf else { return }
      loss = withAutocast(to: precision, on: device) { lossOf(images) }
    }
    around(.backward) { loss.backward() }
    around(.optimizer) { optimizer.step(learningRate: 1e-4) }
    around(.waits) { device.synchronize() }
    steps += 1
  }
}
