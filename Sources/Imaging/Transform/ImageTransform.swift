/// What a transform writes of each value.
public enum PixelOutput: Hashable, Sendable {
  /// Normalised float32.
  case floats
  /// The byte before normalisation: a quarter of the memory and of what goes to the device.
  case bytes

  /// Bytes of one value.
  public var byteCount: Int {
    switch self {
    case .floats: MemoryLayout<Float>.stride
    case .bytes: 1
    }
  }
}

/// Turns images into a model's input: crop, resample, flip, RandAugment, jitter, distortion, normalise,
/// erase.
public struct ImageTransform: Hashable, Sendable {
  /// What is random, and which part is shown.
  public var augmentation: Augmentation
  /// The model's image size.
  public var size: PixelSize
  /// Mean and deviation of each channel; their number is the number of channels.
  public var normalization: PixelNormalization
  /// Whether images of the model's own size are taken as they are, with nothing cut away.
  public var keepsFittingImages = false
  /// Which samples of files with 16 bits a sample become black and white; nil keeps their upper 8
  /// bits. See ``EncodedImage/valueRange``.
  public var valueRange: ClosedRange<Int>?
  /// How images are read as rasters, of any number of channels in their own units, which the
  /// normalisation is in too; nil reads pictures of 8 bits.
  public var raster: RasterSettings?
  /// How images are resized and cut where published weights state it; comes before the crop and the
  /// filter of ``augmentation``.
  public var evaluation: EvaluationCrop?

  /// Creates a transform.
  public init(
    _ augmentation: Augmentation, size: PixelSize, normalization: PixelNormalization,
    valueRange: ClosedRange<Int>? = nil, raster: RasterSettings? = nil
  ) {
    precondition(
      size.width >= 1 && size.height >= 1, "an image of \(size) has no pixels")
    self.augmentation = augmentation
    self.size = size
    self.normalization = normalization
    self.valueRange = valueRange
    self.raster = raster
  }

  /// Channels of the output, `C`.
  public var channels: Int { normalization.channels }
  /// Floats in one output, `C × H × W`.
  public var valueCount: Int { channels * size.height * size.width }

  /// Writes one example as normalised floats. `[C, H, W]`
  ///
  /// - Parameters:
  ///   - planes: room for `valueCount` floats.
  ///   - scratch: memory that is used again for the next example.
  public func write(
    _ content: ImageContent, using random: inout SampleRandom,
    into planes: UnsafeMutablePointer<Float>, scratch: DecoderScratch = DecoderScratch()
  ) throws(ImageError) {
    try write(.content(content), using: &random, into: .floats(planes), scratch: scratch)
  }

  /// Writes one example as bytes, to be normalised by `(x / 255 − mean) / std` elsewhere.
  /// `[C, H, W]`
  ///
  /// - Parameter planes: room for `valueCount` bytes.
  /// - Precondition: nothing is erased: what is erased has its colours after normalisation.
  public func write(
    _ content: ImageContent, using random: inout SampleRandom,
    into planes: UnsafeMutablePointer<UInt8>, scratch: DecoderScratch = DecoderScratch()
  ) throws(ImageError) {
    try write(.content(content), using: &random, into: .bytes(planes), scratch: scratch)
  }

  /// Where an example is written to.
  package enum Planes {
    case floats(UnsafeMutablePointer<Float>)
    case bytes(UnsafeMutablePointer<UInt8>)
  }

  /// Writes one example. `[C, H, W]`
  package func write(
    _ source: PixelSource, using random: inout SampleRandom, into planes: Planes,
    scratch: DecoderScratch
  ) throws(ImageError) {
    if let raster {
      guard case .floats(let planes) = planes else {
        preconditionFailure("bytes do not hold a raster's values")
      }
      try write(source, raster, using: &random, into: planes, scratch: scratch)
    } else {
      try writePicture(source, using: &random, into: planes, scratch: scratch)
    }
    if let erasing = augmentation.erasing {
      guard case .floats(let planes) = planes else {
        preconditionFailure("bytes do not hold what erasing fills in")
      }
      var start = StageTimes.Instant.now
      erasing.apply(to: planes, channels: channels, size: size, using: &random)
      scratch.times.add(\.resample, since: &start)
    }
    if let turn = augmentation.turning?.draw(using: &random) {
      switch planes {
      case .floats(let planes): turn.apply(to: planes, channels: channels, size: size)
      case .bytes(let planes): turn.apply(to: planes, channels: channels, size: size)
      }
    }
  }

  private func writePicture(
    _ source: PixelSource, using random: inout SampleRandom, into planes: Planes,
    scratch: DecoderScratch
  ) throws(ImageError) {
    let framing = framing(of: source.size, using: &random)
    if augmentation.changesPixels || reachesOutside(framing) {
      var image = try framed(source, framing, scratch: scratch)
      var start = StageTimes.Instant.now
      augmentation.changePixels(
        of: &image, fill: normalization.meanBytes, using: &random, scratch: scratch)
      switch planes {
      case .floats(let planes): image.writePlanes(normalized: normalization, into: planes)
      case .bytes(let planes): image.writePlanes(into: planes)
      }
      scratch.times.add(\.resample, since: &start)
    } else {
      try withRows(of: source, framing, scratch: scratch) { source, columns, rows in
        switch planes {
        case .floats(let planes):
          source.resample(
            columns: columns, rows: rows, normalized: normalization, into: planes, scratch: scratch)
        case .bytes(let planes):
          source.resample(
            columns: columns, rows: rows, planeCount: channels, into: planes, scratch: scratch)
        }
      }
    }
  }

