@testable import Figures
@testable import Inference
@testable import Recipes
@testable import Runs
import Evaluation
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// Filled-in patches: how far they are off, and the sheets that show them.
@Suite struct ReconstructionTests {
  /// A model of 16² pixels; `isBlank` makes it predict 0 for everything.
  private func reconstruction(
    _ target: ReconstructionTarget, channels: Int = 1, isBlank: Bool = false
  ) throws -> (Reconstruction, MaskedAutoencoder, ModelDescription) {
    var configuration = PretrainingRecipe.tiny(target: target).model
    configuration.channels = channels
    let store = ParameterStore(initializing: Generator(seed: 3))
    let model = MaskedAutoencoder(configuration, in: store.root)
    store.randomize(seed: 4)
    if isBlank {
      withoutGradients {
        for name in ["decoder_pred.weight", "decoder_pred.bias"] {
          _ = store[name]?.fill(0)
        }
      }
    }
    let description = ModelDescription(
      model: configuration, mean: [0.4, 0.5, 0.6].suffix(channels),
      std: [0.2, 0.25, 0.3].suffix(channels))
    return (try Reconstruction(model, description, on: .cpu), model, description)
  }

  private func layout(_ channels: Int) -> PatchLayout {
    PatchLayout(channels: channels, height: 16, width: 16, rows: 4, columns: 4)
  }

  /// `[C, H, W]` of 0…1.
  private func planes(_ image: ByteImage) -> [Float] {
    (0..<image.channels).flatMap { c in
      (0..<image.height * image.width).map { Float(image.pixels[$0 * image.channels + c]) / 255 }
    }
  }

  private func mask(batch: Int, _ number: Int, ratio: Double, seed: UInt64) -> PatchMask {
    RandomMasking(ratio: ratio).mask(
      PatchGrid(rows: 4, columns: 4), batch: batch,
      using: Generator(seed: seed, stream: RandomStream.pictures, step: number))
  }

