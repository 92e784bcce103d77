import Imaging
import Inference

/// How many of a photo's pixels have each class, by a trained segmenter.
func classes(of photo: String, with run: String) throws -> [String: Int] {
  let model = try LoadedSegmenter(run)  // or a folder of BeitForSemanticSegmentation
  let labels = try model.segment(contentsOf: photo)  // each pixel's class, in the photo's size
  let counts = labels.histogram  // labels[x, y] is one pixel's
  return Dictionary(uniqueKeysWithValues: counts.map { (model.classNames[Int($0)], $1) })
}
