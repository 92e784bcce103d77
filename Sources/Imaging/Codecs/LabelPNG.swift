import CImageCodecs

extension LabelMap {
  /// The numbers that a PNG file stores: places in its palette, or gray levels of any depth as they
  /// are.
  public struct Stored: Hashable, Sendable {
    /// The numbers; none is ``LabelMap/ignored`` for what a number means is not decided here.
    public var map: LabelMap
    /// Bits of a number: 8 or fewer, or 16.
    public var bits: Int
  }

  /// Reads the numbers of a label map.
  ///
  /// - Throws: ``ImageError``; of kind `unsupported` for a picture of colours, and for what is no
  ///   PNG file: what is lossy has no numbers.
  public static func stored(
    in file: EncodedImage
  ) throws(ImageError) -> Stored {
    do throws(ImageError) {
      guard file.format == .png else {
        throw ImageError(
          .unsupported,
          "is a \(file.format.rawValue) file; expected a PNG file with the number of each pixel's "
            + "class")
      }
      let (size, bytes) = (file.storedSize, file.bytes)
      let (bits, color) = (bytes[24], bytes[25])
      guard color & 2 == 0 || color == 3 else {
        throw ImageError(
          .unsupported,
          "is a PNG file of colours; expected numbers of classes in its palette or gray levels: "
            + "convert it by a class table with colours (classes.csv: id,name,red,green,blue)")
      }
      let isWide = bits == 16
      var labels = [UInt16](repeating: 0, count: size.width * size.height)
      try withCodecErrors("PNG") { message in
        bytes.withUnsafeBufferPointer { bytes in
          labels.withUnsafeMutableBytes { out in
            // Narrow numbers are read into the upper half and then widened from the front.
            let start =
              isWide ? out.baseAddress : out.baseAddress.map { $0 + size.width * size.height }
            let status = mae_png_decode_labels(
              bytes.baseAddress, bytes.count, UInt32(size.width), UInt32(size.height), start,
              message)
            return (status, ())
          }
        }
      }
      if !isWide {
        let count = size.width * size.height
        labels.withUnsafeMutableBytes { out in
          for i in 0..<count {
            let value = UInt16(out[count + i])
            out.storeBytes(of: value, toByteOffset: 2 * i, as: UInt16.self)
          }
        }
      }
      let map = LabelMap(width: size.width, height: size.height, labels: labels)
      return Stored(map: map.oriented(file.orientation), bits: min(Int(bits), 16))
    } catch {
      throw error.named(file.name)
    }
  }

  /// The colours of a PNG file's palette: red, green and blue of each number, at most 256; nil of a file
  /// without one, and of what is no PNG file.
  public static func palette(of file: EncodedImage) -> [UInt8]? {
    guard file.format == .png, file.bytes.count > 25 else { return nil }
    // After the signature each chunk has a length, a name, and a sum after its bytes.
    let bytes = file.bytes
    var start = 8
    while start + 12 <= bytes.count {
      let count = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let name = bytes[start + 4..<start + 8]
      guard count <= bytes.count - start - 12, !name.elementsEqual("IDAT".utf8) else { break }
      if name.elementsEqual("PLTE".utf8) {
        // Files of colours may have one too, as a proposal.
        guard bytes[25] == 3, count % 3 == 0, (3...768).contains(count) else { break }
        return Array(bytes[start + 8..<start + 8 + count])
      }
      start += 12 + count
    }
    return nil
  }

  /// The map as a PNG file: 8 bits where all labels are below 255, ``ignored`` as 255; else 16
  /// bits, ``ignored`` as 65535. Equal maps give equal bytes.
  ///
  /// - Parameters:
  ///   - palette: Red, green and blue of each number, for programs that show the file; gray levels
  ///     where it is empty. Of 16 bits there is no palette.
  ///   - compression: zlib's level, 0 to 9.
  public func encodedAsPNG(
    palette: [UInt8] = [], compression: Int = 6
  ) throws(ImageError) -> [UInt8] {
    precondition(palette.count % 3 == 0 && palette.count <= 768, "\(palette.count) palette bytes")
    let largest = labels.lazy.filter { $0 != Self.ignored }.max() ?? 0
    if largest >= 255 {
      return try encoded(labels, depth: 16, palette: [], compression: compression)
    }
    let narrow = labels.map { $0 == Self.ignored ? 255 : UInt8($0) }
    // A place that the palette lacks would be an error for whoever reads the file.
    var colors = palette
    if !colors.isEmpty {
      let needed = (Int(narrow.max() ?? 0) + 1) * 3
      colors += [UInt8](repeating: 255, count: max(0, needed - colors.count))
    }
    return try encoded(narrow, depth: 8, palette: colors, compression: compression)
  }

  private func encoded<Number>(
    _ numbers: [Number], depth: Int, palette: [UInt8], compression: Int
  ) throws(ImageError) -> [UInt8] {
    try withCodecErrors("PNG") { message in
      numbers.withUnsafeBytes { numbers in
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = mae_png_encode_labels(
          numbers.baseAddress, UInt32(width), UInt32(height), Int32(depth), palette,
          Int32(palette.count / 3), Int32(compression), &encoded, &count, message)
        defer { mae_png_free(encoded) }
        return (status, Array(UnsafeBufferPointer(start: encoded, count: count)))
      }
    }
  }
}
