import DenseHeads
public import Imaging
import MaskedAutoencoders
import Runs
import Torch
import TorchNN

// C channels, H × W pixels of a picture, h × w of the picture as the network sees it, K classes.

extension LoadedSegmenter {
  /// The class of each pixel of an image file.
  ///
  /// - Throws: `ImageError` where the file cannot be decoded, ``/Runs/RunFailure`` where what is
  ///   computed is not finite.
  public func segment(contentsOf path: String) throws -> LabelMap {
    try segment(.encoded(EncodedImage(path: path)))
  }

  /// The class of each pixel of an image in memory.
  public func segment(_ image: ImageContent) throws -> LabelMap {
    try segment([picture(of: image)], named: { _ in "the image" })[0]
  }

  /// A whole image as the network's channels.
  package func picture(of image: ImageContent) throws(ImageError) -> WholeImage {
    try description.whole(image)
  }

  /// A whole image, a picture in colour, its samples as the network's: to be segmented and drawn on.
  package func shown(_ image: ImageContent) throws(ImageError) -> WholeImage {
    guard description.usedRaster == nil else { return try picture(of: image) }
    return .picture(try image.withValueRange(description.valueRange).image(channels: 3))
  }

  /// The class of each pixel of some pictures of any sizes.
  ///
  /// - Parameter name: What a picture is called in messages.
  package func segment(
    _ pictures: [WholeImage], named name: (Int) -> String
  ) throws -> [LabelMap] {
    let all = withoutGradients { scores(of: pictures) }
    return try zip(pictures, all).enumerated().map { index, pair in
      let (picture, scores) = pair
      guard scores.isFinite().all().item() == 1 else {
        throw RunFailure(
          .badData, "\(source): the scores of \(name(index)) are not finite numbers")
      }
      let size = picture.size
      return LabelMap(
        width: size.width, height: size.height, labels: Self.labels(of: scores, size: size))
    }
  }

  /// Scores of classes of some pictures, each at the size that the network sees: `[K, h, w]`.
  func scores(of pictures: [WholeImage]) -> [Tensor] {
    let device = store.device
    let inputs = pictures.map { input($0).sent(to: device) }
    return windows.scores(of: inputs) { windows in
      withAutocast(to: precision, on: device) { segmenter(windows) }
    }
  }

  /// A picture as the network sees it, `[C, h, w]`: made to fit, and normalised.
  func input(_ picture: WholeImage) -> Tensor {
    let own = picture.size
    var size = own
    if let fitting = description.segmenter?.fitting {
      size = SegmentationAugmentation.fitted(
        own, into: PixelSize(width: fitting.longest, height: fitting.shortest))
    }
    switch picture {
    case .picture(let picture):
      let fitted = picture.converted(toChannels: description.model.channels)
        .linearlyResized(to: size)
      let bytes = Tensor(fitted.pixels, shape: [fitted.height, fitted.width, fitted.channels])
      return normalized(bytes.permuted([2, 0, 1]).unsqueezed(0))[0]
    case .raster(let raster, _):
      let fitted = raster.linearlyResized(
        to: size,
        normalized: PixelNormalization(mean: description.mean, std: description.std))
      return Tensor(fitted.planes, shape: [fitted.channels, fitted.height, fitted.width])
    }
  }

  /// Bytes `[B, C, H, W]` as normalised float32, the same numbers as in training.
  func normalized(_ bytes: Tensor) -> Tensor {
    let pixels = PixelNormalization(mean: description.mean, std: description.std)
    func row(_ values: [Float]) -> Tensor {
      Tensor(values, shape: [1, values.count, 1, 1]).sent(to: bytes.device)
    }
    return bytes.to(.float32) * row(pixels.scale) + row(pixels.offset)
  }

  /// The class of the highest score of each pixel, at another size: `[K, h, w]` → `H·W` labels.
  ///
  /// Scores are brought to the size bilinearly, a few classes at a time: all classes of a
  /// photograph would fill the memory.
  ///
  /// - Parameter elements: How many scores are held at a time, those of one class at least.
  static func labels(
    of scores: Tensor, size: PixelSize, holding elements: Int = 1 << 26
  ) -> [UInt16] {
    withoutGradients {
      let classes = scores.shape[0]
      let few = max(1, min(classes, elements / max(1, size.width * size.height)))
      var best = Tensor()
      var labels = Tensor()
      for first in stride(from: 0, to: classes, by: few) {
        let part = scores[first..<min(classes, first + few)].unsqueezed(0)
          .interpolated(rows: size.height, columns: size.width, mode: .bilinear)[0]
        let (values, places) = part.max(along: 0)
        if first == 0 {
          (best, labels) = (values, places)
        } else {
          // The first of several highest scores, as argmax has it.
          labels = Tensor.where(values .> best, places + first, labels)
          best = values.maximum(best)
        }
      }
      return labels.to(.int32).array(of: Int32.self).map { UInt16(truncatingIfNeeded: $0) }
    }
  }
}
