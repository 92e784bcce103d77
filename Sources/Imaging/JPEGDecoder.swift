import CImageCodecs

/// What a decoder says about a file before its pixels.
struct ImageHeader {
  var size: PixelSize
  var channels: Int
}

/// libjpeg-turbo's decompressor; for one thread.
final class JPEGDecoder {
  private let decoder: OpaquePointer

  init() throws(ImageError) {
    guard let decoder = mae_jpeg_create() else {
      throw ImageError(.tooLarge, "there is no memory for a decoder")
    }
    self.decoder = decoder
  }

  deinit { mae_jpeg_destroy(decoder) }

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

  /// A rectangle of the stored picture at `eighths` eighths of its size; `channels` are those of
  /// the header.
  func decoded(
    _ bytes: [UInt8], _ part: PixelRectangle, eighths: Int, channels: Int, limits: ImageLimits
  ) throws(ImageError) -> ByteImage {
    var request = mae_jpeg_request()
    request.eighths = Int32(eighths)
    request.x = UInt32(part.x)
    request.y = UInt32(part.y)
    request.width = UInt32(part.width)
    request.height = UInt32(part.height)
    request.max_scans = Int32(clamping: limits.scans)
    request.max_memory = Int64(limits.workingBytes)
    return try ByteImage(width: part.width, height: part.height, channels: channels) {
      pixels throws(ImageError) in
      try withCodecErrors("JPEG") { message in
        bytes.withUnsafeBufferPointer { bytes in
          var header = mae_jpeg_header()
          var status = mae_jpeg_read_header(
            decoder, bytes.baseAddress, bytes.count, &header, message)
          if status == MAE_CODEC_OK {
            precondition(header.channels == channels, "the header was read from other bytes")
            status = mae_jpeg_decode(decoder, &request, pixels.baseAddress, message)
          }
          return (status, ())
        }
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
