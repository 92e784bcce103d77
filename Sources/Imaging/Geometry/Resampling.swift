import CImageCodecs

/// The kernel of a resampling. When an image shrinks the kernel widens with it (antialiasing).
public enum ResamplingFilter: String, CaseIterable, Codable, Hashable, Sendable {
  /// A triangle over two pixels.
  case bilinear
  /// Keys' cubic convolution with a = −½ over four pixels, as in Pillow.
  case bicubic

  /// The same kernel among all there are.
  package var kernel: ResamplingKernel {
    switch self {
    case .bilinear: .bilinear
    case .bicubic: .bicubic
    }
  }
}

/// For every output position along one axis, the input positions it is made from and their weights
/// as whole numbers.
struct ResamplingAxis {
  /// First input position of each output.
  private(set) var starts: [Int32]
  /// Number of input positions of each output.
  private(set) var counts: [Int32]
  /// `taps` weights for each output; the first `count` add up to 2^`bits`, the others are 0.
  let weights: [Int16]
  /// Room for the weights of one output; a multiple of 8.
  let taps: Int
  /// Bits of the weights' fraction: as many as their 16 bits hold.
  let bits: Int

  /// Maps the stretch `start ..< start + length` of the input onto `resized` positions and keeps
  /// those numbered by `outputs`. Positions outside `0 ..< resized` are reflected at the edges.
  /// Input is read from `bounds` only.
  init(
    start: Double, length: Double, resized: Int, outputs: some Collection<Int>,
    bounds: Range<Int>, kernel: ResamplingKernel
  ) {
    let windows = ResamplingWindows(
      start: start, length: length, resized: resized, outputs: outputs, bounds: bounds,
      kernel: kernel)
    starts = windows.starts
    counts = windows.counts
    taps = windows.taps
    // Half of a step is left over for rounding, so that the largest still fits.
    var bits = 14
    while bits < 20, (windows.largest * Double(1 << (bits + 1))).rounded() < 32_700 { bits += 1 }
    self.bits = bits
    weights = wholeWeights(windows.weights, taps: taps, counts: counts, bits: bits)
  }

  /// The stretch of the input that is read.
  var inputs: Range<Int> {
    var lower = Int.max
    var upper = Int.min
    for i in starts.indices {
      lower = min(lower, Int(starts[i]))
      upper = max(upper, Int(starts[i] + counts[i]))
    }
    return lower..<upper
  }

  /// Moves the input's origin to `origin`.
  mutating func rebase(to origin: Int) {
    for i in starts.indices { starts[i] -= Int32(origin) }
  }

  func withUnsafeAxis<Result>(_ body: (mae_axis) -> Result) -> Result {
    starts.withUnsafeBufferPointer { starts in
      counts.withUnsafeBufferPointer { counts in
        weights.withUnsafeBufferPointer { weights in
          body(
            mae_axis(
              outputs: Int32(starts.count), taps: Int32(taps), bits: Int32(bits),
              starts: starts.baseAddress, counts: counts.baseAddress,
              weights: weights.baseAddress))
        }
      }
    }
  }
}

/// For every output position along one axis, the input positions it is made from and their weights.
struct ResamplingWindows {
  /// First input position of each output.
  private(set) var starts: [Int32] = []
  /// Number of input positions of each output.
  private(set) var counts: [Int32] = []
  /// `taps` weights for each output; the first `count` add up to 1, the others are 0.
  private(set) var weights: [Double]
  /// Room for the weights of one output; a multiple of 8.
  let taps: Int
  /// The largest weight's magnitude.
  private(set) var largest = 0.0

