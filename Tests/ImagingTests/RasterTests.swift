import Foundation
import TestSupport
import Testing

@testable import Imaging

/// Rasters from files to examples and to pictures.
@Suite struct RasterTests {
  /// Different values in every place.
  private static func ramp(_ channels: Int, _ height: Int, _ width: Int) -> Raster {
    Raster(
      width: width, height: height, channels: channels,
      planes: (0..<channels * height * width).map { Float($0) * 3 + 1000 })
  }

  /// An `.npy` file of `[C, H, W]` float32.
  private static func npy(_ raster: Raster) -> [UInt8] {
    ArrayFile.npy(raster.planes, shape: [raster.channels, raster.height, raster.width])
  }

  private func content(_ raster: Raster) throws -> ImageContent {
    .encoded(try EncodedImage(bytes: Self.npy(raster)))
  }

  private func written(
    _ transform: ImageTransform, _ content: ImageContent, seed: UInt64 = 1
  ) throws -> [Float] {
    var random = SampleRandom(seed: seed)
    var values = [Float](repeating: .nan, count: transform.valueCount)
    try values.withUnsafeMutableBufferPointer { values in
      try transform.write(content, using: &random, into: #require(values.baseAddress))
    }
    return values
  }

  private static func transform(
    _ augmentation: Augmentation, side: Int, mean: [Double], std: [Double],
    _ settings: RasterSettings = RasterSettings(arrays: .channelsFirst)
  ) -> ImageTransform {
    ImageTransform(
      augmentation, size: PixelSize(width: side, height: side),
      normalization: PixelNormalization(mean: mean, std: std), raster: settings)
  }

  @Test func `an image of the model's size is normalised and nothing else`() throws {
    let raster = Self.ramp(5, 4, 4)
    let mean = (0..<5).map { 1000.0 + Double($0) }
    let std = (0..<5).map { 2.0 + Double($0) }
    let values = try written(
      Self.transform(.identity, side: 4, mean: mean, std: std), content(raster))
    for c in 0..<5 {
      for i in 0..<16 {
        let expected = (raster.planes[16 * c + i] - Float(mean[c])) * Float(1 / std[c])
        #expect(values[16 * c + i] == expected)
      }
    }
  }

  @Test func `crops and flips are those of pictures`() throws {
    // Values of bytes: the picture's path rounds between, this one does not.
    let image = testPattern(width: 23, height: 17)
    let mean = [0.2, 0.4, 0.6], std = [0.2, 0.25, 0.3]
    for (number, augmentation) in [
      Augmentation.pretraining, .evaluation, .linearProbing,
      Augmentation(crop: .randomFixed, filter: .bilinear),
      Augmentation(turning: RandomTurning(verticalFlip: 0.5, rotate90: 1)),
    ].enumerated() {
      let size = PixelSize(width: 12, height: 12)
      let picture = ImageTransform(
        augmentation, size: size, normalization: PixelNormalization(mean: mean, std: std))
      let raster = ImageTransform(
        augmentation, size: size,
        normalization: PixelNormalization(mean: mean.map { $0 * 255 }, std: std.map { $0 * 255 }),
        raster: RasterSettings())
      for seed in 0..<4 as Range<UInt64> {
        let a = try written(picture, .pixels(image), seed: seed)
        let b = try written(raster, .pixels(image), seed: seed)
        let largest = zip(a, b).map { abs($0 - $1) }.max() ?? 1
        // Overshoot is clamped in bytes, by a sixth of the range at most.
        #expect(largest < 1.2, "\(number): \(largest)")
        let mean = zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(a.count)
        #expect(mean < 0.05, "\(number): \(mean)")
      }
    }
  }

  @Test(arguments: [0, 1]) func `quarter turns are NumPy's rot90 after flipud`(_ flip: Int) throws {
    let raster = Self.ramp(2, 3, 3)
    let augmentation = Augmentation(
      crop: .none, flip: 0,
      turning: RandomTurning(verticalFlip: Double(flip), rotate90: 1))
    let transform = Self.transform(augmentation, side: 3, mean: [0, 0], std: [1, 1])
    var plain = (0..<3).map { y in (0..<3).map { x in raster.planes[3 * y + x] } }
    if flip == 1 { plain.reverse() }
    var turned: Set<[Float]> = []
    for _ in 0..<4 {
      turned.insert(Array(plain.joined()))
      // Counter-clockwise: the last column becomes the first row.
      plain = (0..<3).map { y in (0..<3).map { x in plain[x][2 - y] } }
    }
    var seen: Set<[Float]> = []
    for seed in 0..<40 as Range<UInt64> {
      let values = try written(transform, content(raster), seed: seed)
      seen.insert(Array(values[..<9]))
      #expect(values[9...].elementsEqual(values[..<9].map { $0 + 27 }))
    }
    #expect(seen == turned)
  }

  @Test func `a vertical flip keeps the rows of an image that is not square`() throws {
    let raster = Self.ramp(1, 2, 3)
    let transform = ImageTransform(
      Augmentation(crop: .none, flip: 0, turning: RandomTurning(verticalFlip: 1)),
      size: PixelSize(width: 3, height: 2),
      normalization: PixelNormalization(mean: [0], std: [1]),
      raster: RasterSettings(arrays: .channelsFirst))
    #expect(
      try written(transform, content(raster)) == [3, 4, 5, 0, 1, 2].map { Float($0) * 3 + 1000 })
  }

