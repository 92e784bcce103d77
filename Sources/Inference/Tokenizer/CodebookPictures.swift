import DiscreteVAE
public import Figures
import Imaging
import Torch
import TorchNN

extension LoadedTokenizer {
  /// What the decoder makes of each token of the vocabulary: a picture of nothing but that token, of
  /// which the token in the middle is drawn.
  ///
  /// - Parameter most: Tokens that are drawn at most, the first.
  public func codebookSheet(title: String = "", most: Int = 512) -> PictureSheet {
    let shape = tokenizer.configuration
    let count = min(most, shape.vocabulary)
    let tiles = (0..<count).map { picture(of: $0) }
    let columns = min(16, count)
    let blank = ByteImage(
      width: shape.stride, height: shape.stride, channels: shape.channels,
      pixels: [UInt8](repeating: 255, count: shape.stride * shape.stride * shape.channels))
    let rows = stride(from: 0, to: count, by: columns).map { start in
      let own = Array(tiles[start..<min(start + columns, count)])
      return PictureSheet.Row(
        "tokens \(start) to \(start + own.count - 1)",
        tiles: own + [ByteImage](repeating: blank, count: columns - own.count))
    }
    let part =
      count < shape.vocabulary ? "The first \(count) of \(shape.vocabulary) tokens" : "All tokens"
    return PictureSheet(
      title: title, groups: [.init(columns: (0..<columns).map { "+\($0)" })], rows: rows,
      footer: [
        "\(part): the middle of what the decoder makes of a picture of one token alone. Beside others a "
          + "token looks otherwise."
      ])
  }

  /// The middle of the picture of one token alone.
  private func picture(of token: Int) -> ByteImage {
    let shape = tokenizer.configuration
    let side = shape.stride
    let (top, left) = (shape.rows / 2 * side, shape.columns / 2 * side)
    let pixels = withoutGradients {
      tokenizer.decoder.images(
        of: Tensor(
          [Int](repeating: token, count: shape.rows * shape.columns),
          shape: [1, shape.rows * shape.columns]
        ).to(store.device))
    }
    let middle = pixels.narrowed(2, to: top..<top + side).narrowed(3, to: left..<left + side)
    let bytes = (middle.clamped(to: 0...1) * 255 + 0.5).to(.uint8).permuted([0, 2, 3, 1])
    return ByteImage(width: side, height: side, channels: shape.channels, pixels: bytes.array())
  }
}
