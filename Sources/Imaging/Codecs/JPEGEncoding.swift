import CImageCodecs

extension ByteImage {
  /// The image as a baseline JPEG file, chroma at half the resolution; equal images give equal
  /// bytes.
  ///
  /// - Parameter quality: libjpeg's scale, 1 (small) to 100 (faithful).
  /// - Throws: ``ImageError`` of kind `tooLarge` where a side is above 65,500.
  public func encodedAsJPEG(quality: Int = 95) throws(ImageError) -> [UInt8] {
    precondition((1...100).contains(quality), "quality \(quality); expected 1 to 100")
    guard max(width, height) <= 65_500 else {
      throw ImageError(.tooLarge, "has \(width)×\(height) pixels; JPEG files hold 65500 a side")
    }
    return try withCodecErrors("JPEG") { message in
      pixels.withUnsafeBufferPointer { pixels in
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = mae_jpeg_encode(
          pixels.baseAddress, UInt32(width), UInt32(height), Int32(channels), Int32(quality),
          &encoded, &count, message)
        defer { mae_jpeg_free(encoded) }
        return (status, Array(UnsafeBufferPointer(start: encoded, count: count)))
      }
    }
  }
}
