package import Torch
package import TorchNN

extension ParameterStore {
  /// Gives every trained tensor values that show: no zero bias, no norm weight of one.
  package func randomize(seed: UInt64) {
    let generator = Generator(seed: seed)
    withoutGradients {
      for entry in trainable {
        let isNorm = entry.tensor.rank == 1 && entry.name.hasSuffix("weight")
        let noise = Tensor.randn(entry.tensor.shape, using: generator)
        entry.tensor.copy(noise * 0.4 + (isNorm ? 1.0 : 0.0))
      }
    }
  }

  /// Copies of all gradients by name, zero where there is none; then drops them.
  package func takeGradients() -> [String: Tensor] {
    var taken: [String: Tensor] = [:]
    for entry in trainable {
      taken[entry.name] = entry.tensor.gradient?.cloned() ?? entry.tensor.detached().zerosLike()
    }
    clearGradients()
    return taken
  }
}
