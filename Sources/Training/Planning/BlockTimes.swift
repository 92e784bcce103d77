import FileSystem
import MaskedAutoencoders
import Torch
import TorchNN

/// Seconds of a transformer block's forward and backward pass on the CPU in float32, in one operator
/// and composed of libtorch's: what ``/Torch/KernelChoice/blocks`` is worth on a machine.
package struct BlockTimes: Hashable, Sendable {
  package let fused: Double
  package let composed: Double

  package init(fused: Double, composed: Double) {
    self.fused = fused
    self.composed = composed
  }

  /// Times a block of ViT-Small with 16 images of 50 tokens, as its encoder sees in pre-training: both
  /// ways in turn, the least of three rounds after one that is not counted. Tenths of a second are
  /// spent.
  package static func measured() -> BlockTimes {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let block = TransformerBlock(
      TransformerShape(width: 384, depth: 1, heads: 6), normEpsilon: 1e-6, qkvBias: true,
      in: store.root)
    let x = Tensor.randn([16, 50, 384], using: Generator(seed: 1))
    func seconds(_ pass: () -> Tensor) -> Double {
      store.clearGradients()
      let start = ContinuousClock.now
      pass().sum().backward()
      return (ContinuousClock.now - start) / .seconds(1)
    }
    var (fused, composed) = (Double.infinity, Double.infinity)
    for round in 0...3 {
      let times = (seconds { block(x) }, seconds { block(x) { change, _ in change } })
      guard round > 0 else { continue }
      fused = min(fused, times.0)
      composed = min(composed, times.1)
    }
    return BlockTimes(fused: fused, composed: composed)
  }

  /// Both times, and what to do where one operator is the slower way.
  package var line: String {
    func milliseconds(_ seconds: Double) -> String {
      Formatted.fixed(1000 * seconds, seconds < 0.01 ? 1 : 0) + " ms"
    }
    return "a block of ViT-Small, 16 images of 50 tokens, forward and backward: "
      + "\(milliseconds(fused)) in one operator, \(milliseconds(composed)) composed"
      + (composed * 1.05 < fused ? "; CTORCH_BLOCKS=plain composes them" : "")
  }
}
