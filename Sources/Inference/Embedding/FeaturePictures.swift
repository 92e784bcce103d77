public import Datasets
public import Figures
import FileSystem
import Imaging
import MaskedAutoencoders
import Runs
import Torch
import TorchNN

/// Pictures of an encoder's attention and of its features of the patches of images.
public struct FeaturePictures {
  private let model: LoadedModel
  private let grid: PatchGrid
  private let images: [Sample]

  private struct Sample {
    let name: String
    /// What the model sees.
    let picture: ByteImage
    let content: ImageContent
  }

  /// Takes images, as many as are drawn at once.
  ///
  /// - Parameter chosen: Sets and numbers of images in them.
  /// - Throws: `ImageError` where one cannot be decoded.
  public init(
    of chosen: [(images: any ImageDataset, index: Int)], by model: LoadedModel
  ) throws {
    self.model = model
    grid = model.description.model.grid
    let transform = model.description.evaluationTransform
    var random = SampleRandom(seed: 0)  // nothing is drawn
    images = try chosen.map { images, index in
      let name = images.name(of: index)
      do throws(ImageError) {
        let content = try images.content(of: index)
        return Sample(
          name: name, picture: try transform.image(of: content, using: &random), content: content)
      } catch {
        throw ImageError(error.kind, name: error.name ?? name, error.reason)
      }
    }
  }

  /// Each image, the mean of all heads and each head: how much the class token attends to the
  /// patches in the last block.
  public func attention(title: String = "") throws -> PictureSheet {
    let heads = model.description.model.encoder.heads
    let rows = try images.map { sample in
      let maps = try model.attention(
        of: nil, in: try model.input(sample.content), named: sample.name)
      let tiles = ([maps.mean] + maps.heads).map {
        HeatMap($0, rows: grid.rows, columns: grid.columns).drawn(over: sample.picture)
      }
      return PictureSheet.Row(splitPath(sample.name).name, tiles: [sample.picture] + tiles)
    }
    return PictureSheet(
      title: title,
      groups: [
        .init(columns: ["image", "mean"]),
        .init(columns: (1...heads).map { "head \($0)" }),
      ], rows: rows,
      footer: [
        "How much the class token attends to each patch in the last block, from least to most of "
          + "each picture."
      ])
  }

  /// Each image and the first three principal components of its patches' tokens as red, green and
  /// blue: patches of like colours have like features, over all images of the sheet.
  public func components(title: String = "") throws -> PictureSheet {
    let tokens = try withoutGradients {
      concatenated(
        try images.map { sample in
          let row = Embedding.patches(try model.input(sample.content), by: model)
            .to(.cpu).selected(0, along: 0)  // [N, D]
          try model.requireFinite(row) { _ in sample.name }
          return row
        })
    }
    let colors = Self.colors(PrincipalComponents(of: tokens, count: 3).projections)
    let rows = images.enumerated().map { place, sample in
      let own = colors[place * grid.count * 3..<(place + 1) * grid.count * 3]
      let small = ByteImage(
        width: grid.columns, height: grid.rows, channels: 3, pixels: Array(own))
      var canvas = Canvas(width: sample.picture.width, height: sample.picture.height)
      canvas.draw(small, x: 0, y: 0, factor: model.description.model.patch)
      return PictureSheet.Row(
        splitPath(sample.name).name, tiles: [sample.picture, canvas.image])
    }
    return PictureSheet(
      title: title, groups: [.init(columns: ["image", "components"])], rows: rows,
      footer: [
        "The first three principal components of the patches' features, over all images here, as "
          + "red, green and blue."
      ])
  }

  /// Components `[R, 3]` as bytes; of each the lowest and the highest hundredth is cut off.
  private static func colors(_ components: Tensor) -> [UInt8] {
    let values: [Float] = components.floats()
    let count = values.count / 3
    let ranges = (0..<3).map { channel in
      let sorted = (0..<count).map { values[$0 * 3 + channel] }.sorted()
      return (low: sorted[count / 100], high: sorted[count - 1 - count / 100])
    }
    return values.enumerated().map { place, value in
      let (low, high) = ranges[place % 3]
      guard high > low else { return 128 }
      return UInt8((min(max((value - low) / (high - low), 0), 1) * 255).rounded())
    }
  }
}

/// The directions in which rows differ most.
struct PrincipalComponents {
  /// The rows along the directions, `[R, count]` float32; zeros where there are fewer directions.
  let projections: Tensor

  /// Finds the directions as eigenvectors of the covariance, in double precision. Of the two ways
  /// along each, that is taken in which its largest number is positive.
  ///
  /// - Parameter rows: `[R, D]`.
  init(of rows: Tensor, count: Int) {
    let centered = rows.to(.float64) - rows.to(.float64).mean([0], keepingDimensions: true)
    let width = rows.shape[1]
    let vectors = Self.eigh.all(centered.transposed(0, 1).matmul(centered), "L")[1]  // ascending
    let used = min(count, width)
    let columns = (0..<used).map { place in
      let vector = vectors.selected(width - 1 - place, along: 1)  // [D]
      let largest = vector.selected(vector.abs().argmax(along: 0).reshaped([1]), along: 0)
      return vector * (largest.item() < 0 ? -1.0 : 1.0)
    }
    let found = centered.matmul(stacked(columns, along: 1)).to(.float32)
    projections =
      used == count
      ? found
      : concatenated([found, Tensor.zeros([rows.shape[0], count - used])], along: 1)
  }

  private static let eigh = Op("linalg_eigh")
}
