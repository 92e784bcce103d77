public import Figures
public import Imaging
public import MaskedAutoencoders
import Recipes
import Runs
public import Torch

/// One image whose hidden patches a model has filled in.
public struct FilledImage: Sendable {
  /// What the model could have seen.
  public let original: ByteImage
  /// Every patch as the model predicts it.
  public let reconstruction: ByteImage
  /// Whether each patch was seen, row by row.
  public let visible: [Bool]
  /// Patches from top to bottom and from left to right.
  public let grid: PatchGrid
  /// The mean over the hidden patches' values: of pixels in 0…1, of rasters normalised.
  public let meanSquaredError: Double

  /// What the encoder saw: the original with its hidden patches painted over.
  public var masked: ByteImage {
    original.masked(visible: visible, rows: grid.rows, columns: grid.columns)
  }
  /// The reconstruction with the visible patches over it.
  public var combined: ByteImage {
    reconstruction.pasted(
      with: original, visible: visible, rows: grid.rows, columns: grid.columns)
  }
}

extension Reconstruction {
  /// Draws the mask of one image by ``masking`` at a ratio: that of the first image and ratio of
  /// ``sheet(of:_:ratios:seed:title:)``.
  ///
  /// - Throws: ``/Runs/RunFailure`` as ``check(ratio:)``.
  public func mask(ratio: Double, seed: UInt64) throws -> PatchMask {
    try masking(hiding: ratio).mask(
      grid, batch: 1, using: Generator(seed: seed, stream: RandomStream.pictures, step: 0))
  }

  /// The mask that hides chosen patches of one image, counted from 0 row by row.
  ///
  /// - Throws: ``/Runs/RunFailure`` where a number is none of a patch's, or nothing is left visible
  ///   or hidden.
  public func mask(hiding patches: [Int]) throws -> PatchMask {
    let count = grid.count
    if let wrong = patches.first(where: { !(0..<count).contains($0) }) {
      throw RunFailure(
        .badData, "there is no patch \(wrong); there are \(count), counted from 0 row by row")
    }
    let hidden = Set(patches)
    guard !hidden.isEmpty, hidden.count < count else {
      throw RunFailure(
        .badData,
        "\(hidden.count) of \(count) patches are hidden; expected one at least that is hidden and "
          + "one that is visible")
    }
    let order = (0..<count).filter { !hidden.contains($0) } + hidden.sorted()
    return PatchMask(
      order: Tensor(order, shape: [1, count]), keeping: count - hidden.count)
  }

  /// Fills in the hidden patches of one image.
  public func filling(_ view: ModelView, mask: PatchMask) -> FilledImage {
    let filled = fill(view.pixels.to(device), mask: mask)
    return FilledImage(
      original: view.picture, reconstruction: view.picture(of: filled),
      visible: mask.indicator.floats().map { $0 == 0 }, grid: grid,
      meanSquaredError: hiddenError(filled - view.pixels.to(device), mask: mask))
  }
}
