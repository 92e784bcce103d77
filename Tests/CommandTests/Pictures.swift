import Foundation
import Imaging
import Testing

extension CommandSandbox {
  /// Writes gray images of `side`² pixels, each different: `FOLDER/00.png`, …
  func writeImages(_ folder: String, count: Int, side: Int = 16, seed: Int = 1) throws {
    for number in 0..<count {
      let name = (number < 10 ? "0" : "") + "\(number).png"
      try writeImage("\(folder)/\(name)", side: side, seed: seed * 1000 + number)
    }
  }

  func writeImage(_ name: String, side: Int = 16, seed: Int = 1) throws {
    let pixels = (0..<side * side).map { at in
      let (x, y) = (at % side, at / side)
      return UInt8(truncatingIfNeeded: x * (3 + seed % 7) + y * (5 + seed % 11) + seed * 37)
    }
    let image = ByteImage(width: side, height: side, channels: 1, pixels: pixels)
    try write(name, Data(image.encodedAsPNG()))
  }

  /// Two classes that a glance tells apart, six training and two validation images each.
  func writeClasses(_ folder: String, named names: (String, String) = ("dark", "light")) throws {
    for (kind, dark) in [(names.0, true), (names.1, false)] {
      for number in 0..<8 {
        let part = number < 6 ? "train" : "val"
        let pixels = (0..<256).map { UInt8((dark ? 10 : 180) + ($0 * (number + 3)) % 40) }
        let image = ByteImage(width: 16, height: 16, channels: 1, pixels: pixels)
        try write("\(folder)/\(part)/\(kind)/\(number).png", Data(image.encodedAsPNG()))
      }
    }
  }

  /// A recipe of a model that trains hundreds of steps a second: `tiny.yaml`.
  func writeTinyRecipe(steps: Int = 6, target: String = "pixels") throws {
    try write(
      "tiny.yaml",
      """
      base: default
      name: tiny
      model:
        height: 16
        width: 16
        channels: 1
        patch: 4
        encoder: {width: 16, depth: 1, heads: 2}
        decoder: {width: 16, depth: 1, heads: 2}
        target: \(target)
      data: {crop: random-fixed, normalization: none, workers: 1}
      batch: {size: 4}
      schedule: {steps: \(steps), warmupEpochs: 0.5}
      checkpoints: {everySteps: 2, everyEpochs: null}
      logging: {everySteps: 1, reconstructionsEveryEpochs: null}

      """)
  }

  /// A folder of images, the tiny recipe, and a run of it in `run`.
  func pretrain(steps: Int = 6, target: String = "pixels") throws {
    try writeImages("images", count: 12)
    try writeTinyRecipe(steps: steps, target: target)
    try done("pretrain", "images", "--recipe", "tiny.yaml", "--out", "run")
  }

  /// The start of a PNG file that declares a size and holds nothing of it.
  static func pngHeader(width: UInt32, height: UInt32) -> Data {
    func long(_ value: UInt32) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
    let body = Array("IHDR".utf8) + long(width) + long(height) + [8, 0, 0, 0, 0]
    return Data([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10] + long(13) + body + long(crc(body)))
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in
        rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1
      }
    }
  }
}
