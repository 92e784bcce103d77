import Inference
import Torch
import Training

/// What a fine-tuned model makes of a photo: its likeliest classes, and its features `[D]`.
func look(at photo: String, with run: String) throws -> (guesses: [Guess], features: Tensor) {
  let model = try LoadedModel(run)
  let guesses = try model.classify(contentsOf: photo)  // the likeliest first: label, probability
  let features = try model.embed(contentsOf: photo)  // [D]; as: .patches gives [N, D]
  return (guesses, features)
}
