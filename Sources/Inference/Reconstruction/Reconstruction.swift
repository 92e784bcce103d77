public import Datasets
import Evaluation
public import Figures
import FileSystem
import Imaging
public import MaskedAutoencoders
import Recipes
public import Runs
package import Torch
import TorchNN

/// Fills in hidden patches, for looking and for measuring.
public struct Reconstruction {
  private let model: MaskedAutoencoder
  private let description: ModelDescription
  let device: Device
  /// How patches are hidden; as in training unless set.
  public var masking: Masking

  /// Uses a loaded model.
  ///
  /// - Throws: ``/Runs/RunFailure`` where the model has no decoder or one that does not predict
  ///   pixels.
  public init(_ loaded: LoadedModel) throws {
    try self.init(loaded.autoencoder(), loaded.description, on: loaded.store.device)
  }

  /// Uses a model that is being trained.
  package init(_ model: MaskedAutoencoder, _ description: ModelDescription, on device: Device)
    throws
  {
    let target = description.model.target
    guard target.isDrawable else {
      throw RunFailure(
        .badData,
        "the model predicts \(target.name), of which no picture can be made; "
          + "expected a model that predicts pixels")
    }
    masking = description.masking
    self.model = model
    self.description = description
    self.device = device
  }

  /// Checks that ``masking`` can have a ratio and that it leaves something visible and something
  /// hidden.
  public func check(ratio: Double) throws(RunFailure) { _ = try masking(hiding: ratio) }

  /// The patches of an image.
  var grid: PatchGrid { description.model.grid }

  /// ``masking`` with another ratio.
  func masking(hiding ratio: Double) throws(RunFailure) -> Masking {
    let grid = description.model.grid
    guard let changed = ratio == masking.ratio ? masking : masking.withRatio(ratio) else {
      throw RunFailure(
        .badData,
        "a ratio of \(ratio) is not one of the masking strategy \(masking.name), which hides "
          + "\(masking.ratio) of the patches; leave the ratio out or name another strategy")
    }
    let wrong = changed.problems(on: grid).first
    guard wrong == nil || wrong?.path == "ratio" else {
      throw RunFailure(
        .badData, "masking.\(wrong?.path ?? "") \(wrong?.message ?? "")")
    }
    guard wrong == nil else {
      throw RunFailure(
        .badData,
        "a ratio of \(ratio) of \(grid.count) patches leaves nothing visible or nothing hidden; "
          + (ratio > 1 && ratio < 100
            ? "did you mean \(ratio / 100)?"
            : "expected more than 0 and less than 1, with a patch visible and one hidden"))
    }
    return changed
  }

  /// A sheet as in the paper's Figures 2–4: the original, then for each ratio what was seen, what
  /// the model made of it, and that with the visible patches over it.
  ///
  /// - Parameters:
  ///   - indices: The images of the set.
  ///   - ratios: Shares of patches that are hidden.
  ///   - seed: Decides the masks.
  public func sheet(
    of dataset: any ImageDataset, _ indices: [Int], ratios: [Double], seed: UInt64,
    title: String = ""
  ) throws -> PictureSheet {
    let transform = description.evaluationTransform
    let originals = try indices.map { index in
      var random = SampleRandom(seed: seed)
      return try ModelView(of: dataset.content(of: index), by: transform, using: &random)
    }
    let grid = description.model.grid
    var tiles = originals.map { [$0.picture] }
    for (r, ratio) in ratios.enumerated() {
      let masking = try masking(hiding: ratio)
      for (i, original) in originals.enumerated() {
        let mask = masking.mask(
          grid, batch: 1,
          using: Generator(seed: seed, stream: RandomStream.pictures, step: i * 64 + r))
        let drawn = original.picture(of: fill(original.pixels.to(device), mask: mask))
        let visible = mask.indicator.floats().map { $0 == 0 }
        tiles[i] += [
          original.picture.masked(visible: visible, rows: grid.rows, columns: grid.columns), drawn,
          drawn.pasted(
            with: original.picture, visible: visible, rows: grid.rows, columns: grid.columns),
        ]
      }
    }
    var footer = [PictureSheet.inventedNotice]
    if description.model.target.usesOriginalStatistics {
      footer.append(PictureSheet.normalizedTargetNotice)
    }
    if let raster = description.usedRaster { footer.append(raster.shownWords) }
    return PictureSheet(
      title: title,
      groups: [PictureSheet.Group(columns: ["original"])]
        + ratios.map {
          PictureSheet.Group(
            "\(Formatted.fixed($0 * 100, $0 * 100 == ($0 * 100).rounded() ? 0 : 1)) % hidden",
            columns: ["seen", "reconstruction", "+ seen"])
        },
      rows: zip(indices, tiles).map {
        PictureSheet.Row(dataset.name(of: $0).lastName, tiles: $1)
      },
      footer: footer)
  }

