import FileSystem
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A set whose images are at hand and can be told apart without decoding them.
protocol StoredDataset: ImageDataset {
  /// Where an image is; nil where reading it may be costly.
  func place(of index: Int) -> StoredPlace?
}

/// Where an image is.
enum StoredPlace: Hashable {
  /// A file, or a range of its bytes.
  case file(String, Range<Int>? = nil)
  /// In memory, as pixels.
  case memory
}

/// What is known of a file, or a part of one, without reading it.
struct FileIdentity: Hashable {
  var device: UInt64
  var file: UInt64
  var offset: Int
  var size: Int

  /// Asks the file system, which follows links; nil where there is no file.
  init?(_ path: String, _ range: Range<Int>?) {
    guard let status = fileStatus(path), status.isOf(S_IFREG) else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    file = UInt64(truncatingIfNeeded: status.st_ino)
    offset = range?.lowerBound ?? 0
    size = range?.count ?? Int(status.st_size)
  }
}
