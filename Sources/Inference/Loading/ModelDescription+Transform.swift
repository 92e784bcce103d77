public import Imaging
import MaskedAutoencoders
public import Runs
public import WeightExchange

extension ModelDescription {
  /// How images become this model's input where nothing is random.
  ///
  /// Where published weights state how, that is followed. Otherwise an image of the model's own
  /// size is taken as it is; others are resized and cut in the middle by the rule of
  /// ``Augmentation/evaluation(for:)``.
  public var evaluationTransform: ImageTransform {
    var transform = ImageTransform(
      .evaluation(for: size), size: size,
      normalization: PixelNormalization(mean: mean, std: std))
    transform.evaluation = preprocessing.map { EvaluationCrop($0, mean: mean) }
    transform.valueRange = valueRange
    transform.raster = usedRaster
    transform.keepsFittingImages = preprocessing == nil
    return transform
  }

  /// A whole image as this model's channels, for networks that label every pixel or find objects.
  package func whole(_ image: ImageContent) throws(ImageError) -> WholeImage {
    try image.withValueRange(valueRange)
      .whole(channels: model.channels, raster: usedRaster, means: mean)
  }

  /// The rule of ``evaluationTransform``, also where it is this library's.
  public var usedPreprocessing: Preprocessing {
    if let preprocessing { return preprocessing }
    let rule = Augmentation.evaluation(for: size)
    var standard = Preprocessing(
      resize: .shortestSide, height: Int(Double(size.height) / rule.centerFraction),
      width: Int(Double(size.width) / rule.centerFraction), interpolation: .bicubic)
    standard.isStandard = true
    return standard
  }

  private var size: PixelSize { PixelSize(width: model.width, height: model.height) }
}

extension EvaluationCrop {
  /// - Parameter mean: The mean of each channel, of pixels in 0…1.
  fileprivate init(_ rule: Preprocessing, mean: [Double]) {
    let fit: Fit =
      switch rule.resize {
      case .squash: .squash
      case .shortestSide: .cover
      case .longestSide: .contain
      case .none: .none
      }
    let kernel: ResamplingKernel =
      switch rule.interpolation {
      case .nearest: .nearest
      case .box: .box
      case .bilinear: .bilinear
      case .hamming: .hamming
      case .bicubic: .bicubic
      case .lanczos: .lanczos
      }
    let border: [UInt8] =
      switch rule.border {
      case .black: mean.map { _ in 0 }
      case .mean: mean.map { UInt8(min(max((255 * $0).rounded(.toNearestOrEven), 0), 255)) }
      }
    self.init(
      fit, to: PixelSize(width: rule.width, height: rule.height), kernel: kernel,
      roundsToEven: rule.centering == .even, border: border)
  }
}
