import CImageCodecs

extension ImageTransform {
  /// Writes an example of a raster: read, missing values filled or refused, resampled in floating-point
  /// numbers and normalised to `(x − mean) / std`. `[C, H, W]`
  func write(
    _ source: PixelSource, _ settings: RasterSettings, using random: inout SampleRandom,
    into planes: UnsafeMutablePointer<Float>, scratch: DecoderScratch
  ) throws(ImageError) {
    try write(
      source, settings, mean: normalization.mean, std: normalization.std, using: &random,
      into: planes, scratch: scratch)
  }

  /// What the model sees of a raster, in the file's own units.
  package func view(
    of content: ImageContent, using random: inout SampleRandom
  ) throws(ImageError) -> Raster {
    guard let settings = raster else { preconditionFailure("the transform reads pictures") }
    var drawn = random
    let planes = try filledPlanes(valueCount) { planes throws(ImageError) in
      try write(
        .content(content), settings, mean: [Double](repeating: 0, count: channels),
        std: [Double](repeating: 1, count: channels), using: &drawn, into: planes,
        scratch: DecoderScratch())
    }
    random = drawn
    return Raster(width: size.width, height: size.height, channels: channels, planes: planes)
  }

  private func write(
    _ source: PixelSource, _ settings: RasterSettings, mean: [Double], std: [Double],
    using random: inout SampleRandom, into planes: UnsafeMutablePointer<Float>,
    scratch: DecoderScratch
  ) throws(ImageError) {
    var start = StageTimes.Instant.now
    var raster: Raster
    switch source {
    case .content(let content): raster = try content.raster(settings, channels: channels)
    case .raster(let read): raster = read
    case .decoded: preconditionFailure("the transform reads rasters")
    }
    try raster.fillMissing(
      settings.missing, means: normalization.mean, numbers: settings.channels)
    scratch.times.add(\.decode, since: &start)
    defer { scratch.times.add(\.resample, since: &start) }
    let framing = framing(of: raster.size, using: &random)
    guard reachesOutside(framing) else {
      raster.resample(framing, to: size, kernel: kernel, mean: mean, std: std, into: planes)
      return
    }
    // The border is the mean.
    let inside = framing.inside(size)
    let count = size.width * size.height
    for c in 0..<channels {
      (planes + c * count).update(
        repeating: Float((normalization.mean[c] - mean[c]) / std[c]), count: count)
    }
    var inner = framing
    inner.origin = (framing.origin.x + inside.x, framing.origin.y + inside.y)
    var part = [Float](repeating: 0, count: channels * inside.width * inside.height)
    part.withUnsafeMutableBufferPointer { part in
      guard let first = part.baseAddress else { return }
      raster.resample(
        inner, to: PixelSize(width: inside.width, height: inside.height), kernel: kernel,
        mean: mean, std: std, into: first)
      for c in 0..<channels {
        for y in 0..<inside.height {
          (planes + c * count + (inside.y + y) * size.width + inside.x).update(
            from: first + (c * inside.height + y) * inside.width, count: inside.width)
        }
      }
    }
  }
}

extension Raster {
  /// Resamples every channel, columns first and rows second, and writes `(x − mean) / std`.
  /// `[C, H, W]`
  func resample(
    _ framing: Framing, to output: PixelSize, kernel: ResamplingKernel, mean: [Double],
    std: [Double], into out: UnsafeMutablePointer<Float>
  ) {
    let windows = framing.windows(output: output, kernel: kernel)
    resample(columns: windows.columns, rows: windows.rows, mean: mean, std: std, into: out)
  }

  /// The same by the windows of both axes.
  func resample(
    columns: ResamplingWindows, rows: ResamplingWindows, mean: [Double], std: [Double],
    into out: UnsafeMutablePointer<Float>
  ) {
    let output = PixelSize(width: columns.starts.count, height: rows.starts.count)
    let first = rows.starts.min() ?? 0
    let last = zip(rows.starts, rows.counts).reduce(0) { max($0, $1.0 + $1.1) }
    var between = [Float](repeating: 0, count: Int(last - first) * output.width)
    let count = width * height
    planes.withUnsafeBufferPointer { planes in
      guard let plane = planes.baseAddress else { return }
      between.withUnsafeMutableBufferPointer { between in
        withAxis(columns) { columns in
          withAxis(rows) { rows in
            for c in 0..<channels {
              mae_resample_plane(
                plane + c * count, width, columns, rows, first, last, Float(mean[c]),
                Float(1 / std[c]), between.baseAddress, out + c * output.width * output.height)
            }
          }
        }
      }
    }
  }

  /// The raster at another size.
  func resized(to size: PixelSize, kernel: ResamplingKernel = .bicubic) -> Raster {
    let framing = Framing(PixelRectangle(width: width, height: height), to: size)
    let values = [Float](unsafeUninitializedCapacity: channels * size.width * size.height) {
      out, filled in
      guard let first = out.baseAddress else { return }
      resample(
        framing, to: size, kernel: kernel, mean: [Double](repeating: 0, count: channels),
        std: [Double](repeating: 1, count: channels), into: first)
      filled = channels * size.width * size.height
    }
    return Raster(
      width: size.width, height: size.height, channels: channels, sampleType: .float32,
      planes: values)
  }

  private func withAxis(
    _ windows: ResamplingWindows, _ body: (UnsafePointer<mae_float_axis>) -> Void
  ) {
    let weights = windows.weights.map { Float($0) }
    windows.starts.withUnsafeBufferPointer { starts in
      windows.counts.withUnsafeBufferPointer { counts in
        weights.withUnsafeBufferPointer { weights in
          var axis = mae_float_axis()
          axis.outputs = Int32(starts.count)
          axis.taps = Int32(windows.taps)
          axis.starts = starts.baseAddress
          axis.counts = counts.baseAddress
          axis.weights = weights.baseAddress
          withUnsafePointer(to: axis) { body($0) }
        }
      }
    }
  }
}

extension Framing {
  /// The windows of both axes for an image of full size.
  func windows(
    output: PixelSize, kernel: ResamplingKernel
  ) -> (columns: ResamplingWindows, rows: ResamplingWindows) {
    let across = origin.x..<origin.x + output.width
    return (
      ResamplingWindows(
        start: x, length: width, resized: resized.width,
        outputs: flipped ? Array(across.reversed()) : Array(across),
        bounds: bounds.x..<bounds.maxX, kernel: kernel),
      ResamplingWindows(
        start: y, length: height, resized: resized.height,
        outputs: origin.y..<origin.y + output.height, bounds: bounds.y..<bounds.maxY,
        kernel: kernel)
    )
  }
}
