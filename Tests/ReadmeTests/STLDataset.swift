public import Datasets
public import Imaging

/// The format of STL-10's files without labels.
public struct STLFormat: DatasetFormat {
  public init() {}

  public var name: String { "an STL-10 file" }

  public func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && path.lastName.hasSuffix("_X.bin")
  }

  public func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "has no labels")
    return try STLDataset(path: path.path)
  }
}

/// A file of STL-10's images, `unlabeled_X.bin`: for each image 96 × 96 bytes of red, then of green,
/// then of blue, column by column.
public struct STLDataset: ImageDataset {
  public var classes: [String]? { nil }
  private let path: String
  private let bytes: [UInt8]
  private static let side = 96
  private static let area = side * side

  /// Reads a file into memory.
  public init(path: String) throws(DatasetError) {
    do throws(ImageError) {
      bytes = try readFile(path, limit: 4 << 30)
    } catch {
      throw DatasetError(
        error.kind == .missing ? .missing : .unreadable, path: path, error.reason)
    }
    self.path = path
    guard !bytes.isEmpty, bytes.count % (3 * Self.area) == 0 else {
      throw DatasetError(
        .malformed, path: path,
        "is \(bytes.count) bytes; expected one or more images of \(3 * Self.area) bytes each")
    }
  }

  public var count: Int { bytes.count / (3 * Self.area) }
  public func label(of index: Int) -> Int? { nil }
  public func name(of index: Int) -> String { "\(path)[\(index)]" }

  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let side = Self.side
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * Self.area)
    for place in 0..<Self.area {
      let (row, column) = place.quotientAndRemainder(dividingBy: side)
      for plane in 0..<3 {
        pixels.append(bytes[(index * 3 + plane) * Self.area + column * side + row])
      }
    }
    return .pixels(ByteImage(width: side, height: side, channels: 3, pixels: pixels))
  }
}
