import MaskedAutoencoders
import Recipes
import Torch
import TorchNN
import TorchOptim

/// One training step of a model on images of noise: forward, backward, AdamW, nothing else.
final class StepBenchmark {
  /// A configuration that benchmarks are known by.
  struct Workload: Sendable {
    /// `base` or `small`.
    let name: String
    /// The model.
    let configuration: ModelConfiguration
    /// Images in a step.
    var batch: Int
    /// Which patches are hidden; 75 % at random unless set.
    var masking = Masking()

    /// ViT-B/16 at 224², 16 images.
    static let base = Workload(
      name: "base", configuration: ModelConfiguration(), batch: 16)
    /// 32² with patches of 4, encoder 192 × 6, decoder 96 × 2, 256 images.
    static let small = Workload(
      name: "small",
      configuration: ModelConfiguration(
        height: 32, width: 32, patch: 4,
        encoder: TransformerShape(width: 192, depth: 6, heads: 6),
        decoder: TransformerShape(width: 96, depth: 2, heads: 3)),
      batch: 256)
    /// ViT-L/16 and ViT-H/14 at 224², one image: what fits in the memory of a small machine.
    static let large = Workload(
      name: "large", configuration: ModelConfiguration(encoder: .large), batch: 1)
    static let huge = Workload(
      name: "huge", configuration: ModelConfiguration(patch: 14, encoder: .huge), batch: 1)
    /// Those that have a name.
    static let named = [base, small, large, huge]
  }

  private let workload: Workload
  private let device: Device
  private let precision: DType?
  private let store: ParameterStore
  private let model: MaskedAutoencoder
  private let optimizer: AdamW
  private let images: Tensor
  private var steps = 0

  /// Makes the model and the images.
  ///
  /// - Parameters:
  ///   - precision: The type of matrix products; nil for float32.
  ///   - recomputes: Whether the backward pass computes blocks a second time.
  init(
    _ workload: Workload, on device: Device, precision: DType? = nil,
    recomputing recomputes: Bool = false
  ) {
    self.workload = workload
    self.device = device
    self.precision = precision
    let configuration = workload.configuration
    store = ParameterStore(on: device, initializing: Generator(seed: 0))
    model = MaskedAutoencoder(configuration, recomputing: recomputes, in: store.root)
    optimizer = AdamW(
      ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05), beta2: 0.95)
    images = Tensor.randn(
      [workload.batch, configuration.channels, configuration.height, configuration.width],
      using: Generator(seed: 1)
    ).to(device)
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
    var mask: PatchMask?
    var loss = Tensor()
    around(.data) {
      store.clearGradients()
      mask = workload.masking.mask(
        workload.configuration.grid, batch: workload.batch,
        using: Generator(seed: 2, stream: 0, step: steps)
      ).to(device)
    }
    around(.forward) {
      guard let mask else { return }
      loss = withAutocast(to: precision, on: device) { model.loss(images, mask: mask) }
    }
    around(.backward) { loss.backward() }
    around(.optimizer) { optimizer.step(learningRate: 1e-4) }
    around(.waits) { device.synchronize() }
    steps += 1
  }
}
