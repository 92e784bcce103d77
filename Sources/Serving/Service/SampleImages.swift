package import Datasets
import FileSystem
import Imaging

/// Some images of a set that the page offers to begin with; a request names them by number alone.
package struct SampleImages: Sendable {
  private let images: any ImageDataset
  private let indices: [Int]

  /// Takes images that lie evenly over a set.
  package init(_ images: any ImageDataset, most: Int = 24) {
    self.images = images
    let count = min(images.count, most)
    indices = (0..<count).map { $0 * images.count / count }
  }

  /// The last parts of their names.
  package var names: [String] { indices.map { images.name(of: $0).lastName } }

  /// An image as a file with its media type.
  ///
  /// - Throws: ``ServingError`` of status 404 where there is none of the number.
  package func file(_ number: Int) throws(ServingError) -> (bytes: [UInt8], type: String) {
    guard indices.indices.contains(number) else {
      throw .missing("there is no sample \(number); there are \(indices.count), counted from 0")
    }
    do throws(ImageError) {
      switch try images.content(of: indices[number]) {
      case .encoded(let file): return (file.bytes, file.format.mediaType)
      case .pixels(let image): return (try image.encodedAsPNG(compression: 1), "image/png")
      }
    } catch {
      throw .missing("sample \(number) cannot be read any more: \(error.reason)")
    }
  }

  /// An image as a small PNG file.
  package func thumbnail(_ number: Int) throws(ServingError) -> [UInt8] {
    guard indices.indices.contains(number) else {
      throw .missing("there is no sample \(number); there are \(indices.count), counted from 0")
    }
    do throws(ImageError) {
      return try images.content(of: indices[number]).thumbnail()
    } catch {
      throw .missing("sample \(number) cannot be read any more: \(error.reason)")
    }
  }
}

extension ImageFormat {
  fileprivate var mediaType: String {
    switch self {
    case .jpeg: "image/jpeg"
    case .png: "image/png"
    case .webp: "image/webp"
    case .tiff: "image/tiff"
    case .npy: "application/octet-stream"
    }
  }
}

extension ImageContent {
  /// The image as a PNG file whose longer side has no more than `side` pixels.
  func thumbnail(side: Int = 112) throws(ImageError) -> [UInt8] {
    let longest = max(size.width, size.height)
    guard longest > side else { return try image(channels: 3).encodedAsPNG(compression: 1) }
    func fitted(_ length: Int) -> Int { max(1, (length * side + longest / 2) / longest) }
    return try image(
      channels: 3, atMost: PixelSize(width: fitted(size.width), height: fitted(size.height))
    ).encodedAsPNG(compression: 1)
  }
}
