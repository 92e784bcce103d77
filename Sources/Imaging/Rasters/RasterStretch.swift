/// Which values of a raster's channels a picture shows as black and white: between two percentiles of
/// each channel, so that a few extreme values do not make the rest dark.
package struct RasterStretch: Hashable, Sendable {
  /// The planes that are shown: one as gray, or three as red, green and blue.
  let planes: [Int]
  private let low: [Float]
  private let high: [Float]

  /// Measures a raster. Percentiles are interpolated linearly, as `numpy.percentile` does; missing
  /// values do not count.
  package init(of raster: Raster, _ settings: RasterSettings) {
    planes = settings.shownPlanes(of: raster.channels)
    let count = raster.width * raster.height
    let ranges = planes.map { plane in
      var values = raster.planes[plane * count..<(plane + 1) * count].filter(\.isFinite)
      values.sort()
      return (
        percentile(settings.percentiles.lowerBound, of: values),
        percentile(settings.percentiles.upperBound, of: values)
      )
    }
    low = ranges.map(\.0)
    high = ranges.map(\.1)
  }

  /// Values of all channels in the file's units as a picture; missing values are black.
  ///
  /// - Parameter values: `[C, H, W]`
  package func picture(of values: [Float], size: PixelSize) -> ByteImage {
    let count = size.width * size.height
    return ByteImage(width: size.width, height: size.height, channels: planes.count) { out in
      for (c, plane) in planes.enumerated() {
        let span = high[c] - low[c]
        for i in 0..<count {
          let value = values[plane * count + i]
          let share =
            span > 0 ? (value - low[c]) / span : value > low[c] ? 1 : value < low[c] ? 0 : 0.5
          out[i * planes.count + c] =
            share.isNaN ? 0 : UInt8((min(max(share, 0), 1) * 255).rounded())
        }
      }
    }
  }
}

/// A percentile of sorted values, interpolated linearly; 0 where there are none.
func percentile(_ percent: Double, of sorted: [Float]) -> Float {
  guard let last = sorted.last else { return 0 }
  let place = percent / 100 * Double(sorted.count - 1)
  let below = Int(place.rounded(.down))
  guard below + 1 < sorted.count else { return last }
  let share = place - Double(below)
  return Float(Double(sorted[below]) * (1 - share) + Double(sorted[below + 1]) * share)
}

extension Raster {
  /// What of the raster a picture shows: gray, or three channels as red, green and blue, stretched.
  public func picture(_ settings: RasterSettings = RasterSettings()) -> ByteImage {
    RasterStretch(of: self, settings).picture(of: planes, size: size)
  }
}
