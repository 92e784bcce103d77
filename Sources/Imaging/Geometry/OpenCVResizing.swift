extension ByteImage {
  /// A part of the image at another size, interpolated between the nearest two pixels of each axis
  /// however much it shrinks: OpenCV's `INTER_LINEAR` of bytes, to the byte, which is what
  /// mmsegmentation resizes with. (Pillow's filters widen when an image shrinks; this one does not.)
  ///
  /// At exactly half of both sides OpenCV takes the mean of four pixels, and so does this.
  ///
  /// - Parameters:
  ///   - size: The size of the whole result.
  ///   - part: The rectangle of the result that is made; all of it unless given.
  public func linearlyResized(to size: PixelSize, part: PixelRectangle? = nil) -> ByteImage {
    let part = part ?? PixelRectangle(width: size.width, height: size.height)
    precondition(
      PixelRectangle(width: size.width, height: size.height).contains(part),
      "\(part) is not inside a picture of \(size)")
    if size.width == width, size.height == height { return cropped(to: part) }
    if size.width * 2 == width, size.height * 2 == height { return halved(part) }
    let columns = LinearAxis(
      length: width, resized: size.width, part.x..<part.maxX, keepsWeights: false)
    let rows = LinearAxis(
      length: height, resized: size.height, part.y..<part.maxY, keepsWeights: true)
    let (channels, width) = (channels, width)
    return ByteImage(width: part.width, height: part.height, channels: channels) { out in
      pixels.withUnsafeBufferPointer { from in
        // The two source rows last used, their columns already interpolated.
        var kept = (first: -1, second: -1)
        var upper = [Int32](repeating: 0, count: part.width * channels)
        var lower = upper
        func fill(_ row: inout [Int32], _ y: Int) {
          let line = y * width * channels
          row.withUnsafeMutableBufferPointer { row in
            for x in 0..<part.width {
              let (a, b) = (line + columns.first[x] * channels, line + columns.second[x] * channels)
              let weight = columns.weights[x]
              for c in 0..<channels {
                row[x * channels + c] =
                  Int32(from[a + c]) * (2048 - weight) + Int32(from[b + c]) * weight
              }
            }
          }
        }
        for y in 0..<part.height {
          let (a, b) = (rows.first[y], rows.second[y])
          if kept.second == a, kept.first != a {
            swap(&upper, &lower)
            kept = (a, -1)
          }
          if kept.first != a { fill(&upper, a) }
          if kept.second != b { fill(&lower, b) }
          kept = (a, b)
          let weight = rows.weights[y]
          let base = y * part.width * channels
          for i in 0..<part.width * channels {
            let sum =
              ((2048 - weight) * (upper[i] >> 4)) >> 16 + (weight * (lower[i] >> 4)) >> 16
            out[base + i] = UInt8(truncatingIfNeeded: (sum + 2) >> 2)
          }
        }
      }
    }
  }

  private func halved(_ part: PixelRectangle) -> ByteImage {
    let (channels, stride) = (channels, width * channels)
    return ByteImage(width: part.width, height: part.height, channels: channels) { out in
      for y in 0..<part.height {
        for x in 0..<part.width {
          let from = (y + part.y) * 2 * stride + (x + part.x) * 2 * channels
          for c in 0..<channels {
            let at = from + c
            let sum =
              Int(pixels[at]) + Int(pixels[at + channels]) + Int(pixels[at + stride])
              + Int(pixels[at + stride + channels])
            out[(y * part.width + x) * channels + c] = UInt8((sum + 2) >> 2)
          }
        }
      }
    }
  }
}

/// Where OpenCV reads each place of a resized axis: two positions and the weight of the second, in
/// 2048ths.
private struct LinearAxis {
  private(set) var first: [Int] = []
  private(set) var second: [Int] = []
  private(set) var weights: [Int32] = []

  /// - Parameter keepsWeights: Whether a place beyond the first or last position is mixed of two
  ///   times the same one, as OpenCV does with rows, which is not the same once it is rounded.
  init(length: Int, resized: Int, _ outputs: Range<Int>, keepsWeights: Bool) {
    let scale = 1 / (Double(resized) / Double(length))
    for output in outputs {
      let place = Float((Double(output) + 0.5) * scale - 0.5)
      var start = Int(place.rounded(.down))
      var weight = place - Float(start)
      if !keepsWeights, start < 0 { (start, weight) = (0, 0) }
      if !keepsWeights, start >= length - 1 { (start, weight) = (length - 1, 0) }
      first.append(min(max(start, 0), length - 1))
      second.append(min(max(start + 1, 0), length - 1))
      weights.append(Int32((weight * 2048).rounded(.toNearestOrEven)))
    }
  }
}
