import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

/// Whole models on libtorch's `meta` device: a tensor that is made on the CPU by default, where the
/// model is elsewhere, stops the run, as it would on a GPU.
@Suite struct MetaDeviceTests {
  private let configuration = ModelConfiguration(
    height: 16, width: 24, patch: 4, encoder: TransformerShape(width: 32, depth: 2, heads: 4),
    decoder: TransformerShape(width: 16, depth: 2, heads: 2), target: .normalizedPixels)
  private let images = Tensor.empty([3, 3, 16, 24], device: .meta)

  private func mask(on device: Device) -> PatchMask {
    RandomMasking(ratio: 0.75)
      .mask(configuration.grid, batch: 3, using: Generator(seed: 1)).to(device)
  }

  // In a process of its own each, so that an operator that is refused ends that and says what it
  // was.

  @Test(arguments: MaskedAutoencoder.LossRegion.allCases)
  func `the loss and its gradients need no tensor of another device`(
    region: MaskedAutoencoder.LossRegion
  ) async {
    await #expect(processExitsWith: .success) { [region] in
      let tests = MetaDeviceTests()
      let store = ParameterStore(on: .meta, initializing: Generator(seed: 0))
      let model = MaskedAutoencoder(tests.configuration, in: store.root)
      #expect(store.entries.allSatisfy { $0.tensor.device == .meta })
      let mask = tests.mask(on: .meta)
      let loss = model.loss(tests.images, mask: mask, over: region)
      #expect(loss.shape == [] && loss.device == .meta)
      loss.backward()
      for entry in store.trainable {
        #expect(entry.tensor.gradient?.shape == entry.tensor.shape, "\(entry.name)")
        #expect(entry.tensor.gradient?.device == .meta, "\(entry.name)")
      }
      let output = model(tests.images, mask: mask, over: region)
      #expect(output.prediction.shape == [3, 24, 48] && output.latent.shape == [3, 7, 32])
    }
  }

  @Test(arguments: ClassifierHead.Pooling.allCases)
  func `a classifier needs no tensor of another device`(pooling: ClassifierHead.Pooling) async {
    await #expect(processExitsWith: .success) { [pooling] in
      let tests = MetaDeviceTests()
      let store = ParameterStore(on: .meta, initializing: nil)
      let classifier = ImageClassifier(
        tests.configuration,
        head: ClassifierHead(pooling: pooling, classes: 5, normalizesBatches: true),
        in: store.root)
      let evaluated = classifier(tests.images)
      #expect(evaluated.shape == [3, 5] && evaluated.device == .meta)
      let trained = classifier(
        tests.images, isTraining: true, dropping: DropPath(rate: 0.5, using: Generator(seed: 1)))
      trained.crossEntropy(with: Tensor([0, 1, 4]).to(.meta)).backward()
      #expect(store["head.weight"]?.gradient?.shape == [5, 32])
      let cut = patches(of: tests.images, side: 4)
      #expect(classifier.encoder.attentionWeights(of: cut).shape == [3, 4, 25, 25])
    }
  }

  @Test func `a whole step, clipped and taken, needs no tensor of another device`() async {
    await #expect(processExitsWith: .success) {
      let tests = MetaDeviceTests()
      let store = ParameterStore(on: .meta, initializing: nil)
      let model = MaskedAutoencoder(tests.configuration, recomputing: true, in: store.root)
      let optimizer = AdamW(
        ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05))
      let average = ModelEMA(of: store, decay: 0.9)
      for _ in 0..<2 {
        store.clearGradients()
        model.loss(tests.images, mask: tests.mask(on: .meta)).backward()
        #expect(clipGradients(of: optimizer.groups, to: 1).device == .meta)
        optimizer.step(learningRate: 1e-3)
        average.update()
      }
      #expect(optimizer.state.allSatisfy { $0.tensor.device == .meta })
    }
  }

  /// The trick must be able to fail: images and masks of another device stop the program.
  @Test(arguments: ["images", "mask", "neither"])
  func `a tensor of another device is refused`(made: String) async {
    let result = await #expect(
      processExitsWith: made == "neither" ? .success : .failure,
      observing: [\.standardErrorContent]
    ) { [made] in
      let tests = MetaDeviceTests()
      let store = ParameterStore(on: .meta, initializing: nil)
      let model = MaskedAutoencoder(tests.configuration, in: store.root)
      let images = made == "images" ? Tensor.zeros([3, 3, 16, 24]) : tests.images
      let mask = made == "mask" ? tests.mask(on: .cpu) : tests.mask(on: .meta)
      _ = model.loss(images, mask: mask)
    }
    let text = standardError(of: result)
    #expect(
      text.contains("on one device, but found cpu and meta") == (made != "neither"), "\(text)")
  }

  @Test func `names and shapes of a model are declared without memory`() {
    let huge = ModelConfiguration(encoder: .huge, decoder: .paperDecoder)
    let store = ParameterStore(on: .meta, initializing: nil)
    _ = MaskedAutoencoder(huge, in: store.root)
    #expect(store["blocks.31.mlp.fc1.weight"]?.shape == [5120, 1280])
    #expect(store.trainableCount > 600_000_000)
  }
}
