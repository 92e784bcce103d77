import CImageCodecs

// What Pillow's ImageOps and ImageEnhance do to tones and colours, to the byte.

extension ByteImage {
  /// Every value times `factor`.
  mutating func adjustBrightness(by factor: Double) {
    mapValues(mixed(from: 0, by: factor))
  }

  /// The distance of every value to the mean of the gray image times `factor`.
  mutating func adjustContrast(by factor: Double) {
    let count = width * height
    let sum = pixels.withUnsafeBufferPointer { pixels in
      channels == 1
        ? pixels.reduce(UInt64(0)) { $0 + UInt64($1) }
        : mae_luma_sum(pixels.baseAddress, count)
    }
    mapValues(mixed(from: Int(Double(sum) / Double(count) + 0.5), by: factor))
  }

  /// The distance of every pixel to its gray times `factor`.
  mutating func adjustSaturation(by factor: Double, scratch: DecoderScratch = DecoderScratch()) {
    guard channels == 3 else { return }
    let gray = scratch.resampled.reserve(pixels.count)
    pixels.withUnsafeMutableBufferPointer { pixels in
      mae_gray(pixels.baseAddress, pixels.count / 3, gray)
      mae_mix(gray, pixels.count, Float(factor), pixels.baseAddress)
    }
  }

  /// The distance of every value to the mean of its neighbourhood times `factor`.
  mutating func adjustSharpness(by factor: Double, scratch: DecoderScratch = DecoderScratch()) {
    let smooth = scratch.resampled.reserve(pixels.count)
    let (width, height, channels) = (Int32(width), Int32(height), Int32(channels))
    pixels.withUnsafeMutableBufferPointer { pixels in
      mae_smooth(pixels.baseAddress, width, height, channels, smooth)
      mae_mix(smooth, pixels.count, Float(factor), pixels.baseAddress)
    }
  }

  /// Stretches each channel so that its smallest value becomes 0 and its largest 255.
  mutating func stretchContrast() {
    look(
      up: histograms.map { counts in
        guard let low = counts.firstIndex(where: { $0 > 0 }),
          let high = counts.lastIndex(where: { $0 > 0 }), high > low
        else { return ByteImage.everyValue }
        let scale = 255 / Double(high - low)
        let offset = Double(-low) * scale
        return ByteImage.everyValue.map { min(max(Int(Double($0) * scale + offset), 0), 255) }
      })
  }

  /// Maps each channel's values so that each is about as frequent.
  mutating func equalize() {
    look(
      up: histograms.map { counts in
        guard let last = counts.last(where: { $0 > 0 }) else { return ByteImage.everyValue }
        let step = (counts.reduce(0, +) - last) / 255
        guard step > 0 else { return ByteImage.everyValue }
        var below = step / 2
        return counts.map { count in
          defer { below += count }
          return min(below / step, 255)
        }
      })
  }

  /// Replaces every value.
  mutating func mapValues(_ body: (Int) -> Int) {
    let table = ByteImage.everyValue.map(body)
    look(up: Array(repeating: table, count: channels))
  }

  private static let everyValue = Array(0...255)

  /// How often each channel has each value. `[C][256]`
  private var histograms: [[Int]] {
    var counts = [UInt32](repeating: 0, count: channels * 256)
    pixels.withUnsafeBufferPointer {
      mae_count_values($0.baseAddress, width * height, Int32(channels), &counts)
    }
    return (0..<channels).map { channel in
      counts[channel * 256..<(channel + 1) * 256].map { Int($0) }
    }
  }

  /// Replaces every value by what its channel's table has for it. `[C][256]`
  private mutating func look(up tables: [[Int]]) {
    let flat = tables.flatMap { $0.map { UInt8($0) } }
    let (count, channels) = (width * height, Int32(channels))
    pixels.withUnsafeMutableBufferPointer {
      mae_look_up($0.baseAddress, count, channels, flat)
    }
  }
}

/// `base + factor × (value − base)`, clamped and cut to a whole number.
private func mixed(from base: Int, by factor: Double) -> (Int) -> Int {
  { value in
    let mixed = Float(base) + Float(factor) * Float(value - base)
    return Int(min(max(mixed, 0), 255))
  }
}
