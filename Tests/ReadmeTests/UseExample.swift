import Inference
import Torch

/// A photo's most probable classes by a fine-tuned model, and its features `[D]`.
func look(
  at photo: String, with run: String
) throws -> (predictions: [Prediction], features: Tensor) {
  let model = try LoadedModel(run)
  let predictions = try model.classify(contentsOf: photo)  // label, probability; best first
  let features = try model.embed(contentsOf: photo)  // [D]; as: .patches gives [N, D]
  return (predictions, features)
}
