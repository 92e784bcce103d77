import Datasets
public import Imaging
import MaskedAutoencoders
import Runs
public import Torch
import TorchNN

extension LoadedModel {
  /// The most probable classes of an image file, the most probable first.
  ///
  /// ```swift
  /// let model = try LoadedModel("runs/flowers")
  /// let predictions = try model.classify(contentsOf: "photo.jpg")
  /// ```
  ///
  /// - Parameter top: How many classes are returned; all of them where there are fewer.
  /// - Throws: ``/Runs/RunFailure`` where the model is no classifier or what it computes is not
  ///   finite, `ImageError` where the file cannot be decoded.
  public func classify(contentsOf path: String, top: Int = 5) throws -> [Prediction] {
    try classify(.encoded(EncodedImage(path: path)), top: top)
  }

  /// The most probable classes of an image in memory, the most probable first.
  public func classify(_ image: ImageContent, top: Int = 5) throws -> [Prediction] {
    let classifier = try requireClassifier()
    let images = try input(image)
    let row = withoutGradients { classifier(images) }
    try requireFinite(row) { _ in "the image" }
    let logits: [Float] = row.floats()
    return Prediction.topK(
      min(top, logits.count), of: logits, labels: description.classifier?.classNames ?? [])
  }

  /// The embedding of an image file: `[D]`, or `[N, D]` of all patches.
  ///
  /// - Parameter embedding: nil for what a classifier's head sees, or the class token of another
  ///   model.
  /// - Throws: ``/Runs/RunFailure`` where the model has no such thing or what it computes is not
  ///   finite, `ImageError` where the file cannot be decoded.
  public func embed(contentsOf path: String, as embedding: Embedding? = nil) throws -> Tensor {
    try embed(.encoded(EncodedImage(path: path)), as: embedding)
  }

  /// The embedding of an image in memory: `[D]`, or `[N, D]` of all patches.
  public func embed(_ image: ImageContent, as embedding: Embedding? = nil) throws -> Tensor {
    let embedding = embedding ?? .standard(for: self)
    try embedding.check(self)
    let images = try input(image)
    let row = withoutGradients { embedding(images, by: self) }.to(.cpu)
    try requireFinite(row) { _ in "the image" }
    return row.selected(0, along: 0)
  }

  /// An image as the model takes it: `[1, C, H, W]`, resized, cut and normalised as for evaluation.
  public func input(_ image: ImageContent) throws -> Tensor {
    let transform = description.evaluationTransform
    var random = SampleRandom(seed: 0)  // nothing is drawn
    var values = [Float](repeating: 0, count: transform.valueCount)
    try values.withUnsafeMutableBufferPointer { (planes) throws(ImageError) in
      guard let first = planes.baseAddress else { return }
      try transform.write(image, using: &random, into: first)
    }
    return Tensor(
      values, shape: [1, transform.channels, transform.size.height, transform.size.width]
    ).to(store.device)
  }
}
