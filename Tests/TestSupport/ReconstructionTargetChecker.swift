package import MaskedAutoencoders
package import Testing
import Torch
import TorchNN
import WeightExchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What every reconstruction target must hold; a new one is checked by one test that runs
/// ``check()``.
package struct ReconstructionTargetChecker<Target: PatchTarget> {
  /// The target.
  package var target: Target
  /// Whether the values of a patch depend on no other patch.
  package var isLocal = true
  /// Whether pixels come back from the values for them, as a share of the largest; nil where
  /// they do so only nearly, or not at all.
  package var tolerance: Double?

  /// Takes a target; one in pixels with a squared error is expected to give them back.
  package init(_ target: Target) {
    self.target = target
    tolerance = target is any DrawableTarget && target.criterion == .squaredError ? 1e-5 : nil
  }

  /// Records an issue for everything that does not hold.
  package func check(sourceLocation: SourceLocation = #_sourceLocation) {
    withEvery("grid", in: [(1, 2), (2, 3)]) { rows, columns in
      withEvery("patch and channels", in: [(2, 1), (2, 3)]) { side, channels in
        let model = MaskedAutoencoder(
          ModelConfiguration(
            height: rows * side, width: columns * side, channels: channels, patch: side,
            encoder: TransformerShape(width: 8, depth: 1, heads: 2),
            decoder: TransformerShape(width: 4, depth: 1, heads: 1),
            target: ReconstructionTarget(target)))
        let shape = [3, rows * columns, side * side * channels]
        withEvery("patches", in: [("varied", 1.0), ("faint", 1e-3), ("bright", 100)]) { _, scale in
          let patches = Tensor.randn(shape, using: Generator(seed: 8)) * scale + 2 * scale
          check(patches, model, sourceLocation)
        }
        // A flat patch has no deviation.
        check(Tensor.full(shape, 0.25), model, sourceLocation)
        checkModel(model, sourceLocation)
      }
    }
    checkText(sourceLocation)
  }

  private func selection(
    _ patches: Tensor, _ model: MaskedAutoencoder, choosing rows: Tensor? = nil
  ) -> TargetPatches {
    let buffers = target.buffers(for: model.configuration).map {
      ($0.name, model.parameters["decoder_target.\($0.name)"] ?? Tensor())
    }
    return TargetPatches(
      patches, of: model.configuration, choosing: rows,
      buffers: Dictionary(uniqueKeysWithValues: buffers))
  }

  private func check(
    _ patches: Tensor, _ model: MaskedAutoencoder, _ sourceLocation: SourceLocation
  ) {
    func hold(_ condition: Bool, _ rule: String) {
      #expect(condition, "\(context(rule))", sourceLocation: sourceLocation)
    }
    let width = target.valuesPerPatch(of: model.configuration)
    let places = Array(patches.shape.dropLast())
    let all = selection(patches, model)
    let values = target.values(for: all)
    hold(!values.requiresGradient, "values have no gradient")
    let prediction: Tensor
    switch target.criterion {
    case .squaredError:
      hold(values.shape == places + [width], "values are [B, N, V], found \(values.shape)")
      hold(values.isFinite().all().item() == 1, "values are finite")
      prediction = values
    case .crossEntropy:
      hold(values.shape == places, "classes are [B, N], found \(values.shape)")
      hold(values.dtype == .int64, "classes are int64")
      hold(
        values.array(of: Int.self).allSatisfy { (0..<width).contains($0) },
        "classes are from 0 to \(width - 1)")
      let scores = values.array(of: Int.self).flatMap { chosen in
        (0..<width).map { $0 == chosen ? Float(50) : 0 }
      }
      prediction = Tensor(scores, shape: places + [width])
    }
    let errors = target.criterion.errors(of: prediction, against: values)
    hold(errors.shape == places, "errors are [B, N]")
    hold(errors.abs().max().item() < 1e-6, "the right prediction has no error")
    let other = prediction.cloned() * 0.5 + 1
    expectClose(
      target.criterion.loss(of: other, against: values),
      target.criterion.errors(of: other, against: values).mean(), relative: 1e-5,
      "the loss is the mean of the errors", sourceLocation: sourceLocation)

    let rows = Tensor([2 * places[1] + 1, 0])
    expectClose(
      target.values(for: selection(patches, model, choosing: rows)).to(.float64),
      all.chosen(from: values).flattened(to: 1).selected(rows, along: 0).to(.float64),
      relative: 1e-6, "values of chosen patches", sourceLocation: sourceLocation)
    if isLocal {
      // Other neighbours: the patches of the batch turned round.
      let turned = Tensor((0..<places[1]).reversed().map { $0 })
      expectClose(
        target.values(for: selection(patches.selected(turned, along: 1), model)).to(.float64),
        values.selected(turned, along: 1).to(.float64), relative: 1e-6,
        "values beside other patches", sourceLocation: sourceLocation)
    }
    guard let drawable = target as? any DrawableTarget else { return }
    let pixels = drawable.pixels(from: prediction, of: all)
    hold(pixels.shape == patches.shape, "pixels are [B, N, P·P·C], found \(pixels.shape)")
    hold(pixels.isFinite().all().item() == 1, "pixels are finite")
    if let tolerance {
      expectClose(
        pixels, patches, relative: tolerance, "pixels from the values for them",
        sourceLocation: sourceLocation)
    }
  }

  /// The target inside a model: names and shapes of weights, and a loss that is learned from.
  private func checkModel(_ model: MaskedAutoencoder, _ sourceLocation: SourceLocation) {
    let configuration = model.configuration
    let expected = configuration.weightShapes().sorted { $0.name < $1.name }
    let found = model.parameters.entries.sorted { $0.name < $1.name }
    #expect(
      found.map { "\($0.name) \($0.tensor.shape)" } == expected.map { "\($0.name) \($0.shape)" },
      "\(context("weights"))", sourceLocation: sourceLocation)
    let images = Tensor.randn(
      [2, configuration.channels, configuration.height, configuration.width],
      using: Generator(seed: 9))
    let mask = RandomMasking(ratio: 0.5).mask(
      configuration.grid, batch: 2, using: Generator(seed: 1))
    let loss = model.loss(images, mask: mask)
    let output = model(images, mask: mask)
    #expect(
      loss.shape == [] && loss.isFinite().all().item() == 1,
      "\(context("the loss is a finite scalar"))",
      sourceLocation: sourceLocation)
    expectClose(
      loss, output.loss, absolute: 1e-6, relative: 1e-5, "the lean loss is the full one",
      sourceLocation: sourceLocation)
    loss.backward()
    let gradient = model.parameters["decoder_pred.weight"]?.gradient
    #expect(
      (gradient?.abs().max().item() ?? 0) > 0, "\(context("the decoder learns"))",
      sourceLocation: sourceLocation)
    model.parameters.clearGradients()
  }

  /// Parameters come back from JSON, and missing ones are the defaults.
  private func checkText(_ sourceLocation: SourceLocation) {
    let isKnown = PatchTargets.all.contains { $0 == Target.self }
    PatchTargets.$added.withValue(isKnown ? [] : [Target.self]) {
      #expect(
        PatchTargets.names.filter { $0 == Target.name }.count == 1,
        "\(context("the name '\(Target.name)' is its own"))", sourceLocation: sourceLocation)
      let whole = ReconstructionTarget(target)
      let back = try? JSONDecoder().decode(
        [ReconstructionTarget].self, from: JSONEncoder().encode([whole]))
      #expect(
        back == [whole], "\(context("JSON gives the target back"))",
        sourceLocation: sourceLocation)
      for text in ["[\"\(Target.name)\"]", "[{\"name\": \"\(Target.name)\"}]"] {
        let plain = try? JSONDecoder().decode([ReconstructionTarget].self, from: Data(text.utf8))
        #expect(
          plain == [ReconstructionTarget(Target())],
          "\(context("\(text) has every default"))", sourceLocation: sourceLocation)
      }
    }
  }
}
