import TestSupport
import Testing
import Torch

@testable import Imaging

/// Label maps: files, OpenCV's resizing, mmsegmentation's distortion.
@Suite struct LabelMapTests {
  private struct Case: Decodable {
    var name: String
    var kind: String
    var labels: String?
    var brightness, contrast, saturation: Double?
    var contrastFirst: Bool?
    var hue: Int?
  }

  private static let golden = Golden("labels")

  static func picture(_ name: String) throws -> ByteImage {
    let tensor = try golden.tensors("labels.safetensors")[name]
    return ByteImage(
      width: tensor.shape[1], height: tensor.shape[0], channels: 3,
      pixels: tensor.array(of: UInt8.self))
  }

  static func labels(_ name: String) throws -> LabelMap {
    let tensor = try golden.tensors("labels.safetensors")[name]
    return LabelMap(
      width: tensor.shape[1], height: tensor.shape[0],
      labels: tensor.array(of: UInt8.self).map { $0 == 255 ? LabelMap.ignored : UInt16($0) })
  }

  @Test func `pictures and labels are resized as OpenCV does it, to the byte`() throws {
    let (picture, labels) = try (Self.picture("picture"), Self.labels("labels"))
    for example in try Self.golden.cases(of: Case.self) where example.kind == "resize" {
      let expected = try Self.picture(example.name)
      let size = PixelSize(width: expected.width, height: expected.height)
      let resized = picture.linearlyResized(to: size)
      #expect(resized == expected, "\(size)")
      #expect(try labels.resized(to: size) == Self.labels(#require(example.labels)), "\(size)")
      guard size.width > 8, size.height > 8 else { continue }
      let part = PixelRectangle(x: 3, y: 2, width: size.width - 7, height: size.height - 5)
      #expect(picture.linearlyResized(to: size, part: part) == resized.cropped(to: part))
    }
  }

  @Test func `colours are distorted as mmsegmentation does it, to the byte`() throws {
    for example in try Self.golden.cases(of: Case.self) where example.kind == "distort" {
      var picture = try Self.picture("picture")
      picture.distort(
        PhotometricDistortion.Draw(
          brightness: example.brightness, contrastFirst: example.contrastFirst ?? true,
          contrast: example.contrast, saturation: example.saturation, hue: example.hue))
      #expect(try picture == Self.picture(example.name), "\(example.name)")
    }
  }

