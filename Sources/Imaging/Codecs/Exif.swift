/// How a picture has to be turned to be upright; the values of EXIF tag 0x0112.
public enum ImageOrientation: Int, CaseIterable, Hashable, Sendable {
  /// As stored.
  case upright = 1
  /// Mirrored left to right.
  case flippedHorizontally = 2
  /// Turned by 180°.
  case rotated180 = 3
  /// Mirrored top to bottom.
  case flippedVertically = 4
  /// Mirrored at the main diagonal.
  case transposed = 5
  /// To be turned clockwise by 90°.
  case rotated90 = 6
  /// Mirrored at the other diagonal.
  case transversed = 7
  /// To be turned clockwise by 270°.
  case rotated270 = 8

  /// Whether width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }

  /// Where the pixel that is shown at (`x`, `y`) is stored, in a stored picture of `size`.
  func stored(x: Int, y: Int, in size: PixelSize) -> (x: Int, y: Int) {
    let right = size.width - 1
    let bottom = size.height - 1
    switch self {
    case .upright: return (x, y)
    case .flippedHorizontally: return (right - x, y)
    case .rotated180: return (right - x, bottom - y)
    case .flippedVertically: return (x, bottom - y)
    case .transposed: return (y, x)
    case .rotated90: return (y, bottom - x)
    case .transversed: return (right - y, bottom - x)
    case .rotated270: return (right - y, x)
    }
  }

  /// The stored rectangle that is shown as `shown`, in a stored picture of `size`.
  func stored(_ shown: PixelRectangle, in size: PixelSize) -> PixelRectangle {
    let a = stored(x: shown.x, y: shown.y, in: size)
    let b = stored(x: shown.maxX - 1, y: shown.maxY - 1, in: size)
    return PixelRectangle(
      x: min(a.x, b.x), y: min(a.y, b.y),
      width: abs(a.x - b.x) + 1, height: abs(a.y - b.y) + 1)
  }

  /// The size at which a stored picture of `size` is shown.
  func shown(_ size: PixelSize) -> PixelSize {
    swapsSides ? PixelSize(width: size.height, height: size.width) : size
  }
}

/// Side of the squares in which a picture is turned.
private let turnedSquare = 32

extension ByteImage {
  /// The stored picture turned upright.
  public func oriented(_ orientation: ImageOrientation) -> ByteImage {
    guard orientation != .upright else { return self }
    let stored = PixelSize(width: width, height: height)
    let shown = orientation.shown(stored)
    // Stored positions are linear in shown ones.
    let origin = orientation.stored(x: 0, y: 0, in: stored)
    let right = orientation.stored(x: 1, y: 0, in: stored)
    let down = orientation.stored(x: 0, y: 1, in: stored)
    let start = origin.y * width + origin.x
    let perColumn = right.y * width + right.x - start
    let perRow = down.y * width + down.x - start
    return ByteImage(width: shown.width, height: shown.height, channels: channels) { out in
      pixels.withUnsafeBufferPointer { from in
        guard let out = out.baseAddress, let from = from.baseAddress else { return }
        // In squares: what is a row here is a column there, and both should stay in the cache.
        for top in stride(from: 0, to: shown.height, by: turnedSquare) {
          for left in stride(from: 0, to: shown.width, by: turnedSquare) {
            let end = min(left + turnedSquare, shown.width)
            for y in top..<min(top + turnedSquare, shown.height) {
              var to = out + (y * shown.width + left) * channels
              var pixel = from + (start + y * perRow + left * perColumn) * channels
              for _ in left..<end {
                for c in 0..<channels { to[c] = pixel[c] }
                to += channels
                pixel += perColumn * channels
              }
            }
          }
        }
      }
    }
  }
}

extension ImageOrientation {
  /// Reads the orientation from a whole file; upright where none is stored or what is stored makes
  /// no sense.
  init(of bytes: UnsafeRawBufferPointer, format: ImageFormat) {
    let block: Range<Int>? =
      switch format {
      case .jpeg: exifBlock(ofJPEG: bytes)
      case .png: exifBlock(ofPNG: bytes)
      case .webp: exifBlock(ofWebP: bytes)
      case .tiff: 0..<bytes.count
      case .npy: nil
      }
    self =
      block.flatMap { orientation(inTIFF: UnsafeRawBufferPointer(rebasing: bytes[$0])) }
      ?? .upright
  }
}

/// The TIFF structure inside the first APP1 segment that begins with `Exif`.
private func exifBlock(ofJPEG bytes: UnsafeRawBufferPointer) -> Range<Int>? {
  var at = 2
  while at + 4 <= bytes.count, bytes[at] == 0xFF {
    let marker = bytes[at + 1]
    if marker == 0xFF {
      at += 1
      continue
    }
    // Start of scan, end of image: no metadata after these.
    if marker == 0xDA || marker == 0xD9 { return nil }
    let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
    let end = at + 2 + length
    guard length >= 2, end <= bytes.count else { return nil }
    let body = at + 4
    if marker == 0xE1, end - body >= 6, bytes[body..<body + 6].elementsEqual(exifHeader) {
      return body + 6..<end
    }
    at = end
  }
  return nil
}

let exifHeader: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]

/// The content of the chunk `eXIf`.
private func exifBlock(ofPNG bytes: UnsafeRawBufferPointer) -> Range<Int>? {
  var at = pngSignature.count
  while at + 12 <= bytes.count {
    let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    let body = at + 8
    guard length <= bytes.count - body else { return nil }
    if bytes[at + 4..<body].elementsEqual("eXIf".utf8) { return body..<body + length }
    at = body + length + 4
  }
  return nil
}

/// Tag 0x0112 of the first directory.
private func orientation(inTIFF tiff: UnsafeRawBufferPointer) -> ImageOrientation? {
  TIFFDirectory(tiff)?.number(0x0112).flatMap(ImageOrientation.init(rawValue:))
}
