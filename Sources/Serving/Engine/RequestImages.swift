import Datasets
import Imaging

/// The images of some requests as a set, so that they are computed as those of any set.
struct RequestImages: ImageDataset {
  private let images: [ImageContent]

  init(_ images: [ImageContent]) { self.images = images }

  var count: Int { images.count }
  var classes: [String]? { nil }
  func label(of index: Int) -> Int? { nil }
  func name(of index: Int) -> String { "the image" }
  var layout: DatasetLayout { DatasetLayout(runs: [images.count]) }
  func content(of index: Int) throws(ImageError) -> ImageContent { images[index] }
}
