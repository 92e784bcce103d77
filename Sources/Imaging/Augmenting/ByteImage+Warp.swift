import CImageCodecs

extension ByteImage {
  /// Replaces every pixel by what the map shows there: Pillow's `transform`, to the byte.
  ///
  /// Unlike in resizing, Pillow's cubic is the one with a = −1.
  mutating func warp(
    by map: AffineMap, filter: ResamplingFilter, fill: [UInt8],
    scratch: DecoderScratch = DecoderScratch()
  ) {
    precondition(fill.count == channels)
    // The picture is read elsewhere than it is written.
    let source = scratch.resampled.reserve(pixels.count)
    var warp = mae_warp()
    warp.in = UnsafePointer(source)
    warp.width = Int32(width)
    warp.height = Int32(height)
    warp.channels = Int32(channels)
    warp.cubic = filter == .bicubic ? 1 : 0
    warp.map = (map.a, map.b, map.c, map.d, map.e, map.f)
    warp.fill = channels == 1 ? (fill[0], 0, 0) : (fill[0], fill[1], fill[2])
    pixels.withUnsafeMutableBufferPointer { pixels in
      guard let first = pixels.baseAddress else { return }
      source.update(from: first, count: pixels.count)
      mae_warp_rows(&warp, first)
    }
  }
}
