public import DiscreteVAE
public import Torch
import TorchNN

// B batch, N patches, C channels, V tokens of the vocabulary.

/// The tokens that a discrete VAE gives an image's patches (Table 1d, “dVAE token”; Bao et al.,
/// 2022): a class for each patch.
///
/// The tokenizer sees the same crop as the model, resampled to as many tokens as there are patches:
/// 112 × 112 pixels for 14 × 14 patches and tokens of 8 × 8 pixels, as in BEiT. Its weights, and
/// mean and deviation of the model's pixels, which it undoes, are kept with the model's weights as
/// `decoder_target.encoder.…`, `decoder_target.decoder.…`, `decoder_target.mean` and
/// `decoder_target.std`.
public struct TokenTarget: DrawableTarget {
  public static let name = "tokens"
  /// Where the tokenizer came from: a run of `mae tokenizer train` or `import`. Needed to begin with
  /// only.
  public var tokenizer: String?
  /// The tokenizer's shapes; nil as long as it has not been opened.
  public var shape: TokenizerConfiguration?

  /// Without a tokenizer: one must be named before such a model is made.
  public init() {}

  /// Takes a tokenizer's shapes.
  public init(_ shape: TokenizerConfiguration) { self.shape = shape }

  public var criterion: PatchCriterion { .crossEntropy }

  public func valuesPerPatch(of configuration: ModelConfiguration) -> Int {
    (shape ?? TokenizerConfiguration()).vocabulary
  }

  public func buffers(for configuration: ModelConfiguration) -> [TargetBuffer] {
    guard let shape else { return [] }
    let channels = [configuration.channels]
    return [
      TargetBuffer("mean", channels, .constant(0)), TargetBuffer("std", channels, .constant(1)),
    ] + shape.weights.map { TargetBuffer($0.name, $0.shape, $0.initial) }
  }

  public func problems(
    for configuration: ModelConfiguration
  ) -> [(path: String, message: String)] {
    guard let shape else {
      return tokenizer == nil
        ? [
          (
            "tokenizer",
            "is null; expected the folder of a tokenizer: mae tokenizer train DATA --out FOLDER"
          )
        ] : []
    }
    if let wrong = shape.problems.first {
      return [("shape." + wrong.path, wrong.message)]
    }
    let name = tokenizer.map { "is \($0)" } ?? "is a tokenizer"
    guard shape.channels == configuration.channels else {
      return [
        (
          "tokenizer",
          "\(name), of images with \(shape.channels) channels; the model's have "
            + "\(configuration.channels)"
        )
      ]
    }
    let grid = configuration.patch > 0 ? configuration.grid : PatchGrid(rows: 0, columns: 0)
    guard shape.rows == grid.rows, shape.columns == grid.columns else {
      return [
        (
          "tokenizer",
          "\(name), which makes \(shape.rows) × \(shape.columns) tokens of \(shape.height) × "
            + "\(shape.width) pixels; the model has \(grid.rows) × \(grid.columns) patches, for which "
            + "its images must be \(grid.rows * shape.stride) × \(grid.columns * shape.stride)"
        )
      ]
    }
    return []
  }

  public func values(for patches: TargetPatches) -> Tensor {
    guard let shape else { preconditionFailure("the tokenizer has not been opened") }
    let encoder = TokenizerEncoder(shape) { name, _, _ in patches.buffer("encoder." + name) }
    return withoutGradients {
      let pixels = patches.images * channels(patches, "std") + channels(patches, "mean")
      let view = pixels.resampled(rows: shape.height, columns: shape.width).clamped(to: 0...1)
      return patches.chosen(from: encoder.tokens(of: view))
    }
  }

  /// The pictures of the likeliest tokens.
  ///
  /// - Precondition: The prediction is of all patches, `[B, N, V]`: the decoder sees them together.
  public func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor {
    guard let shape else { preconditionFailure("the tokenizer has not been opened") }
    precondition(prediction.rank == 3, "tokens of \(prediction.shape) are of no whole image")
    let model = patches.configuration
    let decoder = TokenizerDecoder(shape) { name, _, _ in patches.buffer("decoder." + name) }
    let pixels = decoder.images(of: prediction.argmax(along: -1))
      .resampled(rows: model.height, columns: model.width)
    return MaskedAutoencoders.patches(
      of: (pixels - channels(patches, "mean")) / channels(patches, "std"), side: model.patch)
  }

  private func channels(_ patches: TargetPatches, _ name: String) -> Tensor {
    let values = patches.buffer(name)
    return values.reshaped([1, values.shape[0], 1, 1])
  }
}

extension Tensor {
  /// Pictures of another size, by antialiased cubic interpolation; themselves where it is theirs.
  fileprivate func resampled(rows: Int, columns: Int) -> Tensor {
    shape[2] == rows && shape[3] == columns
      ? self : interpolated(rows: rows, columns: columns, mode: .bicubic)
  }
}
