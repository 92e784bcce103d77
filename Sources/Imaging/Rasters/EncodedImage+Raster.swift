import CImageCodecs

extension EncodedImage {
  /// Reads samples as they are stored, of every channel or of chosen ones: TIFF, PNG and arrays as the
  /// file has them, whatever orientation it asks for and whatever its colours mean; JPEG and WebP
  /// decoded and upright.
  ///
  /// - Throws: `ImageError` where a channel is chosen that is not there, pages differ, or the samples
  ///   are more than the limits allow.
  public func raster(
    _ settings: RasterSettings = RasterSettings()
  ) throws(ImageError) -> Raster {
    let header = try rasterHeader(settings)
    do throws(ImageError) {
      let pages = settings.pages == .first ? 1 : header.pages
      let total = header.channels * pages
      guard total <= Self.mostChannels || settings.channels != nil else {
        throw ImageError(
          .tooLarge,
          "has \(channelCount(total, header, pages)); at most \(Self.mostChannels) are read: choose some "
            + "with data.channels")
      }
      let wanted = settings.channels ?? Array(0..<total)
      if let wrong = wanted.first(where: { $0 >= total || $0 < 0 }) {
        throw ImageError(
          .unsupported,
          "has \(channelCount(total, header, pages)), counted from 0, and channel \(wrong) is wanted; "
            + "choose others with data.channels")
      }
      let (width, height) = (header.size.width, header.size.height)
      guard wanted.count <= limits.pixels / max(1, width * height) else {
        throw ImageError(
          .tooLarge,
          "declares \(header.size) pixels of \(wanted.count) channels; at most \(limits.pixels) samples "
            + "are decoded: choose fewer with data.channels, or shrink it")
      }
      let planes = try filledPlanes(wanted.count * width * height) { out throws(ImageError) in
        try fill(out, wanted, header, settings)
      }
      var raster = Raster(
        width: width, height: height, channels: wanted.count, sampleType: header.sampleType,
        planes: planes)
      for (k, number) in try noData(of: wanted, header, settings).enumerated() {
        if let number { raster.markMissing(number, in: k) }
      }
      return raster
    } catch {
      throw error.named(name)
    }
  }

  /// The number that stands for missing values of each channel.
  private func noData(
    of wanted: [Int], _ header: RasterHeader, _ settings: RasterSettings
  ) throws(ImageError) -> [Double?] {
    let usual: Double?
    switch settings.noData {
    case .ignored: return []
    case .file: usual = nil
    case .value(let number): usual = number
    }
    guard format == .tiff else { return wanted.map { _ in usual } }
    let pages = try rasterPages()
    return wanted.map { pages[$0 / header.channels].noData ?? usual }
  }

  /// Most channels that are read where none are chosen.
  private static let mostChannels = 65_536

  /// The same with as many channels as a model takes.
  func raster(
    _ settings: RasterSettings, channels: Int
  ) throws(ImageError) -> Raster {
    if settings.channels == nil {
      let header = try rasterHeader(settings)
      let pages = settings.pages == .first ? 1 : header.pages
      let total = header.channels * pages
      guard total == channels else {
        throw ImageError(
          .unsupported, name: name,
          "has \(channelCount(total, header, pages)), and the model takes \(channels); choose "
            + "\(channels) with data.channels"
            + (pages > 1
              ? ", or read a page with data.raster.pages=first or every page as an image with SET:pages=images"
              : ""))
      }
    }
    return try raster(settings)
  }

  private func channelCount(_ total: Int, _ header: RasterHeader, _ pages: Int) -> String {
    let channels = total == 1 ? "1 channel" : "\(total) channels"
    return pages > 1 ? "\(channels) (\(pages) pages of \(header.channels))" : channels
  }

  private func fill(
    _ out: UnsafeMutablePointer<Float>, _ wanted: [Int], _ header: RasterHeader,
    _ settings: RasterSettings
  ) throws(ImageError) {
    let plane = header.size.width * header.size.height
    switch format {
    case .jpeg, .webp:
      let image = Raster(try decoded(channels: storedChannels))
      for (k, channel) in wanted.enumerated() {
        for i in 0..<plane { out[k * plane + i] = image.planes[channel * plane + i] }
      }
    case .png: try fillFromPNG(out, wanted, header)
    case .npy:
      let array = try NpyArray(bytes, settings.arrays)
      bytes.withUnsafeBytes { bytes in
        for (k, channel) in wanted.enumerated() {
          array.write(channel, of: bytes, into: out + k * plane)
        }
      }
    case .tiff:
      let pages = try rasterPages()
      try checkAlike(pages, of: wanted.map { $0 / header.channels })
      for (number, page) in pages.enumerated() {
        let own = wanted.indices.filter { wanted[$0] / header.channels == number }
        guard let first = own.first, let last = own.last else { continue }
        let samples = own.map { Int32(wanted[$0] % header.channels) }
        if last - first + 1 == own.count {
          try decode(page, samples, header, into: out + first * plane)
          continue
        }
        let planes = try filledPlanes(own.count * plane) { part throws(ImageError) in
          try decode(page, samples, header, into: part)
        }
        for (n, k) in own.enumerated() {
          for i in 0..<plane { out[k * plane + i] = planes[n * plane + i] }
        }
      }
    }
  }