  @Test func `missing values are counted by channel, or filled`() throws {
    var raster = Self.ramp(3, 4, 4)
    raster.planes[17] = .nan
    raster.planes[18] = -.infinity
    raster.planes[40] = .nan
    let file = try content(raster)
    func transform(_ settings: RasterSettings) -> ImageTransform {
      Self.transform(
        .identity, side: 4, mean: [1000, 1000, 1000], std: [10, 10, 10], settings)
    }
    let refused = RasterSettings(arrays: .channelsFirst)
    let error = #expect(throws: ImageError.self) { try written(transform(refused), file) }
    #expect(error?.kind == .missingValues)
    #expect(
      error?.reason
        == "has 3 missing values (NaN or infinite) in channels 1 (2), 2 (1); give data.raster.missing a "
        + "number or mean to fill them")
    // Channels keep their numbers in the file.
    var chosen = RasterSettings(channels: [2, 0, 0], arrays: .channelsFirst)
    let other = #expect(throws: ImageError.self) { try written(transform(chosen), file) }
    #expect(other?.reason.contains("in channel 2 (1);") == true)
    chosen.channels = [0, 0, 0]
    #expect(try written(transform(chosen), file).allSatisfy(\.isFinite))
    let mean = RasterSettings(arrays: .channelsFirst, missing: .mean)
    #expect(try [17, 18, 40].map { try written(transform(mean), file)[$0] } == [0, 0, 0])
    let filled = RasterSettings(arrays: .channelsFirst, missing: .value(1020))
    #expect(try [17, 18, 40].map { try written(transform(filled), file)[$0] } == [2, 2, 2])
  }

  @Test func `a model's number of channels is asked for`() throws {
    let file = try content(Self.ramp(5, 4, 4))
    let transform = Self.transform(.identity, side: 4, mean: [0, 0], std: [1, 1])
    let error = #expect(throws: ImageError.self) { try written(transform, file) }
    #expect(
      error?.reason
        == "has 5 channels, and the model takes 2; choose 2 with data.channels")
    let pages = ImageContent.encoded(
      try EncodedImage(bytes: Forged.tiffPages([(4, 4), (4, 4)])))
    let three = Self.transform(.identity, side: 4, mean: [0, 0, 0], std: [1, 1, 1])
    let other = #expect(throws: ImageError.self) { try written(three, pages) }
    #expect(
      other?.reason
        == "has 2 channels (2 pages of 1), and the model takes 3; choose 3 with data.channels, or read a "
        + "page with data.raster.pages=first or every page as an image with SET:pages=images")
  }

  @Test func `a picture shows chosen channels between two percentiles`() throws {
    var planes = [Float](repeating: 7, count: 4 * 101)
    for i in 0...100 { planes[101 * 2 + i] = Float(i) }
    for i in 0...100 { planes[101 * 3 + i] = Float(1000 - 10 * i) }
    planes[101 * 3 + 50] = .nan
    let raster = Raster(width: 101, height: 1, channels: 4, planes: planes)
    let settings = RasterSettings(shown: [2, 3, 0], percentiles: 10...90)
    let picture = raster.picture(settings)
    #expect(picture.channels == 3)
    #expect([0, 10, 50, 90, 100].map { picture[$0, 0, 0] } == [0, 0, 128, 255, 255])
    #expect([0, 10, 50, 90, 100].map { picture[$0, 0, 1] } == [255, 255, 0, 0, 0])
    // A channel of one value is gray.
    #expect((0...100).allSatisfy { picture[$0, 0, 2] == 128 })
    #expect(raster.picture(RasterSettings(shown: [2])).channels == 1)
    // Numbers are those of the file's channels.
    let chosen = raster.selecting([3, 2])
    #expect(
      chosen.picture(RasterSettings(channels: [3, 2], shown: [2], percentiles: 0...100)).pixels
        == raster.picture(RasterSettings(shown: [2], percentiles: 0...100)).pixels)
  }

  @Test func `settings that cannot be are refused`() {
    func fields(_ settings: RasterSettings, _ count: Int? = 3) -> [String] {
      settings.problems(modelChannels: count).map(\.field)
    }
    #expect(fields(RasterSettings(channels: [3, 2, 1])) == [])
    #expect(fields(RasterSettings(channels: [3, 2])) == ["channels"])
    #expect(fields(RasterSettings(channels: [])) == ["channels"])
    #expect(fields(RasterSettings(channels: [-1, 0, 1])) == ["channels"])
    #expect(fields(RasterSettings(channels: [3, 2, 1], shown: [0])) == ["shown"])
    #expect(fields(RasterSettings(shown: [0, 1])) == ["shown"])
    #expect(fields(RasterSettings(shown: [3])) == ["shown"])
    #expect(fields(RasterSettings(missing: .value(.nan))) == ["missing"])
    #expect(fields(RasterSettings(percentiles: 50...101)) == ["stretch"])
  }

  @Test func `settings survive coding`() throws {
    for settings in [
      RasterSettings(),
      RasterSettings(
        channels: [3, 2, 1], pages: .first, arrays: .channelsLast, missing: .value(-1.5),
        shown: [1], percentiles: 0...100),
      RasterSettings(missing: .mean),
    ] {
      let data = try JSONEncoder().encode(settings)
      #expect(try JSONDecoder().decode(RasterSettings.self, from: data) == settings)
    }
  }

  @Test func `arrays that are no images are refused, and pictures among them are pictures`() throws
  {
    func npy(_ shape: String, _ type: String, _ data: [UInt8]) -> [UInt8] {
      var header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }".utf8)
      header += [UInt8](repeating: 0x20, count: 117 - header.count) + [0x0A]
      return npySignature + [1, 0, 118, 0] + header + data
    }
    func reason(_ bytes: [UInt8]) -> String? {
      do throws(ImageError) {
        _ = try EncodedImage(bytes: bytes).decoded()
        return nil
      } catch {
        return error.reason
      }
    }
    let twelve = (0..<12).map { UInt8($0) }
    let picture = try EncodedImage(bytes: npy("(4, 1, 3)", "|u1", twelve)).decoded()
    #expect(picture.pixels == twelve)
    #expect(
      reason(npy("(12,)", "|u1", twelve))
        == "is an array of shape [12]; expected [H, W], [H, W, C] or [C, H, W]")
    #expect(
      reason(npy("(3, 4)", "|b1", twelve))
        == "is an array of type |b1; expected whole numbers of 8, 16 or 32 bits or floating-point numbers"
    )
    #expect(
      reason(npy("(3, 5)", "|u1", twelve))
        == "is an array of shape [3, 5] and type uint8 with 12 bytes of data; fetch it again")
    #expect(
      reason(npy("(3, 2)", "<u2", twelve))
        == "is an array of 1 channel of type uint16, and a picture has 1 or 3 of uint8; data.channels=all "
        + "reads it as it is")
    #expect(reason(npy("(4611686018427387904, 4)", "<u2", twelve)) != nil)
  }

  @Test func `damaged files of many pages are refused`() throws {
    let whole = Forged.tiffPages([(4, 4), (4, 4), (4, 4)])
    #expect(try EncodedImage(bytes: whole).raster().channels == 3)
    for count in stride(from: whole.count - 1, to: 8, by: -7) {
      #expect(throws: ImageError.self) {
        let file = try EncodedImage(bytes: Array(whole[..<count]))
        _ = try file.raster()
        _ = try file.pages()
      }
    }
    // The last directory leads to the first.
    var circle = whole
    circle.replaceSubrange(circle.count - 4..<circle.count, with: circle[4..<8])
    let error = #expect(throws: ImageError.self) { try EncodedImage(bytes: circle).raster() }
    #expect(error?.reason.contains("round in circles") == true)
  }
}
