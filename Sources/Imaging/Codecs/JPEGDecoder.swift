import CImageCodecs
import Synchronization

/// What a decoder says about a file before its pixels.
struct ImageHeader {
  var size: PixelSize
  var channels: Int
  var bitsPerSample = 8
}

/// libjpeg-turbo's decompressor; for one thread at a time.
final class JPEGDecoder {
  private let decoder: OpaquePointer

  /// Decompressors that are not in use, as addresses: a pointer does not cross into a lock.
  private static let idle = Mutex<[UInt]>([])
  private static let mostIdle = 64

  /// Pixels that a row may hold beside the wanted ones.
  static let margin = Int(MAE_JPEG_MARGIN)

  private init(_ decoder: OpaquePointer) { self.decoder = decoder }

  /// Calls `body` with a decompressor that no other thread uses: making one costs as much as
  /// reading a header.
  static func withDecoder<Result>(
    _ body: (JPEGDecoder) throws(ImageError) -> Result
  ) throws(ImageError) -> Result {
    let address = idle.withLock { $0.popLast() }
    guard let decoder = address.flatMap({ OpaquePointer(bitPattern: $0) }) ?? mae_jpeg_create()
    else { throw ImageError(.tooLarge, "there is no memory for a decoder") }
    defer {
      let isKept = idle.withLock { idle in
        guard idle.count < mostIdle else { return false }
        idle.append(UInt(bitPattern: decoder))
        return true
      }
      if !isKept { mae_jpeg_destroy(decoder) }
    }
    return try body(JPEGDecoder(decoder))
  }

  /// The size and channels of a JPEG file.
  func header(of bytes: [UInt8]) throws(ImageError) -> ImageHeader {
    try withCodecErrors("JPEG") { message in
      bytes.withUnsafeBufferPointer { bytes in
        var header = mae_jpeg_header()
        let status = mae_jpeg_read_header(
          decoder, bytes.baseAddress, bytes.count, &header, message)
        return (
          status,
          ImageHeader(
            size: PixelSize(width: Int(header.width), height: Int(header.height)),
            channels: Int(header.channels))
        )
      }
    }
  }

  /// Decodes a rectangle of the stored picture at `eighths` eighths of its size into interleaved
  /// rows, `stride` bytes apart; `channels` are those of the header. Returns how many bytes after
  /// the start of each row the rectangle begins: 0 where the stride has no room for `margin` more.
  @discardableResult
  func decode(
    _ bytes: [UInt8], _ part: PixelRectangle, eighths: Int, channels: Int, limits: ImageLimits,
    into pixels: UnsafeMutablePointer<UInt8>?, stride: Int
  ) throws(ImageError) -> Int {
    var request = mae_jpeg_request()
    request.eighths = Int32(eighths)
    request.x = UInt32(part.x)
    request.y = UInt32(part.y)
    request.width = UInt32(part.width)
    request.height = UInt32(part.height)
    request.max_scans = Int32(clamping: limits.scans)
    request.max_blocks = Int64(limits.scanBlocks)
    request.max_memory = Int64(limits.workingBytes)
    request.stride = stride
    return try withCodecErrors("JPEG") { message in
      bytes.withUnsafeBufferPointer { bytes in
        var header = mae_jpeg_header()
        var skipped = 0
        var status = mae_jpeg_read_header(
          decoder, bytes.baseAddress, bytes.count, &header, message)
        if status == MAE_CODEC_OK {
          precondition(header.channels == channels, "the header was read from other bytes")
          status = mae_jpeg_decode(decoder, &request, pixels, &skipped, message)
        }
        return (status, skipped)
      }
    }
  }
}

/// Calls a codec and turns its status and message into an error.
func withCodecErrors<Result>(
  _ format: String,
  _ body: (UnsafeMutablePointer<CChar>) -> (mae_codec_status, Result)
) throws(ImageError) -> Result {
  var text = ""
  let (status, result) = withUnsafeTemporaryAllocation(
    of: CChar.self, capacity: Int(MAE_CODEC_MESSAGE_BYTES)
  ) { message in
    message.initialize(repeating: 0)
    guard let address = message.baseAddress else {
      preconditionFailure("a temporary allocation has an address")
    }
    let outcome = body(address)
    text = String(cString: address)
    return outcome
  }
  switch Int(status) {
  case MAE_CODEC_OK: return result
  case MAE_CODEC_TRUNCATED:
    throw ImageError(
      .truncated, "is a \(format) file cut short: it \(text); fetch it again")
  case MAE_CODEC_TOO_LARGE, MAE_CODEC_OUT_OF_MEMORY:
    throw ImageError(.tooLarge, "is a \(format) file that is refused: \(text)")
  case MAE_CODEC_UNSUPPORTED:
    throw ImageError(
      .unsupported, "is a \(format) file of a kind that is not read (\(text)); convert it")
  default:
    throw ImageError(.corrupt, "is a damaged \(format) file (\(text)); fetch it again")
  }
}
