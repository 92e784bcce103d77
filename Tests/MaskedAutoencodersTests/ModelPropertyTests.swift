import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// What must hold for every model, whatever published code computes.
@Suite struct ModelPropertyTests {
  private func configuration(
    _ grid: PatchGrid, target: ReconstructionTarget = .normalizedPixels, channels: Int = 2,
    decoderDepth: Int = 2
  ) -> ModelConfiguration {
    ModelConfiguration(
      height: grid.rows * 2, width: grid.columns * 2, channels: channels, patch: 2,
      encoder: TransformerShape(width: 8, depth: 1, heads: 2),
      decoder: TransformerShape(width: 4, depth: decoderDepth, heads: 1), target: target)
  }

  private func images(_ configuration: ModelConfiguration, batch: Int, seed: UInt64 = 3) -> Tensor {
    Tensor.randn(
      [batch, configuration.channels, configuration.height, configuration.width],
      using: Generator(seed: seed))
  }

  private func grid(_ rows: Int, _ columns: Int) -> PatchGrid {
    PatchGrid(rows: rows, columns: columns)
  }

  private func mask(_ grid: PatchGrid, batch: Int, keeping kept: Int, seed: UInt64 = 4) -> PatchMask
  {
    PatchMask(
      noise: Tensor.rand([batch, grid.count], using: Generator(seed: seed)), keeping: kept)
  }

  private let tolerance = Golden.Tolerance(absolute: 1e-6, relative: 1e-5)
  /// Sums over all tokens of the batch, whose terms cancel, in another order.
  private let gradientTolerance = Golden.Tolerance(absolute: 1e-6, relative: 1e-5, ofLargest: 2e-6)

  /// Training's lean loss is the whole prediction's, with all its gradients: every grid, number of
  /// patches kept (all but one among them), batch, target, region and decoder depth.
  @Test func `lean loss is the full one`() {
    let grids = [grid(1, 2), grid(2, 1), grid(2, 2), grid(2, 3)]
    withEvery("grid", in: grids) { grid in
      withEvery("target", in: [ReconstructionTarget.pixels, .normalizedPixels]) { target in
        withEvery("decoder depth", in: [1, 2]) { depth in
          let configuration = configuration(grid, target: target, decoderDepth: depth)
          let model = TestModel(configuration, randomizing: 1)
          withEvery("kept", in: 1..<grid.count) { kept in
            withEvery("batch", in: [1, 2]) { batch in
              withEvery("region", in: MaskedAutoencoder.LossRegion.allCases) { region in
                let images = images(configuration, batch: batch)
                let mask = mask(grid, batch: batch, keeping: kept)
                let lean = model.lean(images, mask, over: region)
                let full = model.full(images, mask, over: region)
                expectClose(lean.loss, full.output.loss, within: tolerance, "loss")
                expectGradients(
                  lean.gradients, full.gradients, within: gradientTolerance)
                #expect(full.output.prediction.shape == [batch, grid.count, 8])
                #expect(full.output.latent.shape == [batch, 1 + kept, 8])
              }
            }
          }
        }
      }
    }
  }

  @Test func `the loss is the mean error of its region`() {
    let configuration = configuration(grid(2, 3))
    let model = TestModel(configuration, randomizing: 2)
    let (images, mask) = (images(configuration, batch: 3), mask(grid(2, 3), batch: 3, keeping: 2))
    let target = configuration.target.target.values(
      for: TargetPatches(patches(of: images, side: 2), of: configuration))
    let output = model.model(images, mask: mask)
    let errors = (output.prediction - target).squared()
    expectClose(model.model(images, mask: mask, over: .all).loss, errors.mean(), within: tolerance)
    let hidden = (mask.indicator .== 1).unsqueezed(2).expanded([-1, -1, 8])
    let sum = Tensor.where(hidden, errors, errors.zerosLike()).sum()
    expectClose(output.loss, sum / Double(3 * 4 * 8), within: tolerance)
  }

  /// An image's prediction and latent do not depend on the images beside it.
  @Test func `images are independent`() {
    withEvery("grid", in: [grid(2, 2), grid(1, 5)]) { grid in
      let configuration = configuration(grid)
      let model = TestModel(configuration, randomizing: 5)
      let (images, mask) = (images(configuration, batch: 4), mask(grid, batch: 4, keeping: 2))
      let whole = model.model(images, mask: mask)
      withEvery("image", in: 0..<4) { index in
        func one(_ tensor: Tensor) -> Tensor { tensor.narrowed(0, to: index..<index + 1) }
        let alone = model.model(
          one(images), mask: PatchMask(order: one(mask.order), keeping: mask.kept))
        expectClose(alone.prediction, one(whole.prediction), within: tolerance, "prediction")
        expectClose(alone.latent, one(whole.latent), within: tolerance, "latent")
      }
    }
  }