  @Test(arguments: [(1, 0.75), (3, 0.5), (1, 0.9)])
  func `fills agree with their definition`(_ channels: Int, _ ratio: Double) throws {
    let (reconstruction, _, _) = try reconstruction(.pixels, channels: channels)
    let pictures = (0..<3).map { TemporaryRun.picture($0, channels: channels) }
    let score = try reconstruction.score(
      on: ToyDataset(images: pictures), named: "toy", range: 0..<3, ratio: ratio, seed: 5,
      workers: 2)
    let visible = mask(batch: 3, 0, ratio: ratio, seed: 5).indicator.floats().map { $0 == 0 }
      .chunks(of: 16)
    let layout = layout(channels)
    func mean(_ fill: InpaintingBaseline) -> Double {
      zip(pictures, visible).map { fill.hiddenError(planes($0), layout, visible: $1) }
        .reduce(0, +) / 3
    }
    #expect(abs(score.meanFill - mean(.meanFill)) < 1e-6)
    #expect(abs(score.nearestFill - mean(.nearestPatch)) < 1e-6)
    #expect(score.images == 3 && score.ratio == ratio && !score.usesOriginalStatistics)
    #expect(
      score.shareOfBetterFill == score.meanSquaredError / min(score.meanFill, score.nearestFill))
  }

  @Test func `errors are those of the prediction`() throws {
    let (reconstruction, model, description) = try reconstruction(.pixels, channels: 3)
    let picture = TemporaryRun.picture(5, channels: 3)
    let score = try reconstruction.score(
      on: ToyDataset(images: [picture]), named: "toy", range: 0..<1, ratio: 0.75, seed: 9,
      workers: 1)
    let mask = mask(batch: 1, 0, ratio: 0.75, seed: 9)
    let mean = Tensor(description.mean.map { Float($0) }, shape: [1, 3, 1, 1])
    let std = Tensor(description.std.map { Float($0) }, shape: [1, 3, 1, 1])
    let pixels = Tensor(planes(picture), shape: [1, 3, 16, 16])
    let prediction = withoutGradients {
      images(
        from: model((pixels - mean) / std, mask: mask).prediction,
        grid: PatchGrid(rows: 4, columns: 4), side: 4) * std + mean
    }
    let expected = layout(3).hiddenError(
      of: prediction.floats(), against: planes(picture),
      visible: mask.indicator.floats().map { $0 == 0 })
    #expect(abs(score.meanSquaredError - expected) < 1e-4 * expected)
  }

  /// A model that predicts 0 fills normalised patches with their own mean: what is left is the
  /// patches' variance, and nothing where patches are flat.
  @Test func `normalised targets are given the statistics`() throws {
    let (reconstruction, _, _) = try reconstruction(.normalizedPixels, isBlank: true)
    let picture = TemporaryRun.picture(2)
    let score = try reconstruction.score(
      on: ToyDataset(images: [picture]), named: "toy", range: 0..<1, ratio: 0.75, seed: 1,
      workers: 1)
    #expect(score.usesOriginalStatistics)
    let hidden = mask(batch: 1, 0, ratio: 0.75, seed: 1).indicator.floats()
    let patches = patches(of: Tensor(planes(picture), shape: [1, 1, 16, 16]), side: 4)
    let variances = patches.variance([-1], correction: 0, keepingDimensions: false).floats()
    let expected =
      zip(hidden, variances).filter { $0.0 == 1 }.map { Double($0.1) }.reduce(0, +)
      / Double(hidden.reduce(0, +))
    #expect(abs(score.meanSquaredError - expected) < 1e-5 * expected)

    let levels: [Int] = (0..<256).map { at in at / 64 * 60 + at % 16 / 4 * 10 }
    let flat = ByteImage(width: 16, height: 16, channels: 1, pixels: levels.map { UInt8($0) })
    let perfect = try reconstruction.score(
      on: ToyDataset(images: [flat]), named: "flat", range: 0..<1, ratio: 0.75, seed: 1, workers: 1)
    #expect(perfect.meanSquaredError < 1e-10 && perfect.nearestFill > 1e-4)
    // And the picture is the original, everywhere.
    let sheet = try reconstruction.sheet(
      of: ToyDataset(images: [flat]), [0], ratios: [0.75], seed: 1)
    #expect(sheet.rows[0].tiles[2].pixels == flat.pixels)
    #expect(sheet.rows[0].tiles[3].pixels == flat.pixels)
    #expect(sheet.rows[0].tiles[1].pixels != flat.pixels)
  }

  @Test func `sheets have a row for each image`() throws {
    let (reconstruction, _, _) = try reconstruction(.pixels, channels: 3)
    let set = ToyDataset(images: (0..<5).map { TemporaryRun.picture($0, side: 20, channels: 3) })
    let sheet = try reconstruction.sheet(
      of: set, [4, 0, 2], ratios: [0.75, 0.855, 0.5], seed: 3, title: "title")
    #expect(sheet.title == "title")
    #expect(sheet.rows.map(\.caption) == ["image 4", "image 0", "image 2"])
    #expect(sheet.groups.map(\.columns.count) == [1, 3, 3, 3])
    #expect(sheet.rows.allSatisfy { $0.tiles.count == 10 })
    #expect(
      sheet.groups.map(\.heading) == ["", "75 % hidden", "85.5 % hidden", "50 % hidden"])
    #expect(sheet.footer == [PictureSheet.inventedNotice])
    // Seen patches are the original's, in the last column of a group.
    for (i, row) in sheet.rows.enumerated() {
      let original = row.tiles[0]
      for (r, ratio) in [0.75, 0.855, 0.5].enumerated() {
        let hidden = mask(batch: 1, i * 64 + r, ratio: ratio, seed: 3).indicator.floats()
        let (seen, pasted) = (row.tiles[1 + 3 * r], row.tiles[3 + 3 * r])
        for y in 0..<16 {
          for x in 0..<16 where hidden[y / 4 * 4 + x / 4] == 0 {
            #expect(
              (0..<3).allSatisfy { c in
                seen[x, y, c] == original[x, y, c] && pasted[x, y, c] == original[x, y, c]
              })
          }
        }
        #expect(pasted != original)
      }
    }
    let again = try reconstruction.sheet(
      of: set, [4, 0, 2], ratios: [0.75, 0.855, 0.5], seed: 3, title: "title")
    #expect(again == sheet)
    let other = try reconstruction.sheet(
      of: set, [4, 0, 2], ratios: [0.75, 0.855, 0.5], seed: 4, title: "title")
    #expect(other.rows != sheet.rows)
  }

  @Test func `sheets of normalised targets say so`() throws {
    let (reconstruction, _, _) = try reconstruction(.normalizedPixels)
    let sheet = try reconstruction.sheet(
      of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.5], seed: 0)
    #expect(sheet.footer == [PictureSheet.inventedNotice, PictureSheet.normalizedTargetNotice])
  }

  @Test func `ratios must leave something`() throws {
    let (reconstruction, _, _) = try reconstruction(.pixels)
    // Of 16 patches 5 % is none, and with almost nothing hidden one is.
    for ratio in [0, 1, -0.5, 1.5, .nan, .infinity, -1e300, 0.95] {
      #expect(throws: RunFailure.self, "\(ratio)") { try reconstruction.check(ratio: ratio) }
    }
    for ratio in [1e-9, 0.0625, 0.5, 0.9375] {
      #expect(throws: Never.self) { try reconstruction.check(ratio: ratio) }
    }
    #expect(throws: RunFailure.self) {
      try reconstruction.sheet(
        of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.5, 1], seed: 0)
    }
    let broken = ToyDataset(images: [TemporaryRun.picture(1)], broken: [0])
    #expect(throws: RunFailure.self) {
      try reconstruction.score(
        on: broken, named: "broken", range: 0..<1, ratio: 0.5, seed: 0, workers: 1)
    }
  }

  /// Every second patch is hidden, whichever image it is of.
  struct EverySecond: MaskingStrategy {
    static let name = "every-second"
    var ratio: Double { 0.5 }

    func withRatio(_ ratio: Double) -> EverySecond? { nil }
    func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
      let order = (0..<grid.count).sorted { ($0 % 2, $0) < ($1 % 2, $1) }
      return PatchMask(
        order: Tensor([[Int]](repeating: order, count: batch).flatMap(\.self))
          .reshaped([batch, grid.count]), keeping: kept(of: grid))
    }
  }

  @Test func `a strategy with one ratio refuses others`() throws {
    var (reconstruction, _, _) = try reconstruction(.pixels)
    reconstruction.masking = Masking(EverySecond())
    try reconstruction.check(ratio: 0.5)
    let failure = #expect(throws: RunFailure.self) { try reconstruction.check(ratio: 0.75) }
    #expect(
      failure?.message == "a ratio of 0.75 is not one of the masking strategy every-second, which "
        + "hides 0.5 of the patches; leave the ratio out or name another strategy")
    let sheet = try reconstruction.sheet(
      of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.5], seed: 0)
    let (original, seen) = (sheet.rows[0].tiles[0], sheet.rows[0].tiles[1])
    for column in 0..<16 {
      #expect(original[column, 0, 0] == seen[column, 0, 0] || column / 4 % 2 == 1)
    }
    #expect(original != seen)
  }

  @Test func `an image with other channels than the model's is refused`() throws {
    let (reconstruction, _, _) = try reconstruction(.pixels, channels: 2)
    let error = #expect(throws: ImageError.self) {
      try reconstruction.sheet(
        of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.75], seed: 0)
    }
    #expect(error?.reason == "has 1 channel, and the model takes 2 (data.channels)")
  }
}
