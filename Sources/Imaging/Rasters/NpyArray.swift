import CImageCodecs
import FileSystem

/// An array in NumPy's format in memory, as an image: `[H, W]`, `[H, W, C]` or `[C, H, W]`.
struct NpyArray {
  let size: PixelSize
  let channels: Int
  let sampleType: SampleType
  /// Whether bytes of a sample are in the other order than the machine's.
  private let isSwapped: Bool
  private let start: Int
  /// Bytes from one channel, row and column to the next.
  private let strides: (channel: Int, row: Int, column: Int)

  /// Reads the header and checks that the elements are there.
  init(_ bytes: [UInt8], _ arrays: RasterSettings.ArrayLayout) throws(ImageError) {
    let layout: NpyLayout
    do throws(FileError) {
      layout = try Self.layout(of: bytes)
    } catch {
      throw ImageError(.corrupt, error.message)
    }
    let shape = layout.shape
    let shown = "[\(shape.map(String.init).joined(separator: ", "))]"
    guard shape.count == 2 || shape.count == 3, shape.allSatisfy({ $0 >= 1 }) else {
      throw ImageError(
        .unsupported,
        "is an array of shape \(shown); expected [H, W], [H, W, C] or [C, H, W]")
    }
    guard let name = layout.typeName, let order = name.first,
      let type = SampleType(numpy: name.dropFirst())
    else {
      throw ImageError(
        .unsupported,
        "is an array of type \(layout.typeName ?? "record"); expected whole numbers of 8, 16 or 32 bits "
          + "or floating-point numbers")
    }
    guard let count = layout.count, count <= bytes.count / type.byteCount,
      bytes.count - layout.length == count * type.byteCount
    else {
      throw ImageError(
        .truncated,
        "is an array of shape \(shown) and type \(type.rawValue) with \(bytes.count - layout.length) bytes "
          + "of data; fetch it again")
    }
    sampleType = type
    let isLittle = 1.littleEndian == 1
    isSwapped = type.byteCount > 1 && (order == ">" ? isLittle : order == "<" ? !isLittle : false)
    start = layout.length
    // Elements from one position of each axis to the next.
    var steps = [Int](repeating: 1, count: shape.count)
    if layout.isColumnMajor {
      for axis in 1..<shape.count { steps[axis] = steps[axis - 1] * shape[axis - 1] }
    } else {
      for axis in (0..<shape.count - 1).reversed() {
        steps[axis] = steps[axis + 1] * shape[axis + 1]
      }
    }
    steps = steps.map { $0 * type.byteCount }
    if shape.count == 2 {
      (size, channels) = (PixelSize(width: shape[1], height: shape[0]), 1)
      strides = (0, steps[0], steps[1])
    } else if arrays == .channelsFirst || (arrays == .automatic && shape[0] < shape[2]) {
      (size, channels) = (PixelSize(width: shape[2], height: shape[1]), shape[0])
      strides = (steps[0], steps[1], steps[2])
    } else {
      (size, channels) = (PixelSize(width: shape[1], height: shape[0]), shape[2])
      strides = (steps[2], steps[0], steps[1])
    }
  }

  private static func layout(of bytes: [UInt8]) throws(FileError) -> NpyLayout {
    var result: Result<NpyLayout, FileError> = .failure(.malformed("", "is empty"))
    bytes.withUnsafeBytes { bytes in
      result = Result { () throws(FileError) in try NpyLayout(bytes, path: "") }
    }
    return try result.get()
  }

  /// Writes a channel's values. `[H, W]`
  func write(
    _ channel: Int, of bytes: UnsafeRawBufferPointer, into out: UnsafeMutablePointer<Float>
  ) {
    guard let base = bytes.baseAddress else { return }
    for y in 0..<size.height {
      mae_samples_to_floats(
        base + start + channel * strides.channel + y * strides.row, sampleType.code,
        isSwapped ? 1 : 0, strides.column, size.width, out + y * size.width)
    }
  }
}

/// The size and channels that an array's header declares.
func npyHeader(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
  let array = try NpyArray(bytes, .automatic)
  return ImageHeader(
    size: array.size, channels: array.channels == 1 ? 1 : 3,
    bitsPerSample: 8 * array.sampleType.byteCount)
}

extension EncodedImage {
  /// An array of bytes with 1 or 3 channels as the picture that it is.
  func decodedNpy() throws(ImageError) -> ByteImage {
    let array = try NpyArray(bytes, .automatic)
    guard array.sampleType == .uint8, [1, 3].contains(array.channels) else {
      throw ImageError(
        .unsupported,
        "is an array of \(array.channels) channel\(array.channels == 1 ? "" : "s") of type "
          + "\(array.sampleType.rawValue), and a picture has 1 or 3 of uint8; data.channels=all reads it "
          + "as it is")
    }
    let raster = try raster()
    let count = raster.width * raster.height
    return ByteImage(width: raster.width, height: raster.height, channels: raster.channels) { out in
      for i in 0..<count {
        for c in 0..<raster.channels {
          out[i * raster.channels + c] = UInt8(raster.planes[c * count + i])
        }
      }
    }
  }
}
