import Datasets
import Inference
import TensorFiles
import Torch

/// Writes one row of features for each image of a folder, as NumPy reads it: `[images, width]`.
func embed(_ images: String, by run: String, to file: String) throws {
  try Engine.load()
  let model = try LoadedModel(run)
  let features = try Features(
    of: openDataset(at: images), named: images, by: model, pooling: .classToken, workers: 2)
  try NpyFile.write(features.rows, to: file)
}
