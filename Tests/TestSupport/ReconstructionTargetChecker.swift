package import MaskedAutoencoders
package import Testing
import Torch

/// What every reconstruction target in pixels must hold; a new one is checked by one test that runs
/// ``check()``.
package struct ReconstructionTargetChecker {
  /// The target.
  package var target: PixelTarget
  /// How closely pixels come back, as a share of the largest.
  package var tolerance = 1e-5

  package init(_ target: PixelTarget) { self.target = target }

  /// Records an issue for everything that does not hold.
  package func check(sourceLocation: SourceLocation = #_sourceLocation) {
    withEvery("shape", in: [[1, 1, 4], [2, 3, 12], [3, 1, 2, 27]]) { shape in
      withEvery("patches", in: [("varied", 1.0), ("faint", 1e-3), ("bright", 100)]) { _, scale in
        let patches = Tensor.randn(shape, using: Generator(seed: 8)) * scale + 2 * scale
        check(patches, sourceLocation)
      }
      // A flat patch has no deviation; it must come back all the same.
      check(Tensor.full(shape, 0.25), sourceLocation)
    }
    checkLocality(sourceLocation)
  }

  private func check(_ patches: Tensor, _ sourceLocation: SourceLocation) {
    let values = target.values(for: patches)
    #expect(
      values.shape == patches.shape, "\(context("the shape stays"))",
      sourceLocation: sourceLocation)
    #expect(
      values.isFinite().all().item() == 1, "\(context("values are finite"))",
      sourceLocation: sourceLocation)
    expectClose(
      target.pixels(from: values, of: patches), patches, relative: tolerance,
      "pixels from the values for them", sourceLocation: sourceLocation)
  }

  /// The values of a patch depend on no other patch.
  private func checkLocality(_ sourceLocation: SourceLocation) {
    let patches = Tensor.randn([2, 4, 12], using: Generator(seed: 9))
    let whole = target.values(for: patches)
    withEvery("patch", in: 0..<4) { index in
      expectClose(
        target.values(for: patches.narrowed(1, to: index..<index + 1)),
        whole.narrowed(1, to: index..<index + 1), relative: 1e-6, "alone",
        sourceLocation: sourceLocation)
    }
  }
}
