public import Datasets
public import Imaging

/// A binary file of CIFAR-10: a label, then 32 × 32 bytes of red, of green and of blue; and again.
public struct CIFARDataset: ImageDataset {
  public let classes: [String]? = (0..<10).map { String($0) }
  private let path: String
  private let bytes: [UInt8]
  private static let area = 32 * 32
  private static let record = 1 + 3 * area

  /// Reads a file into memory.
  public init(path: String) throws(DatasetError) {
    do throws(ImageError) {
      bytes = try readFile(path, limit: 1 << 30)
    } catch {
      throw DatasetError(
        error.kind == .missing ? .missing : .unreadable, path: path, error.reason)
    }
    self.path = path
    let starts = stride(from: 0, to: bytes.count, by: Self.record)
    guard !bytes.isEmpty, bytes.count % Self.record == 0, starts.allSatisfy({ bytes[$0] < 10 })
    else {
      throw DatasetError(
        .malformed, path: path,
        "is \(bytes.count) bytes; expected records of \(Self.record), each with a label below 10")
    }
  }

  public var count: Int { bytes.count / Self.record }
  public func label(of index: Int) -> Int? { Int(bytes[index * Self.record]) }
  public func name(of index: Int) -> String { "\(path)[\(index)]" }

  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let start = index * Self.record + 1
    let pixels = (0..<Self.area).flatMap { place in
      (0..<3).map { bytes[start + $0 * Self.area + place] }
    }
    return .pixels(ByteImage(width: 32, height: 32, channels: 3, pixels: pixels))
  }
}
