import Foundation
import Testing

@testable import Imaging

/// Files of `Fixtures`, made by `scripts/goldens/images.py` and `scripts/goldens/image_formats.py`.
enum Fixture {
  static func path(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.resourceURL)
    return folder.appendingPathComponent("Fixtures/\(name)").path
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// An image Pillow wrote as a binary PPM.
  static func ppm(_ name: String) throws -> ByteImage {
    let bytes = try bytes(name)
    let header = bytes.split(
      maxSplits: 4, omittingEmptySubsequences: false, whereSeparator: { [0x20, 0x0A].contains($0) })
    try #require(header.count == 5 && header[0].elementsEqual("P6".utf8))
    let numbers = header[1...3].map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
    try #require(numbers[2] == 255)
    return ByteImage(
      width: numbers[0], height: numbers[1], channels: 3, pixels: Array(header[4]))
  }

  /// Names of all files with one of the extensions.
  static func names(_ extensions: String...) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(""))
      .filter { name in extensions.contains { name.hasSuffix("." + $0) } }
      .sorted()
  }

  static let files: [String] = (try? names("jpg", "png", "webp", "tif")) ?? []
}

/// How far apart two images are.
struct Difference: CustomStringConvertible {
  var largest = 0
  /// Share of values that differ by more than 1.
  var beyondOne = 0.0

  init(_ a: ByteImage, _ b: ByteImage) {
    guard (a.width, a.height, a.channels) == (b.width, b.height, b.channels) else {
      largest = 256
      beyondOne = 1
      return
    }
    let gaps = zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }
    largest = gaps.max() ?? 0
    beyondOne = Double(gaps.count { $0 > 1 }) / Double(gaps.count)
  }

  var description: String { "largest \(largest), \(beyondOne * 100) % beyond 1" }
}

/// An image whose values are all different enough to show any displacement.
func testPattern(width: Int, height: Int, channels: Int = 3) -> ByteImage {
  var random = SampleRandom(seed: 3)
  return ByteImage(
    width: width, height: height, channels: channels,
    pixels: (0..<width * height * channels).map { _ in UInt8(random.integer(below: 256)) })
}
