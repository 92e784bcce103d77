import Foundation
import TensorFiles
import TestSupport
import Testing
import Torch

@testable import Imaging

/// Samples as tifffile, NumPy and imagecodecs read them.
@Suite struct RasterGoldenTests {
  private static let golden = Golden("rasters")

  private struct Manifest: Decodable {
    struct File: Decodable {
      var name: String
      var channels: Int
      var height: Int
      var width: Int
      var missing: [Int]
      /// Percentiles 0, 2, 50, 98 and 100 of the first channel.
      var percentiles: [Double]
    }

    struct Resized: Decodable {
      var name: String
      var left: Int
      var top: Int
      var width: Int
      var height: Int
      var columns: Int
      var rows: Int
      var filter: ResamplingFilter
    }

    var files: [File]
    var resized: [Resized]
    var tolerance: Golden.Tolerance
  }

  private static func path(_ name: String) -> String {
    golden.folder.appendingPathComponent("files/" + name).path
  }

  /// How a file is read that cannot be guessed.
  private static func settings(_ name: String) -> RasterSettings {
    RasterSettings(
      pages: name == "pages-differ.tif" ? .first : .channels,
      arrays: name == "u16-hwc.npy" ? .channelsLast : .automatic)
  }

  /// Bits, so that values that are no numbers are equal.
  private static func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
  }

  @Test func `every sample is the one that tifffile, NumPy and imagecodecs read`() throws {
    let manifest = try Self.golden.manifest(as: Manifest.self)
    let values = try Self.golden.tensors("values.safetensors")
    #expect(manifest.files.count == 56)
    for file in manifest.files {
      let encoded = try EncodedImage(path: Self.path(file.name))
      let raster = try encoded.raster(Self.settings(file.name))
      let shape = [raster.channels, raster.height, raster.width] as [Int]
      #expect(shape == [file.channels, file.height, file.width] as [Int], "\(file.name)")
      let expected: [Float] = try values[file.name].array()
      #expect(Self.bits(raster.planes) == Self.bits(expected), "\(file.name)")
      #expect(raster.missing == file.missing, "\(file.name)")
    }
  }

  @Test func `chosen channels come in the order in which they are chosen`() throws {
    for name in [
      "u16-contig.tif", "u16-planar.tif", "u16-pages.tif", "u8-rgb-pages.tif", "u16-hwc.npy",
      "rgba-16.png", "u16-tiles.tif", "u16-planar-tiles.tif",
    ] {
      let encoded = try EncodedImage(path: Self.path(name))
      var settings = Self.settings(name)
      let all = try encoded.raster(settings)
      settings.channels = [3, 0, 3, 1]
      let chosen = try encoded.raster(settings)
      #expect(chosen.planes == all.selecting([3, 0, 3, 1]).planes, "\(name)")
      settings.channels = [40]
      let error = #expect(throws: ImageError.self) { try encoded.raster(settings) }
      #expect(error?.reason.contains("channel 40 is wanted") == true)
    }
  }

  @Test func `types, channels and pages are known from the header`() throws {
    func header(_ name: String) throws -> RasterHeader {
      try EncodedImage(path: Self.path(name)).rasterHeader(Self.settings(name))
    }
    #expect(
      try header("u16-planar.tif")
        == RasterHeader(
          size: PixelSize(width: 7, height: 9), channels: 13, sampleType: .uint16, pages: 1))
    #expect(
      try header("u16-pages.tif")
        == RasterHeader(
          size: PixelSize(width: 7, height: 5), channels: 1, sampleType: .uint16, pages: 6))
    #expect(
      try header("u16-chw.npy")
        == RasterHeader(
          size: PixelSize(width: 7, height: 6), channels: 5, sampleType: .uint16, pages: 1))
    // A smaller version of the picture is no page.
    #expect(try header("u16-pyramid.tif").pages == 1)
    #expect(try header("f64.tif").sampleType == .float64)
  }

  @Test func `files that a picture would lose channels of are told apart`() throws {
    for (name, isRaster) in [
      ("u16-contig.tif", true), ("u16-pages.tif", true), ("u8-rgb-pages.tif", false),
      ("f32-missing.tif", true), ("rgba16.tif", false), ("palette.tif", false), ("u8-hw.npy", true),
      ("rgb-16.png", false), ("white-is-zero.tif", false), ("i8.tif", true),
    ] {
      #expect(try EncodedImage(path: Self.path(name)).isRaster == isRaster, "\(name)")
    }
  }

  @Test func `pages of different sizes are no channels`() throws {
    let file = try EncodedImage(path: Self.path("pages-differ.tif"))
    let error = #expect(throws: ImageError.self) { try file.raster() }
    #expect(
      error?.reason
        == "has pages that differ, the first of 6×8, 4 channels, uint16 and page 2 of 3×4, 4 channels, "
        + "uint16; read one with data.raster.pages=first, or every page as an image with SET:pages=images"
    )
  }

  @Test func `a page can be an image of its own`() throws {
    let rgb = try EncodedImage(path: Self.path("u8-rgb-pages.tif"))
    let pages = try rgb.pages()
    let all = try rgb.raster()
    #expect(pages.count == 3)
    for (number, page) in pages.enumerated() {
      let own = try page.raster()
      #expect(own == all.selecting(Array(3 * number..<3 * number + 3)))
      // As a picture as well.
      #expect(Raster(try page.decoded(channels: 3)) == own)
    }
    let sizes = try EncodedImage(path: Self.path("pages-differ.tif")).pages().map(\.size)
    #expect(sizes == [PixelSize(width: 6, height: 8), PixelSize(width: 3, height: 4)])
    #expect(try EncodedImage(path: Self.path("u16-pyramid.tif")).pages().count == 1)
  }

  @Test func `planes are resized as Pillow resizes floating-point images`() throws {
    let manifest = try Self.golden.manifest(as: Manifest.self)
    let tensors = try Self.golden.tensors("resized.safetensors")
    let whole = Raster(width: 40, height: 30, channels: 1, planes: try tensors["plane"].array())
    for example in manifest.resized {
      let part = PixelRectangle(
        x: example.left, y: example.top, width: example.width, height: example.height)
      let size = PixelSize(width: example.columns, height: example.rows)
      var out = [Float](repeating: 0, count: size.width * size.height)
      try out.withUnsafeMutableBufferPointer { out in
        whole.resample(
          Framing(part, to: size), to: size, kernel: example.filter.kernel, mean: [0], std: [1],
          into: try #require(out.baseAddress))
      }
      expectClose(
        Tensor(out, shape: [size.height, size.width]), try tensors[example.name],
        relative: manifest.tolerance.relative, ofLargest: manifest.tolerance.relative)
    }
  }

  @Test func `planes are interpolated as OpenCV interpolates floating-point images`() throws {
    let plane: [Float] = try Self.golden.tensors("resized.safetensors")["plane"].array()
    let tolerance = try Self.golden.manifest(as: Manifest.self).tolerance
    let whole = Raster(width: 40, height: 30, channels: 1, planes: plane)
    let tensors = try Self.golden.tensors("linear.safetensors")
    for (width, height) in [(40, 30), (20, 15), (16, 16), (53, 61), (7, 1), (80, 11)] {
      let found = whole.linearlyResized(
        to: PixelSize(width: width, height: height),
        normalized: PixelNormalization(mean: [0], std: [1]))
      expectClose(
        Tensor(found.planes, shape: [height, width]), try tensors["\(width)x\(height)"],
        relative: tolerance.relative, ofLargest: tolerance.relative)
    }
  }

  @Test func `which number stands for missing values can be chosen`() throws {
    func missing(_ name: String, _ noData: RasterSettings.NoData) throws -> [Int] {
      try EncodedImage(path: Self.path(name)).raster(RasterSettings(noData: noData)).missing
    }
    #expect(try missing("no-data-pages.tif", .file) == [2, 2, 0])
    #expect(try missing("no-data-pages.tif", .ignored) == [0, 0, 0])
    // A file's own number goes before; the page without one takes the settings'.
    let raw = try EncodedImage(path: Self.path("no-data-pages.tif"))
      .raster(RasterSettings(noData: .ignored))
    let last = raw.planes[60..<90]
    #expect(
      try missing("no-data-pages.tif", .value(Double(last[60])))
        == [2, 2, last.count { $0 == last[60] }])
    // Arrays and PNG files name none.
    for name in ["u16-chw.npy", "gray-16.png"] {
      let values = try EncodedImage(path: Self.path(name)).raster()
      let found = try missing(name, .value(Double(values.planes[0])))
      #expect(values.missing.allSatisfy { $0 == 0 } && found[0] > 0, "\(name)")
    }
    // NaN is missing whatever a file names.
    #expect(try missing("no-data-nan.tif", .ignored) == [2])
    #expect(try missing("no-data-beyond.tif", .file) == [0])
  }

  @Test func `settings that were written before there was a number for missing values are read`()
    throws
  {
    let old =
      #"{"pages": "channels", "arrays": "auto", "missing": "broken", "percentiles": [2, 98]}"#
    let settings = try JSONDecoder().decode(RasterSettings.self, from: Data(old.utf8))
    #expect(settings == RasterSettings())
    for noData in [.file, .ignored, .value(-9999)] as [RasterSettings.NoData] {
      let coded = try JSONEncoder().encode(RasterSettings(channels: [1], noData: noData))
      #expect(
        try JSONDecoder().decode(RasterSettings.self, from: coded)
          == RasterSettings(channels: [1], noData: noData))
    }
  }

  @Test func `changed bytes give a raster or an error`() throws {
    let limits = ImageLimits(pixels: 1 << 16, side: 4096)
    for file in try Self.golden.manifest(as: Manifest.self).files {
      let bytes = try readFile(Self.path(file.name), limit: 1 << 20)
      var random = SampleRandom(seed: 9)
      for _ in 0..<40 {
        var changed = bytes
        for _ in 0..<1 + random.integer(below: 4) {
          // Mostly in headers and directories.
          let end = random.integer(below: 2) == 0 ? min(256, changed.count) : changed.count
          changed[random.integer(below: end)] = UInt8(random.integer(below: 256))
        }
        guard let encoded = try? EncodedImage(bytes: changed, limits: limits) else { continue }
        if let raster = try? encoded.raster() {
          #expect(raster.planes.count == raster.width * raster.height * raster.channels)
        }
        _ = try? encoded.raster(RasterSettings(channels: [1, 0], pages: .first))
        for page in (try? encoded.pages()) ?? [] { _ = try? page.raster() }
      }
    }
  }

  @Test func `percentiles are NumPy's`() throws {
    for file in try Self.golden.manifest(as: Manifest.self).files {
      let raster = try EncodedImage(path: Self.path(file.name)).raster(Self.settings(file.name))
      let values = raster.planes.prefix(raster.width * raster.height).filter(\.isFinite).sorted()
      for (percent, expected) in zip([0.0, 2, 50, 98, 100], file.percentiles) {
        let found = Double(percentile(percent, of: values))
        #expect(abs(found - expected) <= 1e-6 * abs(expected) + 1e-30, "\(file.name) \(percent)")
      }
    }
  }
}
