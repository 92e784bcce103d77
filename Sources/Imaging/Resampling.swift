import CImageCodecs

/// The kernel of a resampling. When an image shrinks the kernel widens with it (antialiasing).
public enum ResamplingFilter: String, CaseIterable, Codable, Hashable, Sendable {
  /// A triangle over two pixels.
  case bilinear
  /// Keys' cubic convolution with a = −½ over four pixels, as in Pillow.
  case bicubic

  /// Distance at which the kernel has become 0.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// The kernel at a distance of `x` pixels.
  func weight(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .bilinear:
      return x < 1 ? 1 - x : 0
    case .bicubic:
      // R. Keys, Cubic convolution interpolation for digital image processing, 1981, eq. 15.
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
      return 0
    }
  }
}

/// For every output position along one axis, the input positions it is made from.
struct ResamplingAxis {
  /// First input position of each output.
  var starts: [Int32]
  /// Number of input positions of each output.
  var counts: [Int32]
  /// `taps` weights for each output; the first `count` are used.
  var weights: [Float]
  /// Most input positions of any output.
  let taps: Int

  /// Maps the stretch `start ..< start + length` of the input onto `resized` positions and keeps
  /// those numbered by `outputs`. Positions outside `0 ..< resized` are reflected at the edges.
  /// Input is read from `bounds` only.
  init(
    start: Double, length: Double, resized: Int, outputs: some Collection<Int>,
    bounds: Range<Int>, filter: ResamplingFilter
  ) {
    let scale = length / Double(resized)
    let stretch = max(scale, 1)
    let support = filter.support * stretch
    taps = min(Int(support.rounded(.up)) * 2 + 1, bounds.count)
    starts = []
    counts = []
    weights = [Float](repeating: 0, count: outputs.count * taps)
    starts.reserveCapacity(outputs.count)
    counts.reserveCapacity(outputs.count)
    var window = [Double](repeating: 0, count: taps)
    for (i, output) in outputs.enumerated() {
      let position = reflected(output, in: resized)
      let center = start + (Double(position) + 0.5) * scale
      let first = min(
        max(Int((center - support + 0.5).rounded(.down)), bounds.lowerBound),
        bounds.upperBound - 1)
      let end = max(
        min(Int((center + support + 0.5).rounded(.down)), bounds.upperBound), first + 1)
      let count = min(end - first, taps)
      var total = 0.0
      for k in 0..<count {
        window[k] = filter.weight((Double(first + k) + 0.5 - center) / stretch)
        total += window[k]
      }
      for k in 0..<count {
        weights[i * taps + k] = Float(total == 0 ? 1 / Double(count) : window[k] / total)
      }
      starts.append(Int32(first))
      counts.append(Int32(count))
    }
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
              outputs: Int32(starts.count), taps: Int32(taps), starts: starts.baseAddress,
              counts: counts.baseAddress, weights: weights.baseAddress))
        }
      }
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
    resampled(
      columns: ResamplingAxis(
        start: 0, length: Double(width), resized: size.width, outputs: 0..<size.width,
        bounds: 0..<width, filter: filter),
      rows: ResamplingAxis(
        start: 0, length: Double(height), resized: size.height, outputs: 0..<size.height,
        bounds: 0..<height, filter: filter))
  }

  /// Resamples columns first and rows second, with 8 bits between, as Pillow does.
  func resampled(columns: ResamplingAxis, rows: ResamplingAxis) -> ByteImage {
    let values = columns.starts.count * channels
    return ByteImage(width: columns.starts.count, height: rows.starts.count, channels: channels) {
      out in
      guard let out = out.baseAddress else { return }
      withResampledColumns(columns, rows: rows) { row, stride, y, count, weights in
        mae_blend_rows(row, stride, count, weights, values, out + y * values)
      }
    }
  }

  /// Resamples into `C` planes of floats, `x × scale[c] + offset[c]` each; `[C, H, W]`.
  func resample(
    columns: ResamplingAxis, rows: ResamplingAxis, normalized: PixelNormalization,
    into planes: UnsafeMutablePointer<Float>
  ) {
    let width = columns.starts.count
    let plane = width * rows.starts.count
    withResampledColumns(columns, rows: rows) { row, stride, y, count, weights in
      mae_blend_rows_normalized(
        row, stride, count, weights, width, Int32(channels), normalized.scale, normalized.offset,
        planes + y * width, plane)
    }
  }

  /// Resamples the columns of the rows that are needed, then calls `body` for every output row
  /// with the first of its input rows, their distance in bytes, the output's number, the number of
  /// input rows and their weights.
  private func withResampledColumns(
    _ columns: ResamplingAxis, rows: ResamplingAxis,
    _ body: (
      _ row: UnsafePointer<UInt8>, _ stride: Int, _ output: Int, _ count: Int32,
      _ weights: UnsafePointer<Float>
    ) -> Void
  ) {
    let needed = rows.inputs
    let stride = columns.starts.count * channels
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: needed.count * stride) { scratch in
      pixels.withUnsafeBufferPointer { pixels in
        guard let scratch = scratch.baseAddress, let pixels = pixels.baseAddress else { return }
        columns.withUnsafeAxis { columns in
          withUnsafePointer(to: columns) { columns in
            for y in needed {
              mae_resample_row(
                pixels + y * width * channels, Int32(channels), columns,
                scratch + (y - needed.lowerBound) * stride)
            }
          }
        }
        rows.withUnsafeAxis { rows in
          for y in 0..<Int(rows.outputs) {
            body(
              scratch + (Int(rows.starts[y]) - needed.lowerBound) * stride, stride, y,
              rows.counts[y], rows.weights + y * Int(rows.taps))
          }
        }
      }
    }
  }
}