  @Test func `a label map comes back from its file`() throws {
    let small = LabelMap(width: 3, height: 2, labels: [0, 1, 254, 7, LabelMap.ignored, 9])
    let large = LabelMap(width: 2, height: 2, labels: [0, 255, 40_000, LabelMap.ignored])
    for (map, bits, mark) in [(small, 8, UInt16(255)), (large, 16, 65_535)] {
      for palette in [[], [UInt8](0..<30)] {
        let bytes = try map.encodedAsPNG(palette: palette)
        let stored = try LabelMap.stored(in: EncodedImage(bytes: bytes))
        #expect(stored.bits == bits)
        // Numbers that the palette lacks are white.
        let colors = palette + [UInt8](repeating: 255, count: 768 - palette.count)
        #expect(
          try LabelMap.palette(of: EncodedImage(bytes: bytes))
            == (palette.isEmpty || bits == 16 ? nil : colors))
        #expect(stored.map.labels == map.labels.map { $0 == LabelMap.ignored ? mark : $0 })
      }
    }
  }

  @Test func `numbers of one, two and four bits are read as they are`() throws {
    // Gray levels of 2 bits as libpng's tools write them.
    let file = try EncodedImage(path: Fixture.path("png-gray2.png"))
    let stored = try LabelMap.stored(in: file)
    #expect(stored.bits == 2)
    #expect(stored.map.labels.allSatisfy { $0 < 4 } && Set(stored.map.labels).count == 4)
  }

  @Test func `a picture of colours is refused as a label map`() throws {
    let colours = ByteImage(width: 2, height: 1, channels: 3, pixels: [1, 2, 3, 4, 5, 6])
    for (bytes, message) in [
      (try colours.encodedAsPNG(), "PNG file of colours; expected numbers of classes"),
      (try colours.encodedAsJPEG(), "is a JPEG file; expected a PNG file"),
    ] {
      do throws(ImageError) {
        _ = try LabelMap.stored(in: EncodedImage(bytes: bytes, name: "a.png"))
        Issue.record("taken")
      } catch {
        #expect(error.description.contains(message), "\(error)")
        #expect(error.name == "a.png")
      }
    }
  }

  @Test func `labels move with the pixels`() throws {
    // The picture is its labels, so that a mistake in one of them shows.
    var map = LabelMap(width: 41, height: 29, of: 0)
    for y in 0..<29 {
      for x in 0..<41 { map[x, y] = UInt16(x / 7 + y / 6 * 6) }
    }
    let picture = ByteImage(
      width: 41, height: 29, channels: 3,
      pixels: map.labels.flatMap { [UInt8($0), UInt8($0), UInt8($0)] })
    let augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 4 * 41, height: 29), minRatio: 1, maxRatio: 1,
      crop: PixelSize(width: 20, height: 35), photometric: nil)
    for sample in 0..<40 {
      var random = SampleRandom(seed: 3, sample: sample)
      let result = augmentation.apply(picture, map, fill: [99, 99, 99], using: &random)
      #expect(result.image.width == 20 && result.image.height == 35)
      #expect(result.labels.size == PixelSize(width: 20, height: 35))
      for i in result.labels.labels.indices {
        let label = result.labels.labels[i]
        #expect(result.image.pixels[3 * i] == (label == LabelMap.ignored ? 99 : UInt8(label)))
      }
      var again = SampleRandom(seed: 3, sample: sample)
      #expect(augmentation.apply(picture, map, fill: [99, 99, 99], using: &again) == result)
    }
  }

  @Test func `a crop of one class is drawn again`() {
    // One class but for a strip at the right.
    let map = LabelMap(
      width: 60, height: 10, labels: (0..<600).map { $0 % 60 < 50 ? 0 : 1 })
    let picture = ByteImage(
      width: 60, height: 10, channels: 1, pixels: [UInt8](repeating: 0, count: 600))
    var augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 600, height: 10), minRatio: 1, maxRatio: 1,
      crop: PixelSize(width: 12, height: 10), flip: 0, photometric: nil)
    func mixed() -> Int {
      (0..<200).count { sample in
        var random = SampleRandom(seed: 1, sample: sample)
        return augmentation.apply(picture, map, using: &random).labels.isMixed(below: 0.75)
      }
    }
    let redrawn = mixed()
    augmentation.maxClassShare = 1
    let first = mixed()
    #expect(redrawn > 2 * first, "\(redrawn) and \(first) of 200")
  }

  @Test(arguments: [
    (PixelSize(width: 683, height: 512), PixelSize(width: 683, height: 512)),
    (PixelSize(width: 300, height: 200), PixelSize(width: 768, height: 512)),
    (PixelSize(width: 2000, height: 100), PixelSize(width: 2048, height: 102)),
    (PixelSize(width: 100, height: 333), PixelSize(width: 512, height: 1705)),
  ])
  func `a picture is fitted into the longest and the shortest side`(
    size: PixelSize, expected: PixelSize
  ) {
    let fitted = SegmentationAugmentation.fitted(size, into: PixelSize(width: 2048, height: 512))
    #expect(fitted == expected)
  }

  @Test func `impossible values are named`() {
    let augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 10, height: 20), minRatio: 0, maxRatio: -1,
      crop: PixelSize(width: 0, height: 1), maxClassShare: 0, flip: 2)
    #expect(
      Set(augmentation.problems.map(\.path))
        == ["scale", "minRatio", "maxRatio", "crop", "maxClassShare", "flip"])
  }

  @Test func `alpha is kept, and colours that cannot be seen give none to an edge`() throws {
    let file = try EncodedImage(path: Fixture.path("png-rgba.png"))
    let picture = try AlphaImage(decoding: file)
    #expect(
      picture.alpha.pixels.contains { $0 < 100 } && picture.alpha.pixels.contains { $0 > 200 })
    #expect(picture.colors == (try file.decoded()))
    let edge = AlphaImage(
      colors: ByteImage(width: 2, height: 1, channels: 3, pixels: [200, 0, 0, 0, 255, 0]),
      alpha: ByteImage(width: 2, height: 1, channels: 1, pixels: [255, 0]))
    let small = edge.resized(to: PixelSize(width: 1, height: 1))
    #expect(small.alpha.pixels == [128])
    #expect(small.colors.pixels[0] >= 198 && small.colors.pixels[1] == 0)
  }
}
