import FileSystem
public import Imaging

/// One image file as a set of its own.
public struct ImageFileDataset: ImageDataset {
  private let path: String

  /// Takes a file that begins as an image does; nil where it is none, or a folder.
  public init?(path: String) {
    guard PathKind(path) == .file, let file = try? ReadableFile(path),
      let start = try? file.bytes(min(32, file.size), at: 0),
      ImageFormat(recognizing: start) != nil
    else { return nil }
    self.path = path
  }

  public var count: Int { 1 }
  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }
  public func name(of index: Int) -> String { path.shownPath }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: path))
  }
}