  /// Pages that become channels of one image are of one size and one type.
  private func checkAlike(_ pages: [TIFFPage], of used: [Int]) throws(ImageError) {
    let first = pages[0]
    for number in Set(used).sorted() {
      let page = pages[number]
      guard page.size == first.size, page.samples == first.samples,
        page.sampleType == first.sampleType
      else {
        throw ImageError(
          .unsupported,
          "has pages that differ, the first of \(first.words) and page \(number + 1) of \(page.words); "
            + "read one with data.raster.pages=first, or every page as an image with SET:pages=images"
        )
      }
    }
  }

  private func decode(
    _ page: TIFFPage, _ samples: [Int32], _ header: RasterHeader,
    into out: UnsafeMutablePointer<Float>
  ) throws(ImageError) {
    try withCodecErrors("TIFF") { message in
      bytes.withUnsafeBufferPointer { bytes in
        samples.withUnsafeBufferPointer { samples in
          var raster = mae_tiff_raster()
          raster.directory = UInt64(page.directory)
          raster.width = UInt32(page.size.width)
          raster.height = UInt32(page.size.height)
          raster.samples = Int32(page.samples)
          raster.type = header.sampleType.code
          raster.wanted = samples.baseAddress
          raster.planes = Int32(samples.count)
          raster.max_memory = Int64(limits.workingBytes)
          return (
            mae_tiff_decode_raster(bytes.baseAddress, bytes.count, &raster, out, message), ()
          )
        }
      }
    }
  }

  private func fillFromPNG(
    _ out: UnsafeMutablePointer<Float>, _ wanted: [Int], _ header: RasterHeader
  ) throws(ImageError) {
    let (width, height) = (header.size.width, header.size.height)
    let bytesPerSample = header.sampleType.byteCount
    let samples = UnsafeMutableRawPointer.allocate(
      byteCount: width * height * header.channels * bytesPerSample, alignment: 16)
    defer { samples.deallocate() }
    try withCodecErrors("PNG") { message in
      bytes.withUnsafeBufferPointer { bytes in
        let status = mae_png_decode_samples(
          bytes.baseAddress, bytes.count, UInt32(width), UInt32(height), Int32(header.channels),
          samples, message)
        return (status, ())
      }
    }
    for (k, channel) in wanted.enumerated() {
      mae_samples_to_floats(
        samples + channel * bytesPerSample, header.sampleType.code, 0,
        header.channels * bytesPerSample, width * height, out + k * width * height)
    }
  }
}

/// Floats that `fill` writes, all of them.
func filledPlanes(
  _ count: Int, by fill: (UnsafeMutablePointer<Float>) throws(ImageError) -> Void
) throws(ImageError) -> [Float] {
  var failure: ImageError?
  let planes = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
    guard let base = buffer.baseAddress else { return }
    do throws(ImageError) {
      try fill(base)
      filled = count
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return planes
}

extension ImageContent {
  /// The samples of an image as they are stored; the bytes of one that is decoded already.
  ///
  /// - Parameter channels: Channels of the model; nil takes any number.
  public func raster(
    _ settings: RasterSettings = RasterSettings(), channels: Int? = nil
  ) throws(ImageError) -> Raster {
    switch self {
    case .encoded(let file):
      if let channels { return try file.raster(settings, channels: channels) }
      return try file.raster(settings)
    case .pixels(let image):
      let raster = Raster(image)
      let wanted = settings.channels ?? Array(0..<image.channels)
      guard wanted.allSatisfy({ (0..<image.channels).contains($0) }),
        channels == nil || channels == wanted.count
      else {
        throw ImageError(
          .unsupported,
          "has \(image.channels) channel\(image.channels == 1 ? "" : "s"), and the model takes "
            + "\(channels ?? wanted.count) (data.channels)")
      }
      return settings.channels == nil ? raster : raster.selecting(wanted)
    }
  }

  /// The same with missing values filled by a number, refused, or left where their channel's mean is to
  /// take their place.
  package func filledRaster(
    _ settings: RasterSettings, channels: Int?
  ) throws(ImageError) -> Raster {
    var raster = try raster(settings, channels: channels)
    if settings.missing != .mean {
      try raster.fillMissing(settings.missing, means: [], numbers: settings.channels)
    }
    return raster
  }

  /// Whether reading it as a picture would fail or lose channels.
  package var isRaster: Bool {
    if case .encoded(let file) = self { file.isRaster } else { false }
  }

  /// A picture for people: chosen channels of a raster, stretched, where there are settings.
  ///
  /// - Parameter channels: 1 or 3, of a picture that is no raster.
  package func shown(_ settings: RasterSettings?, channels: Int = 3) throws(ImageError) -> ByteImage
  {
    guard let settings else { return try image(channels: channels) }
    return try raster(settings).picture(settings)
  }
}
