@testable import Inference
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import TestSupport
import Testing
import Torch
import Training
import WeightExchange

/// Images of many channels through models and recipes.
@Suite struct RasterTrainingTests {
  private static let golden = Golden("raster-encoder")

  private static func path(_ name: String) -> String {
    golden.folder.appendingPathComponent(name).path
  }

  @Test func `thirteen channels of a TIFF file give timm's embedding`() throws {
    let tensors = try Self.golden.tensors("golden.safetensors")
    let tolerance = try Self.golden.tolerance()
    let published = try PublishedWeights.read(
      Self.path("model.safetensors"), hints: ConfigurationHints(heads: 3))
    let sandbox = try TemporaryRun()
    let mean: [Double] = try tensors["mean"].array()
    let std: [Double] = try tensors["std"].array()
    let description = ModelDescription(published, pixels: PixelStandard(mean: mean, std: std))
    try Checkpoint(path: sandbox("model")).write(
      description, weights: published.tensors.map { ($0.key, $0.value) })
    let model = try LoadedModel(sandbox("model"))
    let rows = try (0..<4).map { number in
      try model.embed(contentsOf: Self.path("files/\(number).tif"), as: .classToken)
    }
    expectClose(
      stacked(rows), try tensors["pooled"], absolute: tolerance.absolute,
      relative: tolerance.relative)
  }

  @Test func `the mean and deviation of a set are NumPy's`() throws {
    let tensors = try Self.golden.tensors("golden.safetensors")
    let images = try openDataset(at: Self.path("files"))
    let found = try PixelStatistics(of: images, channels: 13, raster: RasterSettings())
    let mean: [Double] = try tensors["mean"].array()
    #expect(zip(found.normalization.mean, mean).allSatisfy { abs($0 - $1) < 1e-9 * $1 })
    // In the order and number of the channels that are chosen.
    let chosen = try PixelStatistics(
      of: images, channels: 2, raster: RasterSettings(channels: [12, 0]))
    #expect(
      chosen.normalization
        == PixelNormalization(
          mean: [found.normalization.mean[12], found.normalization.mean[0]],
          std: [found.normalization.std[12], found.normalization.std[0]]))
    // Deviations are over the images' means of squares.
    let std: [Double] = try tensors["std"].array()
    #expect(zip(found.normalization.std, std).allSatisfy { abs($0 - $1) < 1e-9 * $1 })
  }

  /// What is wrong with a recipe of 13 channels and some settings, a line each.
  private func mistakes(_ settings: String...) -> [String] {
    do {
      _ = try RecipeBooks.pretraining.resolve(
        "small-images",
        settings: ["model.channels=13", "data.normalization=computed"] + settings)
      return []
    } catch {
      return "\(error)".split(separator: "\n").map(String.init)
    }
  }

  @Test func `colour operations and what is of pictures are refused in a line each`() {
    #expect(mistakes("data.channels=all") == [])
    #expect(
      mistakes() == [
        "data.channels is picture, of 1 or 3 channels, and the model takes 13; expected all, or a list of "
          + "13 channels"
      ])
    #expect(
      mistakes("data.channels=all", "data.jitter=0.4") == [
        "data.jitter is 0.4, and changes of colour are for pictures of 8 bits; expected 0 where "
          + "data.channels is not picture"
      ])
    #expect(
      mistakes("data.channels=[3,2,1]") == [
        "data.channels has 3 numbers; expected one for each channel of the model, 13"
      ])
    #expect(
      mistakes("data.channels=all", "data.raster.shown=[13]") == [
        "data.raster.shown names channel 13, which is not read; expected channels that are"
      ])
    #expect(
      mistakes("data.channels=all", "data.normalizeOnDevice=true", "data.valueRange=[0,4095]").map {
        String($0.prefix { $0 != " " })
      } == ["data.valueRange", "data.normalizeOnDevice"])
    #expect(
      mistakes("data.channels=red").first
        == "data.channels is red; expected picture, all or inherited, or a list of channels counted from "
        + "0, such as [3, 2, 1] (--set)")
    #expect(
      mistakes("data.channels=all", "data.raster.missing=zero") == [
        "data.raster.missing is zero; expected broken, mean or a number (--set)"
      ])
  }

  @Test func `a kind of training that reads pictures refuses rasters`() {
    let error = #expect(throws: RecipeErrors.self) {
      try RecipeBooks.contrastive.resolve(nil, settings: ["data.channels=[3,2,1]"])
    }
    #expect(
      "\(error.map { "\($0)" } ?? "")".contains(
        "data.channels is [3, 2, 1], and this kind of training reads pictures of 8 bits; expected picture"
      ))
  }

  @Test func `every page of a file can be an image`() throws {
    let images = try openDataset(at: Self.path("files") + ":pages=images")
    #expect(images.count == 16)
    #expect(images.name(of: 2) == "2.tif" && images.name(of: 3) == "3.tif page 1")
    let whole = try EncodedImage(path: Self.path("files/3.tif")).raster()
    for page in 0..<13 {
      let raster = try images.content(of: 3 + page).raster()
      #expect(raster.planes.elementsEqual(whole.planes[256 * page..<256 * (page + 1)]))
    }
    let error = #expect(throws: DatasetError.self) {
      try openDataset(at: Self.path("files") + ":pages=channels")
    }
    #expect(error?.reason.contains("pages=images") == true)
  }
}