  /// Maps a stretch of the input as ``ResamplingAxis`` says.
  init(
    start: Double, length: Double, resized: Int, outputs: some Collection<Int>,
    bounds: Range<Int>, kernel: ResamplingKernel
  ) {
    let scale = length / Double(resized)
    let stretch = max(scale, 1)
    let shrink = 1 / stretch
    let support = kernel.support * stretch
    let most = min(Int(support.rounded(.up)) * 2 + 1, bounds.count)
    let taps = (most + 7) / 8 * 8
    var starts: [Int32] = []
    var counts: [Int32] = []
    starts.reserveCapacity(outputs.count)
    counts.reserveCapacity(outputs.count)
    var exact = [Double](repeating: 0, count: outputs.count * taps)
    var largest = 0.0
    exact.withUnsafeMutableBufferPointer { exact in
      for (i, output) in outputs.enumerated() {
        let position = reflected(output, in: resized)
        // Pillow adds one step after the other where it takes the nearest pixel.
        let center =
          kernel == .nearest && position < 1 << 16
          ? (0..<position).reduce(start + 0.5 * scale) { sum, _ in sum + scale }
          : start + (Double(position) + 0.5) * scale
        // The nearest pixel is the one that the middle lies in, however wide the kernel is.
        let isNearest = kernel == .nearest
        let from = isNearest ? center : center - support + 0.5
        let to = isNearest ? center + 1 : center + support + 0.5
        let first = min(max(Int(from.rounded(.down)), bounds.lowerBound), bounds.upperBound - 1)
        let end = max(min(Int(to.rounded(.down)), bounds.upperBound), first + 1)
        let count = min(end - first, most)
        let window = UnsafeMutableBufferPointer(rebasing: exact[i * taps..<i * taps + count])
        var total = 0.0
        for k in 0..<count {
          let weight = kernel.weight((Double(first + k) + 0.5 - center) * shrink)
          window[k] = weight
          total += weight
        }
        if total == 0 { window.update(repeating: 1) }
        let share = 1 / (total == 0 ? Double(count) : total)
        for k in 0..<count {
          window[k] *= share
          largest = max(largest, window[k].magnitude)
        }
        starts.append(Int32(first))
        counts.append(Int32(count))
      }
    }
    self.starts = starts
    self.counts = counts
    self.taps = taps
    weights = exact
    self.largest = largest
  }

  /// Linear interpolation between the two nearest of `length` inputs, however much they are shrunk:
  /// OpenCV's `INTER_LINEAR`.
  init(linear length: Int, resized: Int, outputs: some Collection<Int>) {
    let scale = Double(length) / Double(resized)
    taps = 8
    weights = [Double](repeating: 0, count: outputs.count * taps)
    for (i, output) in outputs.enumerated() {
      let place = min(max((Double(output) + 0.5) * scale - 0.5, 0), Double(length - 1))
      let first = min(Int(place), max(0, length - 2))
      let share = place - Double(first)
      starts.append(Int32(first))
      counts.append(length > 1 ? 2 : 1)
      weights[i * taps] = 1 - share
      if length > 1 { weights[i * taps + 1] = share }
    }
    largest = 1
  }
}

/// Weights times 2^`bits`, rounded; what rounding leaves over goes to each window's largest, so
/// that one colour stays that colour.
private func wholeWeights(
  _ exact: [Double], taps: Int, counts: [Int32], bits: Int
) -> [Int16] {
  let one = 1 << bits
  return [Int16](unsafeUninitializedCapacity: exact.count) { whole, filled in
    whole.initialize(repeating: 0)
    filled = exact.count
    for i in counts.indices {
      var left = one
      var heaviest = i * taps
      for k in i * taps..<i * taps + Int(counts[i]) {
        let scaled = exact[k] * Double(one)
        let weight = Int(scaled + (scaled < 0 ? -0.5 : 0.5))
        whole[k] = Int16(clamping: weight)
        left -= weight
        if exact[k] > exact[heaviest] { heaviest = k }
      }
      whole[heaviest] = Int16(clamping: Int(whole[heaviest]) + left)
    }
  }
}

/// Position `i` of a sequence of `count` that is continued by reflection without repeating its
/// ends: … 2 1 | 0 1 2 3 | 2 1 …
func reflected(_ i: Int, in count: Int) -> Int {
  guard count > 1 else { return 0 }
  let period = 2 * (count - 1)
  let j = ((i % period) + period) % period
  return j < count ? j : period - j
}

extension ByteImage {
  /// The image at another size.
  public func resized(to size: PixelSize, filter: ResamplingFilter = .bicubic) -> ByteImage {
    resized(to: size, kernel: filter.kernel)
  }

  /// The image at another size, by any of the kernels.
  func resized(to size: PixelSize, kernel: ResamplingKernel) -> ByteImage {
    resampled(
      columns: ResamplingAxis(
        start: 0, length: Double(width), resized: size.width, outputs: 0..<size.width,
        bounds: 0..<width, kernel: kernel),
      rows: ResamplingAxis(
        start: 0, length: Double(height), resized: size.height, outputs: 0..<size.height,
        bounds: 0..<height, kernel: kernel))
  }

  /// Resamples columns first and rows second, with 8 bits between, as Pillow does.
  func resampled(columns: ResamplingAxis, rows: ResamplingAxis) -> ByteImage {
    withRows { $0.resampled(columns: columns, rows: rows, scratch: DecoderScratch()) }
  }

  /// The image as rows in memory, valid during `body`.
  func withRows<Result>(_ body: (PixelRows) -> Result) -> Result {
    pixels.withUnsafeBufferPointer { pixels in
      guard let first = pixels.baseAddress else {
        preconditionFailure("an image has pixels")
      }
      return body(
        PixelRows(
          first: first, stride: width * channels, width: width, height: height,
          channels: channels, readable: pixels.count))
    }
  }
}