  /// The example as bytes: what the model sees, for people to look at.
  public func image(
    of content: ImageContent, using random: inout SampleRandom
  ) throws(ImageError) -> ByteImage {
    if let raster { return try view(of: content, using: &random).picture(raster) }
    if augmentation.erasing != nil {
      // What is erased has its colours after normalisation.
      let planes = UnsafeMutablePointer<Float>.allocate(capacity: valueCount)
      defer { planes.deallocate() }
      try write(content, using: &random, into: planes)
      return ByteImage(planes: planes, size: size, normalized: normalization)
    }
    let scratch = DecoderScratch()
    let framing = framing(of: content.size, using: &random)
    var image = try framed(.content(content), framing, scratch: scratch)
    augmentation.changePixels(
      of: &image, fill: normalization.meanBytes, using: &random, scratch: scratch)
    return augmentation.turning?.draw(using: &random).map { image.oriented($0) } ?? image
  }

  func framing(of image: PixelSize, using random: inout SampleRandom) -> Framing {
    if keepsFittingImages, image == size {
      return Framing(PixelRectangle(width: size.width, height: size.height), to: size)
    }
    return evaluation?.framing(of: image, output: size)
      ?? augmentation.framing(of: image, output: size, using: &random)
  }

  /// Whether part of the output is no part of the resized image and has the border's colour.
  func reachesOutside(_ framing: Framing) -> Bool {
    evaluation != nil
      && framing.inside(size) != PixelRectangle(width: size.width, height: size.height)
  }

  var kernel: ResamplingKernel { evaluation?.kernel ?? augmentation.filter.kernel }

  private func framed(
    _ source: PixelSource, _ framing: Framing, scratch: DecoderScratch
  ) throws(ImageError) -> ByteImage {
    if let evaluation, reachesOutside(framing) {
      let inside = framing.inside(size)
      var (part, inner) = (self, framing)
      part.size = PixelSize(width: inside.width, height: inside.height)
      inner.origin = (framing.origin.x + inside.x, framing.origin.y + inside.y)
      let picture = try part.framed(source, inner, scratch: scratch)
      return picture.bordered(at: inside, in: size, color: evaluation.border)
    }
    return try withRows(of: source, framing, scratch: scratch) { source, columns, rows in
      source.resampled(columns: columns, rows: rows, scratch: scratch).converted(
        toChannels: channels)
    }
  }

  /// Decodes no more than the output needs, the rows and columns that are read at the smallest
  /// scale that has a pixel for each of the output's, and calls `body` with that and the axes. The
  /// pixels are gray or have the output's channels.
  private func withRows<Result>(
    of source: PixelSource, _ framing: Framing, scratch: DecoderScratch,
    _ body: (PixelRows, _ columns: ResamplingAxis, _ rows: ResamplingAxis) -> Result
  ) throws(ImageError) -> Result {
    var start = StageTimes.Instant.now
    defer { scratch.times.add(\.resample, since: &start) }
    switch source {
    case .raster: preconditionFailure("the transform reads pictures")
    case .decoded(let decoded):
      let image = decoded.pixels
      let axes = framing.axes(
        output: size, eighths: decoded.eighths,
        scaled: PixelSize(width: image.width, height: image.height), kernel: kernel)
      return image.withRows { body($0, axes.columns, axes.rows) }
    case .content(.pixels(let image)):
      let axes = framing.axes(
        output: size, eighths: 8, scaled: source.size, kernel: kernel)
      let fits = image.channels <= channels
      return (fits ? image : image.converted(toChannels: channels)).withRows {
        body($0, axes.columns, axes.rows)
      }
    case .content(.encoded(var file)):
      if let valueRange { file.valueRange = valueRange }
      let eighths = file.decodesParts ? framing.sufficientEighths : 8
      var (columns, rows) = framing.axes(
        output: size, eighths: eighths, scaled: file.size(eighths: eighths),
        kernel: kernel)
      let (across, down) = (columns.inputs, rows.inputs)
      let part = PixelRectangle(
        x: across.lowerBound, y: down.lowerBound, width: across.count, height: down.count)
      columns.rebase(to: across.lowerBound)
      rows.rebase(to: down.lowerBound)
      scratch.times.add(\.resample, since: &start)
      if file.decodesRows(channels: channels) {
        let source = try file.decodeRows(part, eighths: eighths, scratch: scratch)
        scratch.times.add(\.decode, since: &start)
        defer { scratch.decoded.trim() }
        return body(source, columns, rows)
      }
      let image = try file.decoded(part, eighths: eighths, channels: channels)
      scratch.times.add(\.decode, since: &start)
      return image.withRows { body($0, columns, rows) }
    }
  }
}

extension Augmentation {
  /// Whether anything happens to bytes between resampling and normalising.
  fileprivate var changesPixels: Bool {
    randAugment != nil || !jitter.isOff || distortion != nil
  }

  /// Tones, colours and places of an image that has the output's size.
  fileprivate func changePixels(
    of image: inout ByteImage, fill: [UInt8], using random: inout SampleRandom,
    scratch: DecoderScratch
  ) {
    randAugment?.apply(to: &image, fill: fill, using: &random, scratch: scratch)
    jitter.apply(to: &image, using: &random)
    distortion?.apply(to: &image, using: &random)
  }
}
