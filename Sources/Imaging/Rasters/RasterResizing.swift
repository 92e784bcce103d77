extension Raster {
  /// The raster resized by linear interpolation between the two nearest pixels, as OpenCV does it, and
  /// normalised to `(x − mean) / std`.
  package func linearlyResized(
    to size: PixelSize, normalized: PixelNormalization
  ) -> Raster {
    linearlyResized(
      to: size, part: PixelRectangle(width: size.width, height: size.height), isFlipped: false,
      normalized: normalized)
  }

  /// A part of the raster resized by linear interpolation, perhaps mirrored left to right.
  func linearlyResized(
    to size: PixelSize, part: PixelRectangle, isFlipped: Bool, normalized: PixelNormalization
  ) -> Raster {
    let across = Array(part.x..<part.maxX)
    return resampled(
      columns: ResamplingWindows(
        linear: width, resized: size.width, outputs: isFlipped ? across.reversed() : across),
      rows: ResamplingWindows(linear: height, resized: size.height, outputs: part.y..<part.maxY),
      normalized: normalized)
  }

  /// A part of the raster resized as Pillow does it, every pixel of it counting, perhaps mirrored left
  /// to right, and normalised.
  package func resized(
    to size: PixelSize, part: PixelRectangle, kernel: ResamplingKernel = .bilinear,
    isFlipped: Bool = false, normalized: PixelNormalization
  ) -> Raster {
    var framing = Framing(PixelRectangle(width: width, height: height), to: size)
    framing.origin = (part.x, part.y)
    framing.flipped = isFlipped
    let windows = framing.windows(
      output: PixelSize(width: part.width, height: part.height), kernel: kernel)
    return resampled(columns: windows.columns, rows: windows.rows, normalized: normalized)
  }

  private func resampled(
    columns: ResamplingWindows, rows: ResamplingWindows, normalized: PixelNormalization
  ) -> Raster {
    precondition(
      normalized.channels == channels, "\(normalized.channels) means, \(channels) channels")
    let size = PixelSize(width: columns.starts.count, height: rows.starts.count)
    let count = channels * size.width * size.height
    let values = [Float](unsafeUninitializedCapacity: count) { out, filled in
      guard let first = out.baseAddress else { return }
      resample(
        columns: columns, rows: rows, mean: normalized.mean, std: normalized.std, into: first)
      filled = count
    }
    return Raster(width: size.width, height: size.height, channels: channels, planes: values)
  }

  /// Writes the values into the left upper corner of larger planes, or into the right upper one, with
  /// zeros around: the mean of normalised values. `[C, H, W]`
  package func write(
    into planes: UnsafeMutablePointer<Float>, size: PixelSize, atRight: Bool = false
  ) {
    precondition(width <= size.width && height <= size.height, "\(self.size) written into \(size)")
    planes.update(repeating: 0, count: channels * size.width * size.height)
    let x = atRight ? size.width - width : 0
    self.planes.withUnsafeBufferPointer { values in
      guard let first = values.baseAddress else { return }
      for c in 0..<channels {
        for y in 0..<height {
          (planes + (c * size.height + y) * size.width + x).update(
            from: first + (c * height + y) * width, count: width)
        }
      }
    }
  }

  /// The values with zeros right and below: the mean of normalised values.
  package func padded(to size: PixelSize) -> Raster {
    guard size != self.size else { return self }
    let count = channels * size.width * size.height
    let values = [Float](unsafeUninitializedCapacity: count) { out, filled in
      guard let first = out.baseAddress else { return }
      write(into: first, size: size)
      filled = count
    }
    return Raster(width: size.width, height: size.height, channels: channels, planes: values)
  }
}
