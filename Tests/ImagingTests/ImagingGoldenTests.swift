import Foundation
import TestSupport
import Testing
import Torch

@testable import Imaging

/// What Pillow, torchvision and timm make of the same bytes, whole arrays.
@Suite struct ImagingGoldenTests {
  static let golden = Golden("imaging")

  struct Case: Decodable {
    var name: String
    var kind: String
    var file: String
    var image: String
    var top, left, height, width: Int?
    var filter: String?
    var change: String?
    var factor: Double?
    var operation: String?
    var argument: Double?
    var cropFraction: Double?
  }

  struct Manifest: Decodable {
    struct Levels: Decodable {
      var magnitudes: [Double]
      var plus, minus: [Double]

      enum CodingKeys: String, CodingKey {
        case magnitudes
        case plus = "+"
        case minus = "-"
      }
    }

    var fill: [UInt8]
    var randAugment: [String]
    var levels: [String: Levels]
  }

  static func cases(_ kind: String) throws -> [Case] {
    let found = try golden.cases(of: Case.self).filter { $0.kind == kind }
    try #require(!found.isEmpty)
    return found
  }

  static func image(_ name: String, in file: String = "images.safetensors") throws -> ByteImage {
    let tensor = try golden.tensors(file)[name]
    return ByteImage(
      width: tensor.shape[1], height: tensor.shape[0], channels: tensor.shape[2],
      pixels: tensor.array(of: UInt8.self))
  }

  /// The operation of timm's name, with or without `Increasing`.
  static func operation(_ name: String) throws -> RandAugment.Operation {
    let short = name.replacing("Increasing", with: "").replacing("Rel", with: "")
    let found = RandAugment.Operation.allCases.first {
      $0.rawValue.lowercased() == short.lowercased()
    }
    return try #require(found, "\(name)")
  }

  @Test func `crops are resized as torchvision does it`() throws {
    for example in try Self.cases("resize") {
      let source = try Self.image(example.image)
      let expected = try Self.image(example.name, in: example.file)
      let part = try PixelRectangle(
        x: #require(example.left), y: #require(example.top), width: #require(example.width),
        height: #require(example.height))
      let resized = source.cropped(to: part).resized(
        to: PixelSize(width: expected.width, height: expected.height),
        filter: try #require(example.filter.flatMap(ResamplingFilter.init)))
      let difference = Difference(resized, expected)
      #expect(difference.largest <= 1, "\(example.name): \(difference)")
    }
  }

  @Test func `colour changes are torchvision's to the byte`() throws {
    for example in try Self.cases("color") {
      var image = try Self.image(example.image)
      let factor = try #require(example.factor)
      switch example.change {
      case "brightness": image.adjustBrightness(by: factor)
      case "contrast": image.adjustContrast(by: factor)
      case "saturation": image.adjustSaturation(by: factor)
      // Pillow turns a hue of 256 steps, ours has no steps.
      case "hue": continue
      case let change: Issue.record("there is no change \(change ?? "")")
      }
      let expected = try Self.image(example.name, in: example.file)
      #expect(image == expected, "\(example.name): \(Difference(image, expected))")
    }
  }

  @Test func `each operation is Pillow's to the byte`() throws {
    let fill = try Self.golden.manifest(as: Manifest.self).fill
    for example in try Self.cases("augment") {
      var image = try Self.image(example.image)
      try Self.operation(#require(example.operation)).apply(
        example.argument ?? 0, to: &image,
        filter: example.filter.flatMap(ResamplingFilter.init) ?? .bilinear,
        fill: Array(fill.prefix(image.channels)),
        scratch: DecoderScratch())
      let expected = try Self.image(example.name, in: example.file)
      #expect(image == expected, "\(example.name): \(Difference(image, expected))")
    }
  }

  @Test func `each operation takes from a magnitude what timm takes`() throws {
    let manifest = try Self.golden.manifest(as: Manifest.self)
    let operations: [RandAugment.Operation] = try manifest.randAugment.map(Self.operation)
    #expect(operations == RandAugment.Operation.allCases)
    for (name, levels) in manifest.levels {
      let operation = try Self.operation(name)
      for (i, magnitude) in levels.magnitudes.enumerated() {
        let plus = operation.argument(at: magnitude, isNegative: false)
        let minus = operation.argument(at: magnitude, isNegative: true)
        #expect(abs(plus - levels.plus[i]) < 1e-12, "\(name) at \(magnitude)")
        #expect(abs(minus - levels.minus[i]) < 1e-12, "\(name) at \(magnitude)")
      }
    }
    #expect(manifest.levels.count == 12)
  }

  @Test func `what is uncovered has the mean colour`() throws {
    let fill = try Self.golden.manifest(as: Manifest.self).fill
    #expect(PixelNormalization.imageNet.meanBytes == fill)
    #expect(PixelNormalization(mean: [0.5], std: [1]).meanBytes == [128])
  }

  @Test func `evaluation shows what timm shows`() throws {
    let scene = try Self.image("scene")
    for example in try Self.cases("eval") {
      let expected = try Self.golden.tensors(example.file)[example.name]
      let size = PixelSize(width: expected.shape[2], height: expected.shape[1])
      let augmentation = try Augmentation(
        crop: .center, centerFraction: #require(example.cropFraction), flip: 0)
      let planes = try write(
        scene, ImageTransform(augmentation, size: size, normalization: .imageNet))
      let gaps = zip(planes, expected.array(of: Float.self)).map { abs($0 - $1) }
      #expect(gaps.count == 3 * size.width * size.height)
      // One grey level of 255, in units of the smallest deviation.
      #expect(gaps.allSatisfy { $0 <= 0.02 }, "\(example.name): \(gaps.max() ?? 0)")
    }
  }

  struct Erasing: Decodable { var randomErasing: [[Double]] }

  @Test func `erased rectangles have timm's sizes`() throws {
    let rows = try Golden("finetuning").manifest(as: Erasing.self).randomErasing
    try #require(rows.count == 15)
    for row in rows {
      let size = RandomErasing.size(
        share: row[2], ratio: exp(row[3]), of: PixelSize(width: Int(row[1]), height: Int(row[0])))
      let expected = PixelSize(width: Int(row[5]), height: Int(row[4]))
      #expect((size ?? PixelSize(width: 0, height: 0)) == expected, "\(row)")
    }
  }
}

/// One example of pixels. `[C, H, W]`
func write(
  _ image: ByteImage, _ transform: ImageTransform,
  using random: SampleRandom = SampleRandom(seed: 0)
) throws -> [Float] {
  var random = random
  var planes = [Float](repeating: .nan, count: transform.valueCount)
  try planes.withUnsafeMutableBufferPointer {
    try transform.write(.pixels(image), using: &random, into: #require($0.baseAddress))
  }
  return planes
}
