import CImageCodecs

extension PixelRows {
  /// The image with its columns resampled first and its rows second, with 8 bits between.
  func resampled(
    columns: ResamplingAxis, rows: ResamplingAxis, scratch: DecoderScratch
  ) -> ByteImage {
    let width = columns.starts.count
    return ByteImage(width: width, height: rows.starts.count, channels: channels) { out in
      guard let out = out.baseAddress else { return }
      forEachRow(columns: columns, rows: rows, scratch: scratch) { y, row, step in
        let to = out + y * width * channels
        if step == 1 {
          to.update(from: row, count: width)
        } else {
          for x in 0..<width {
            to[3 * x] = row[4 * x]
            to[3 * x + 1] = row[4 * x + 1]
            to[3 * x + 2] = row[4 * x + 2]
          }
        }
      }
    }
  }

  /// The same as planes of floats, `x × scale[c] + offset[c]` each; gray fills as many planes as
  /// the normalisation has channels. `[C, H, W]`
  func resample(
    columns: ResamplingAxis, rows: ResamplingAxis, normalized: PixelNormalization,
    into planes: UnsafeMutablePointer<Float>, scratch: DecoderScratch
  ) {
    let width = columns.starts.count
    let plane = width * rows.starts.count
    let scale = normalized.scale
    let offset = normalized.offset
    forEachRow(columns: columns, rows: rows, scratch: scratch) { y, row, step in
      for c in 0..<normalized.channels {
        mae_normalize(
          step == 1 ? row : row + c, step, width, scale[c], offset[c],
          planes + c * plane + y * width)
      }
    }
  }

  /// The same as planes of bytes; gray fills as many planes as there are `planeCount`. `[C, H, W]`
  func resample(
    columns: ResamplingAxis, rows: ResamplingAxis, planeCount: Int,
    into planes: UnsafeMutablePointer<UInt8>, scratch: DecoderScratch
  ) {
    let width = columns.starts.count
    let plane = width * rows.starts.count
    forEachRow(columns: columns, rows: rows, scratch: scratch) { y, row, step in
      for c in 0..<planeCount {
        mae_pick(step == 1 ? row : row + c, step, width, planes + c * plane + y * width)
      }
    }
  }

  /// Calls `body` with the number of every row of the result, its bytes and how many there are a
  /// pixel: 1, or 4 of which the last is nothing.
  private func forEachRow(
    columns: ResamplingAxis, rows: ResamplingAxis, scratch: DecoderScratch,
    _ body: (_ y: Int, _ row: UnsafePointer<UInt8>, _ step: Int) -> Void
  ) {
    let needed = rows.inputs
    let step = channels == 1 ? 1 : 4
    let rowBytes = columns.starts.count * step
    let between = scratch.resampled.reserve((needed.count + 1) * rowBytes)
    let result = between + needed.count * rowBytes
    var source = mae_rows()
    source.first = first + needed.lowerBound * stride
    source.stride = stride
    source.rows = Int32(needed.count)
    source.channels = Int32(channels)
    source.readable = readable - needed.lowerBound * stride
    columns.withUnsafeAxis { columns in
      withUnsafePointer(to: columns) { mae_resample_columns(&source, $0, between, rowBytes) }
    }
    rows.withUnsafeAxis { axis in
      for y in 0..<Int(axis.outputs) {
        mae_blend_rows(
          between + (Int(axis.starts[y]) - needed.lowerBound) * rowBytes, rowBytes,
          axis.counts[y], axis.weights + y * Int(axis.taps), axis.bits, rowBytes, result)
        body(y, result, step)
      }
    }
    scratch.resampled.trim()
  }
}
