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
  private let device: Device
  /// How patches are hidden; as in training unless set.
  public var masking: Masking

  /// Uses a loaded model.
  ///
  /// - Throws: ``RunFailure`` where the model has no decoder or one that does not predict pixels,
  ///   or takes images that are neither gray nor colour.
  public init(_ loaded: LoadedModel) throws {
    try self.init(loaded.autoencoder(), loaded.description, on: loaded.store.device)
  }

  /// Uses a model that is being trained.
  package init(_ model: MaskedAutoencoder, _ description: ModelDescription, on device: Device)
    throws
  {
    try description.model.requireDecodableChannels()
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

  /// ``masking`` with another ratio.
  private func masking(hiding ratio: Double) throws(RunFailure) -> Masking {
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
      return try transform.image(of: dataset.content(of: index), using: &random)
    }
    let grid = description.model.grid
    var tiles = originals.map { [$0] }
    for (r, ratio) in ratios.enumerated() {
      let masking = try masking(hiding: ratio)
      for (i, original) in originals.enumerated() {
        let mask = masking.mask(
          grid, batch: 1,
          using: Generator(seed: seed, stream: RandomStream.pictures, step: i * 64 + r))
        let drawn = fill(pixels(of: [original]), mask: mask).images(channels: original.channels)[0]
        let visible = mask.indicator.floats().map { $0 == 0 }
        tiles[i] += [
          original.masked(visible: visible, rows: grid.rows, columns: grid.columns), drawn,
          drawn.pasted(
            with: original, visible: visible, rows: grid.rows, columns: grid.columns),
        ]
      }
    }
    var footer = [PictureSheet.inventedNotice]
    if description.model.target.usesOriginalStatistics {
      footer.append(PictureSheet.normalizedTargetNotice)
    }
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

  /// How far filled-in patches are off, beside two fills that know nothing.
  ///
  /// - Parameters:
  ///   - range: The images, from first to last.
  ///   - ratio: The share of patches that is hidden.
  ///   - seed: Decides the masks.
  ///   - brokenLimit: How many of the images may be left out because they cannot be decoded.
  ///   - broken: Called at the end with the images that could not be decoded.
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
      let pixels = restored(batch.tensor(on: device))
      let errors = patches(of: fill(pixels, mask: mask).pixels - pixels, side: model.patchSide)
        .squared().mean([-1])
      let share = mask.to(device).indicator
      sums.model += ((errors * share).sum() / share.sum()).item() * Double(batch.count)
      let values: [Float] = pixels.array()
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

  /// Pixels `[B, C, H, W]` of 0…1 with every patch as the model predicts it.
  private func fill(_ pixels: Tensor, mask: PatchMask) -> Filled {
    withoutGradients {
      let images = (pixels - channelMean) / channelDeviation
      let mask = mask.to(device)
      let prediction = model(images, mask: mask).prediction.to(.float32)
      let original = patches(of: images, side: model.patchSide)
      guard let filled = model.pixels(from: prediction, of: original) else {
        preconditionFailure("the initializer refuses a target that is not of pixels")
      }
      return Filled(
        pixels: restored(
          MaskedAutoencoders.images(
            from: filled, grid: description.model.grid, side: model.patchSide)))
    }
  }

  private func restored(_ images: Tensor) -> Tensor { images * channelDeviation + channelMean }

  private var channelMean: Tensor { channelValues(description.mean) }
  private var channelDeviation: Tensor { channelValues(description.deviation) }
  private func channelValues(_ values: [Double]) -> Tensor {
    Tensor(values.map { Float($0) }, shape: [1, values.count, 1, 1]).to(device)
  }

  /// Bytes as pixels of 0…1, `[B, C, H, W]`.
  private func pixels(of images: [ByteImage]) -> Tensor {
    stacked(
      images.map { image in
        Tensor(image.pixels, shape: [image.height, image.width, image.channels])
          .permuted([2, 0, 1]).to(.float32) / 255
      }
    ).to(device)
  }

  /// Images of 0…1 as a model filled them in.
  private struct Filled {
    let pixels: Tensor  // [B, C, H, W]

    func images(channels: Int) -> [ByteImage] {
      let shape = pixels.shape
      let bytes = (pixels.clamped(to: 0...1) * 255 + 0.5).to(.uint8).permuted([0, 2, 3, 1])
      return bytes.unbound(along: 0).map {
        ByteImage(width: shape[3], height: shape[2], channels: channels, pixels: $0.array())
      }
    }
  }
}

extension MaskedAutoencoder {
  fileprivate var patchSide: Int { configuration.patch }
}
