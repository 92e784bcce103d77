@testable import Imaging

/// One target for each decoder, one for decoding parts of JPEG at smaller scales, which is code of
/// its own, and one for headers of all formats.
let imageTargets: [FuzzTarget] = [
  FuzzTarget(name: "jpeg", run: decodeWhole, repair: { begin(&$0, with: [0xFF, 0xD8, 0xFF]) }),
  FuzzTarget(name: "jpeg-part", run: decodePart, repair: { begin(&$0, with: [0xFF, 0xD8, 0xFF]) }),
  FuzzTarget(name: "png", run: decodeAll, repair: repairPNG),
  FuzzTarget(name: "webp", run: decodeAll, repair: repairWebP),
  FuzzTarget(name: "tiff", run: decodeAll, repair: repairTIFF),
  FuzzTarget(name: "header", run: readHeader, repair: nil),
]

private func readHeader(_ bytes: [UInt8]) {
  guard let file = try? EncodedImage(bytes: bytes) else { return }
  precondition(file.size.width >= 1 && file.size.height >= 1)
}

private func decodeWhole(_ bytes: [UInt8]) {
  guard let file = try? EncodedImage(bytes: bytes), let image = try? file.decoded() else { return }
  precondition(image.width == file.size.width && image.height == file.size.height)
}

private func decodeAll(_ bytes: [UInt8]) {
  decodeWhole(bytes)
  decodePart(bytes)
}

/// The fuzzer uses one thread.
nonisolated(unsafe) private let scratch = DecoderScratch()

/// What training does: a crop, decoded at the smallest scale that suffices and resampled; and any
/// rectangle at any scale.
private func decodePart(_ bytes: [UInt8]) {
  guard let file = try? EncodedImage(bytes: bytes) else { return }
  var random = SampleRandom(seed: fingerprint(bytes))
  let transform = ImageTransform(
    .pretraining, size: PixelSize(width: 16, height: 16), normalization: .imageNet)
  let planes = UnsafeMutablePointer<Float>.allocate(capacity: transform.valueCount)
  defer { planes.deallocate() }
  try? transform.write(.encoded(file), using: &random, into: planes, scratch: scratch)
  let eighths = [8, 4, 2, 1][random.integer(below: 4)]
  let size = file.size(eighths: eighths)
  let x = random.integer(below: size.width)
  let y = random.integer(below: size.height)
  let part = PixelRectangle(
    x: x, y: y, width: 1 + random.integer(below: min(64, size.width - x)),
    height: 1 + random.integer(below: min(64, size.height - y)))
  _ = try? file.decoded(part, eighths: eighths, channels: 1 + 2 * random.integer(below: 2))
}
