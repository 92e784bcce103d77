import FileSystem

/// What a file says of its samples before they are read.
public struct RasterHeader: Hashable, Sendable {
  /// The size at which the samples are stored.
  public var size: PixelSize
  /// Channels of one page.
  public var channels: Int
  /// What the samples are stored as.
  public var sampleType: SampleType
  /// Pages that are no smaller versions and no masks; 1 but for TIFF.
  public var pages: Int
}

extension EncodedImage {
  /// What the file says of its samples.
  ///
  /// - Throws: `ImageError` where samples are of a type that is not read, or pages differ.
  public func rasterHeader(
    _ settings: RasterSettings = RasterSettings()
  ) throws(ImageError) -> RasterHeader {
    do throws(ImageError) {
      switch format {
      case .jpeg, .webp:
        return RasterHeader(size: size, channels: storedChannels, sampleType: .uint8, pages: 1)
      case .png:
        return RasterHeader(
          size: storedSize, channels: pngSamples(of: bytes),
          sampleType: bitsPerSample == 16 ? .uint16 : .uint8, pages: 1)
      case .tiff:
        let pages = try rasterPages()
        let first = pages[0]
        return RasterHeader(
          size: first.size, channels: first.samples, sampleType: try first.requireSampleType(),
          pages: pages.count)
      case .npy:
        let array = try NpyArray(bytes, settings.arrays)
        return RasterHeader(
          size: array.size, channels: array.channels, sampleType: array.sampleType, pages: 1)
      }
    } catch {
      throw error.named(name)
    }
  }

  /// Whether reading the file as a picture would fail or lose channels: arrays, samples other than
  /// whole numbers from 0 on of 1 to 8 or 16 bits, numbers of channels that no picture has, and several
  /// gray pages of one size.
  package var isRaster: Bool {
    switch format {
    case .jpeg, .png, .webp: return false
    case .npy: return true
    case .tiff:
      guard let pages = try? rasterPages(), let type = pages[0].sampleType else { return false }
      let first = pages[0]
      let isStack =
        pages.count > 1 && first.isGray && first.samples == 1
        && pages.allSatisfy { $0.size == first.size && $0.samples == 1 && $0.sampleType == type }
      return isStack || ![.uint8, .uint16].contains(type) || first.samples > first.colors + 1
    }
  }

  /// The pages of a TIFF file that are read: the one that this stands for, or all.
  func rasterPages() throws(ImageError) -> [TIFFPage] {
    let pages = try tiffPages(of: bytes)
    guard let page else { return pages }
    guard let own = pages.first(where: { $0.directory == page }) else {
      throw ImageError(.corrupt, "is a damaged TIFF file: a page of it is missing; fetch it again")
    }
    return [own]
  }

  /// The pages of a TIFF file as images of their own; the file itself where it has one, or is of
  /// another format.
  package func pages() throws(ImageError) -> [EncodedImage] {
    guard format == .tiff, page == nil else { return [self] }
    do throws(ImageError) {
      let pages = try tiffPages(of: bytes)
      guard pages.count > 1 else { return [self] }
      var images: [EncodedImage] = []
      for page in pages {
        try limits.check(page.size)
        images.append(self.page(page))
      }
      return images
    } catch {
      throw error.named(name)
    }
  }
}
