public import Datasets
public import DiscreteVAE
public import Figures
import FileSystem
import Foundation
public import Imaging
import MaskedAutoencoders
import Runs
import Torch
import TorchNN

/// How well an image tokenizer codes pictures, and how much of its vocabulary it uses.
public struct TokenizerEvaluation: Sendable {
  /// The mean squared error of pixels of 0…1.
  public let meanSquaredError: Double
  /// How often each token occurs.
  public let counts: [Int]
  /// Pictures that were coded.
  public let images: Int

  /// The share of the vocabulary that occurs.
  public var usage: Double { Double(counts.count { $0 > 0 }) / Double(max(1, counts.count)) }

  /// The exponential of the entropy of how often each token occurs.
  public var perplexity: Double {
    let total = Double(max(1, counts.reduce(0, +)))
    let shares = counts.filter { $0 > 0 }.map { Double($0) / total }
    return exp(-shares.reduce(0) { $0 + $1 * log($1) })
  }

  /// Codes all pictures of a set by their likeliest tokens.
  ///
  /// - Throws: `DatasetError` where too many pictures cannot be decoded.
  public init(
    of set: any ImageDataset, named name: String, by tokenizer: ImageTokenizer,
    transform: ImageTransform, batch: Int, workers: Int, brokenLimit: Double = 0.01
  ) throws {
    let loader = SequentialLoader(
      set, path: name, transform: transform, batch: batch, workers: workers,
      brokenFraction: brokenLimit)
    defer { loader.stop() }
    var counts = [Int](repeating: 0, count: tokenizer.configuration.vocabulary)
    var (sum, images) = (0.0, 0)
    let device = tokenizer.scope.store.device
    while let next = try loader.next() {
      let pixels = next.tensor(on: device)
      let (tokens, error) = withoutGradients {
        let tokens = tokenizer.encoder.tokens(of: pixels)
        return (tokens, (tokenizer.decoder.images(of: tokens) - pixels).squared().mean().item())
      }
      for token in tokens.to(.cpu).array(of: Int.self) { counts[token] += 1 }
      sum += error * Double(next.count)
      images += next.count
    }
    self.counts = counts
    self.images = images
    meanSquaredError = sum / Double(max(1, images))
  }
}

/// Sheets of pictures and what a tokenizer's tokens make of them.
public struct TokenizerPictures {
  private let tokenizer: ImageTokenizer
  private let transform: ImageTransform

  /// - Parameter transform: How pictures become the tokenizer's input, without chance.
  public init(_ tokenizer: ImageTokenizer, transform: ImageTransform) {
    self.tokenizer = tokenizer
    self.transform = transform
  }

  /// A sheet of original and reconstruction, two pictures a row.
  public func sheet(
    of set: any ImageDataset, _ indices: [Int], title: String
  ) throws -> PictureSheet {
    let shape = tokenizer.configuration
    let device = tokenizer.scope.store.device
    let pairs = try indices.map { index in
      var random = SampleRandom(seed: 0)
      let original = try transform.image(of: set.content(of: index), using: &random)
      let pixels =
        Tensor(original.pixels, shape: [1, shape.height, shape.width, shape.channels])
        .permuted([0, 3, 1, 2]).to(.float32).sent(to: device) / 255
      let coded = withoutGradients { tokenizer.reconstruction(of: pixels) }
      let bytes = (coded * 255 + 0.5).to(.uint8).permuted([0, 2, 3, 1]).to(.cpu)
      return (
        original,
        ByteImage(
          width: shape.width, height: shape.height, channels: shape.channels,
          pixels: bytes.array())
      )
    }
    let rows = stride(from: 0, to: pairs.count, by: 2).map { start in
      let both = [pairs[start], pairs[min(start + 1, pairs.count - 1)]]
      return PictureSheet.Row(tiles: both.flatMap { [$0.0, $0.1] })
    }
    let group = PictureSheet.Group(columns: ["original", "reconstruction"])
    return PictureSheet(
      title: title, groups: [group, group], rows: rows,
      footer: [
        "Each picture coded in \(shape.rows) × \(shape.columns) tokens of a vocabulary of "
          + "\(shape.vocabulary)."
      ])
  }
}