  /// How far filled-in patches are off, beside two fills that know nothing: in pixels of 0…1, or of
  /// rasters in normalised values.
  ///
  /// - Parameters:
  ///   - range: The images, from first to last.
  ///   - ratio: The share of patches that is hidden.
  ///   - seed: Decides the masks.
  ///   - brokenLimit: How many of the images may be left out because they cannot be decoded.
  ///   - report: Called at the end with the images that could not be decoded.
  public func score(
    on dataset: any ImageDataset, named name: String, range: Range<Int>, ratio: Double,
    seed: UInt64, workers: Int, brokenLimit: BrokenLimit = .standard,
    broken report: ([UndecodableImage]) -> Void = { _ in }
  ) throws -> ReconstructionScore {
    let masking = try masking(hiding: ratio)
    let loader = SequentialLoader(
      dataset, path: name, range: range,
      transform: description.evaluationTransform, batch: 100, workers: workers,
      brokenFraction: 1)
    defer { loader.stop() }
    var broken = brokenLimit.counter(of: range.count)
    let grid = description.model.grid
    let layout = PatchLayout(
      channels: description.model.channels, height: description.model.height,
      width: description.model.width, rows: grid.rows, columns: grid.columns)
    var sums = (model: 0.0, mean: 0.0, nearest: 0.0)
    var count = 0
    while let batch = try loader.next() {
      try broken.add(loader.broken, of: name, count: range.count)
      let mask = masking.mask(
        grid, batch: batch.count,
        using: Generator(seed: seed, stream: RandomStream.pictures, step: batch.number))
      let images = batch.tensor(on: device)
      let pixels = restored(images)
      let difference = fill(pixels, mask: mask) - pixels
      sums.model += hiddenError(difference, mask: mask) * Double(batch.count)
      let values: [Float] = (description.usedRaster == nil ? pixels : images).array()
      let hidden = mask.indicator.floats()
      let size = values.count / batch.count
      for i in 0..<batch.count {
        let visible = hidden[i * grid.count..<(i + 1) * grid.count].map { $0 == 0 }
        let image = Array(values[i * size..<(i + 1) * size])
        sums.mean += InpaintingBaseline.meanFill.hiddenError(image, layout, visible: visible)
        sums.nearest += InpaintingBaseline.nearestPatch.hiddenError(image, layout, visible: visible)
      }
      count += batch.count
    }
    try broken.add(loader.broken, of: name, count: range.count)
    guard count > 0 else { throw RunFailure.nothingToSee(in: name, broken.found) }
    let total = Double(count)
    report(broken.found)
    return ReconstructionScore(
      meanSquaredError: sums.model / total, meanFill: sums.mean / total,
      nearestFill: sums.nearest / total, images: count, ratio: ratio,
      usesOriginalStatistics: description.model.target.usesOriginalStatistics)
  }

  /// Pixels `[B, C, H, W]` of 0…1, or of rasters in the files' units, with every patch as the model
  /// predicts it.
  func fill(_ pixels: Tensor, mask: PatchMask) -> Tensor {
    withoutGradients {
      let images = (pixels - channelMean) / channelDeviation
      let mask = mask.to(device)
      let prediction = model(images, mask: mask).prediction.to(.float32)
      let original = patches(of: images, side: model.patchSide)
      guard let filled = model.pixels(from: prediction, of: original) else {
        preconditionFailure("the initializer refuses a target that is not of pixels")
      }
      return restored(
        MaskedAutoencoders.images(
          from: filled, grid: description.model.grid, side: model.patchSide))
    }
  }

  /// The mean square of what filled-in pixels `[B, C, H, W]` are off in the hidden patches; rasters
  /// normalised.
  func hiddenError(_ difference: Tensor, mask: PatchMask) -> Double {
    let errors = patches(
      of: description.usedRaster == nil ? difference : difference / channelDeviation,
      side: model.patchSide
    ).squared().mean([-1])
    let share = mask.to(device).indicator
    return ((errors * share).sum() / share.sum()).item()
  }

  private func restored(_ images: Tensor) -> Tensor { images * channelDeviation + channelMean }

  private var channelMean: Tensor { channelValues(description.mean) }
  private var channelDeviation: Tensor { channelValues(description.std) }
  private func channelValues(_ values: [Double]) -> Tensor {
    Tensor(values.map { Float($0) }, shape: [1, values.count, 1, 1]).to(device)
  }
}

extension RasterSettings {
  /// What a picture shows of a raster, for its footer.
  var shownWords: String {
    let numbers = shown ?? channels.map { Array($0.prefix($0.count >= 3 ? 3 : 1)) }
    let which =
      numbers.map { numbers in
        let list = numbers.map(String.init).joined(separator: ", ")
        return numbers.count == 3
          ? "Channels \(list) as red, green and blue" : "Channel \(list) as gray"
      } ?? "The first three channels as red, green and blue, or one as gray"
    return
      "\(which), from percentile \(Formatted.fixed(percentiles.lowerBound, 0)) to "
      + "\(Formatted.fixed(percentiles.upperBound, 0)) of each original."
  }
}

extension MaskedAutoencoder {
  fileprivate var patchSide: Int { configuration.patch }
}
