import MaskedAutoencoders
import Torch
import TorchNN
import TorchOptim

/// Trains a small model on images `[B, 3, 32, 32]` and returns the error of every step.
func pretrain(on images: Tensor, steps: Int) -> [Double] {
  let model = MaskedAutoencoder(
    ModelConfiguration(
      height: 32, width: 32, patch: 4, encoder: TransformerShape(width: 96, depth: 4, heads: 3),
      decoder: TransformerShape(width: 48, depth: 1, heads: 3)))
  let optimizer = AdamW(
    ParameterGroup.decayingMatrices(of: model.parameters.trainable, weightDecay: 0.05), beta2: 0.95)
  return (0..<steps).map { step in
    let mask = RandomMasking(ratio: 0.75).mask(
      model.configuration.grid, batch: images.shape[0], using: Generator(seed: UInt64(step)))
    let loss = model.loss(images, mask: mask)
    loss.backward()
    optimizer.step(learningRate: 1e-3)
    model.parameters.clearGradients()
    return loss.item()
  }
}
