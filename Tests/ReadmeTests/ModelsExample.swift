import Inference
import MaskedAutoencoders
import Torch
import TorchNN

/// Models in one line each: with random weights, and with those of a run of pre-training.
func models(of run: String) throws -> (PatchEncoder, ImageClassifier, MaskedAutoencoder) {
  let encoder = VisionTransformer.tiny(patch: 16)
  let tokens = encoder.tokens(of: Tensor.zeros([1, 3, 224, 224]))  // [1, 1 + 196, 192]
  let classifier = ImageClassifier(.tiny(patch: 8, imageSize: 32, channels: 1), classes: 10)
  let scores = classifier(Tensor.zeros([2, 1, 32, 32]))  // [2, 10]
  let autoencoder = try MaskedAutoencoder.load(run)
  print(tokens.shape, scores.shape, autoencoder.parameters.trainableCount)
  return (encoder, classifier, autoencoder)
}
