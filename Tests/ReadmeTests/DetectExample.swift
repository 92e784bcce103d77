import Imaging
import Inference

/// What is on a photo, by a trained detector.
func objects(on photo: String, with run: String) throws -> [String] {
  let model = try LoadedDetector(run)
  return try model.detect(contentsOf: photo, score: 0.5).map { object in
    "\(object.name) \(object.score) \(object.box) \(object.mask?.area ?? 0) pixels"
  }
}
