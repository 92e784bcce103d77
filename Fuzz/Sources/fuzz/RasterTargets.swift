@testable import Datasets
@testable import Imaging

/// Readers of images of any number of channels.
let rasterTargets: [FuzzTarget] = [
  FuzzTarget(name: "raster-tiff", run: readRaster, repair: repairTIFF),
  FuzzTarget(
    name: "raster-npy", run: readRaster,
    repair: { begin(&$0, with: [0x93] + Array("NUMPY".utf8)) }),
  FuzzTarget(name: "raster-png", run: readRaster, repair: repairPNG),
]

/// Reads samples as inspection, training and pictures do, whole and in pages, by settings that the
/// input's bytes choose.
private func readRaster(_ bytes: [UInt8]) {
  let limits = ImageLimits(pixels: 1 << 20, side: 1 << 16)
  guard let file = try? EncodedImage(bytes: bytes, limits: limits) else { return }
  var random = SampleRandom(seed: fingerprint(bytes))
  _ = file.isRaster
  var settings = RasterSettings(
    channels: random.integer(below: 2) == 0
      ? nil : (0..<1 + random.integer(below: 4)).map { _ in random.integer(below: 6) },
    pages: random.integer(below: 2) == 0 ? .channels : .first,
    arrays: [.automatic, .channelsFirst, .channelsLast][random.integer(below: 3)],
    noData: [.file, .ignored, .value(Double(random.integer(below: 256)))][random.integer(below: 3)])
  for image in [file] + ((try? file.pages()) ?? []).prefix(8) {
    guard let header = try? image.rasterHeader(settings) else { continue }
    precondition(header.channels >= 1 && header.pages >= 1)
    guard let raster = try? image.raster(settings) else { continue }
    precondition(raster.size == header.size)
    precondition(raster.missing.count == raster.channels)
    for moments in RasterMoments(of: raster).channels {
      precondition(moments.count <= raster.width * raster.height)
    }
    precondition(raster.picture(settings).width == raster.width)
    settings.missing = [.broken, .mean, .value(0)][random.integer(below: 3)]
    use(.encoded(image), settings, channels: raster.channels, using: &random)
  }
}

/// A random crop as training takes it, and a whole image as segmentation does.
private func use(
  _ content: ImageContent, _ settings: RasterSettings, channels: Int,
  using random: inout SampleRandom
) {
  guard channels <= 64 else { return }
  let normalization = PixelNormalization(
    mean: [Double](repeating: 3, count: channels), std: [Double](repeating: 2, count: channels))
  let transform = ImageTransform(
    .pretraining, size: PixelSize(width: 8, height: 8), normalization: normalization,
    raster: settings)
  let planes = UnsafeMutablePointer<Float>.allocate(capacity: transform.valueCount)
  defer { planes.deallocate() }
  try? transform.write(content, using: &random, into: planes)
  guard
    case .raster(let raster, _) = try? content.whole(
      channels: channels, raster: settings, means: normalization.mean)
  else { return }
  let augmentation = SegmentationAugmentation(
    scale: PixelSize(width: 16, height: 12), minRatio: 0.5, maxRatio: 1.5,
    crop: PixelSize(width: 8, height: 8), photometric: nil,
    turning: RandomTurning(verticalFlip: 0.5, rotate90: 0.5))
  guard raster.width * raster.height <= 1 << 16 else { return }
  let labels = augmentation.apply(
    raster, LabelMap(width: raster.width, height: raster.height, of: 1),
    normalized: normalization, into: planes, using: &random)
  precondition(labels.labels.count == 64)
}