  /// What lies under hidden patches reaches neither latent nor prediction, only the loss.
  @Test func `hidden patches are not seen`() {
    withEvery("kept", in: 1..<6) { kept in
      let grid = grid(2, 3)
      let configuration = configuration(grid)
      let model = TestModel(configuration, randomizing: 6)
      let mask = mask(grid, batch: 2, keeping: kept)
      let pixels = images(configuration, batch: 2)
      let cut = patches(of: pixels, side: 2)
      let hidden = (mask.indicator .== 1).unsqueezed(2).expanded([-1, -1, 8])
      let other = MaskedAutoencoders.images(
        from: Tensor.where(hidden, Tensor.randn(cut.shape, using: Generator(seed: 9)), cut),
        grid: grid, side: 2)
      let (a, b) = (model.model(pixels, mask: mask), model.model(other, mask: mask))
      expectEqual(a.latent, b.latent, "latent")
      expectEqual(a.prediction, b.prediction, "prediction")
      #expect(a.loss.item() != b.loss.item())
      let seen = cut * 1.5
      let changed = MaskedAutoencoders.images(
        from: Tensor.where(hidden, cut, seen), grid: grid, side: 2)
      #expect(
        difference(
          of: model.model(changed, mask: mask).prediction, from: a.prediction,
          within: Golden.Tolerance(absolute: 1e-4)) != nil, "visible patches are seen")
    }
  }

  /// The order in which a mask names visible patches moves latent tokens and nothing else.
  @Test func `order within a mask does not matter`() {
    let grid = grid(2, 3)
    let configuration = configuration(grid)
    let model = TestModel(configuration, randomizing: 7)
    let pixels = images(configuration, batch: 1)
    let one = PatchMask(order: Tensor([4, 0, 2, 5, 1, 3], shape: [1, 6]), keeping: 3)
    let two = PatchMask(order: Tensor([2, 4, 0, 1, 3, 5], shape: [1, 6]), keeping: 3)
    let (a, b) = (model.full(pixels, one), model.full(pixels, two))
    expectClose(a.output.prediction, b.output.prediction, within: tolerance, "prediction")
    expectClose(
      a.output.latent.selected(Tensor([0, 3, 1, 2]), along: 1), b.output.latent, within: tolerance,
      "latent")
    expectGradients(a.gradients, b.gradients, within: tolerance)
    expectGradients(model.lean(pixels, two).gradients, a.gradients, within: tolerance)
  }

  /// A visible patch is told from another by its position: the same patches elsewhere differ.
  @Test func `positions matter`() {
    let grid = grid(1, 3)
    let configuration = configuration(grid)
    let model = TestModel(configuration, randomizing: 8)
    let cut = patches(of: images(configuration, batch: 1), side: 2)
    let swapped = cut.selected(Tensor([1, 0, 2]), along: 1)
    func latent(_ patches: Tensor, _ order: [Int]) -> Tensor {
      model.model.encoder(
        patches, keeping: PatchMask(order: Tensor(order, shape: [1, 3]), keeping: 2))
    }
    #expect(
      difference(
        of: latent(cut, [0, 1, 2]), from: latent(swapped, [1, 0, 2]),
        within: Golden.Tolerance(absolute: 1e-4)) != nil)
  }

  /// Without a mask the encoder gives what it gives for all patches, whichever is left out aside.
  @Test func `the unmasked encoder names patches row by row`() {
    let grid = grid(2, 2)
    let configuration = configuration(grid)
    let model = TestModel(configuration, randomizing: 9)
    let cut = patches(of: images(configuration, batch: 2), side: 2)
    let whole = model.model.encoder(cut)
    #expect(whole.shape == [2, 5, 8])
    // Hide nothing but a patch beyond the picture: five patches, four of them kept.
    let wider = ModelConfiguration(
      height: 4, width: 6, channels: 2, patch: 2, encoder: configuration.encoder,
      decoder: configuration.decoder)
    let other = TestModel(wider, randomizing: 9)
    withoutGradients {
      for entry in model.store.entries where entry.name != "pos_embed" {
        if entry.name.contains("decoder_pos") { continue }
        other.store[entry.name]?.copy(entry.tensor)
      }
      // Rows of a 2 × 2 table at places 0, 1, 3 and 4 of a 2 × 3 one; sine-cosine tables agree.
      let places = Tensor([0, 1, 2, 4, 5])
      if let small = model.store["pos_embed"], let large = other.store["pos_embed"] {
        expectClose(large.selected(places, along: 1), small, absolute: 1e-6, "positions")
      }
    }
    let padded = concatenated(
      [
        cut.narrowed(1, to: 0..<2), cut.zerosLike().narrowed(1, to: 0..<1),
        cut.narrowed(1, to: 2..<4), cut.zerosLike().narrowed(1, to: 0..<1),
      ], along: 1)
    let order = Tensor([0, 1, 3, 4, 2, 5], shape: [1, 6]).expanded([2, -1]).contiguous()
    expectClose(
      other.model.encoder(padded, keeping: PatchMask(order: order, keeping: 4)), whole,
      within: tolerance)
  }

  /// The derivative along a random direction, for the whole model at once.
  @Test func `gradients match differences`() {
    let configuration = configuration(grid(2, 2), target: .pixels)
    let model = TestModel(configuration, randomizing: 10)
    let (images, mask) = (images(configuration, batch: 2), mask(grid(2, 2), batch: 2, keeping: 1))
    let gradients = model.lean(images, mask).gradients
    let generator = Generator(seed: 12)
    withEvery("parameter", in: model.store.trainable.map(\.name)) { name in
      guard let tensor = model.store[name], let gradient = gradients[name] else { return }
      let direction = Tensor.randn(tensor.shape, using: generator)
      let step = 1e-2 / direction.norm().item()
      func loss(_ distance: Double) -> Double {
        withoutGradients {
          let before = tensor.cloned()
          defer { tensor.copy(before) }
          tensor.add(direction, scale: distance)
          return model.model.loss(images, mask: mask).item()
        }
      }
      let found = (loss(step) - loss(-step)) / (2 * step)
      let expected = (gradient * direction).sum()
      expectClose(Tensor(found), expected, absolute: 5e-3, relative: 2e-2)
    }
  }

  @Test func `targets hold`() {
    func check(_ target: some PatchTarget) { ReconstructionTargetChecker(target).check() }
    withEvery("target", in: PatchTargets.names) { name in
      // Tokens need a tokenizer, see TargetTests.
      guard let target = PatchTargets.named(name), !(target is TokenTarget) else { return }
      check(target)
    }
  }

  /// A prediction's target has no gradient, even where the images have one.
  @Test func `the target has no gradient`() {
    let configuration = configuration(grid(1, 2), target: .pixels)
    let model = TestModel(configuration, randomizing: 11)
    let pixels = images(configuration, batch: 1)
    pixels.requiresGradient = true
    let mask = PatchMask(order: Tensor([0, 1], shape: [1, 2]), keeping: 1)
    model.model.loss(pixels, mask: mask).backward()
    let gradient = patches(of: pixels.gradient ?? Tensor(), side: 2)
    #expect(gradient.selected(0, along: 1).abs().max().item() > 0)
    #expect(gradient.selected(1, along: 1).abs().max().item() == 0)
  }

  @Test func `patches and images are inverse`() {
    withEvery("grid", in: [grid(1, 1), grid(1, 2), grid(3, 2), grid(2, 5)]) { grid in
      withEvery("side", in: [1, 2, 3]) { side in
        withEvery("channels", in: [1, 3, 4]) { channels in
          let whole = Tensor.randn(
            [2, channels, grid.rows * side, grid.columns * side], using: Generator(seed: 1))
          let cut = patches(of: whole, side: side)
          #expect(cut.shape == [2, grid.count, side * side * channels])
          expectEqual(MaskedAutoencoders.images(from: cut, grid: grid, side: side), whole)
        }
      }
    }
  }

  @Test func `short types stay close and the loss is float 32`() {
    let configuration = configuration(grid(2, 3))
    let model = TestModel(configuration, randomizing: 13)
    let (images, mask) = (images(configuration, batch: 2), mask(grid(2, 3), batch: 2, keeping: 2))
    let exact = model.lean(images, mask)
    for region in MaskedAutoencoder.LossRegion.allCases {
      let loss = withAutocast(to: .bfloat16, on: .cpu) {
        model.model.loss(images, mask: mask, over: region)
      }
      #expect(loss.dtype == .float32)
      let full = withAutocast(to: .bfloat16, on: .cpu) {
        model.model(images, mask: mask, over: region).loss
      }
      #expect(full.dtype == .float32)
      expectClose(loss, full, relative: 2e-2)
    }
    // Gradients are compared with torch's own in AutocastTests.
    let loss = withAutocast(to: .bfloat16, on: .cpu) { model.model.loss(images, mask: mask) }
    expectClose(loss, exact.loss, relative: 1e-2)
  }

  @Test func `images of another shape stop`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let configuration = ModelConfiguration(
        height: 4, width: 4, channels: 2, patch: 2,
        encoder: TransformerShape(width: 4, depth: 1, heads: 1),
        decoder: TransformerShape(width: 4, depth: 1, heads: 1))
      let model = TestModel(configuration, randomizing: 14)
      let mask = PatchMask(order: Tensor([0, 1, 2, 3], shape: [1, 4]), keeping: 1)
      _ = model.model.loss(Tensor.zeros([1, 3, 4, 4]), mask: mask)
    }
    #expect(standardError(of: result).contains("images are [1, 3, 4, 4], expected [1, 2, 4, 4]"))
  }

  @Test func `a mask of another grid stops`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let configuration = ModelConfiguration(
        height: 4, width: 4, channels: 2, patch: 2,
        encoder: TransformerShape(width: 4, depth: 1, heads: 1),
        decoder: TransformerShape(width: 4, depth: 1, heads: 1))
      let model = TestModel(configuration, randomizing: 14)
      let mask = PatchMask(order: Tensor([0, 1, 2], shape: [1, 3]), keeping: 1)
      _ = model.model(Tensor.zeros([1, 2, 4, 4]), mask: mask)
    }
    #expect(standardError(of: result).contains("the mask is of 3 patches, the model has 4"))
  }
}
