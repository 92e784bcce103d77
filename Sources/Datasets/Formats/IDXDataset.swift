import FileSystem
public import Imaging

/// The images of one IDX file and the labels of another: MNIST, Fashion-MNIST, KMNIST, EMNIST.
/// Plain or gzipped; held in memory.
public struct IDXDataset: ImageDataset {
  /// The file with the images.
  public let path: String
  /// The numbers of the classes, "0" to the largest label, or the names that were given; nil
  /// without a file of labels.
  public let classes: [String]?
  public let labelProblem: DatasetError?
  private let file: String
  private let size: PixelSize
  private let pixels: [UInt8]
  private let labels: [Int32]

  /// Most bytes of pixels that are read into memory.
  static let largestSet = 8 << 30

  /// Reads a file of images `[N, H, W]` and one of labels `[N]`.
  ///
  /// - Parameter wanted: the classes of another part of the same set, so that the numbers agree.
  public init(
    images: String, labels labelFile: String?, classes wanted: [String]? = nil
  ) throws(DatasetError) {
    path = images
    file = withoutGzip(lastComponent(images))
    let contents = try IDXFile(images, dimensions: 3)
    guard contents.count > 0, contents.shape[1] > 0, contents.shape[2] > 0 else {
      throw DatasetError(.empty, path: images, "holds no images: its shape is \(contents.shape)")
    }
    size = PixelSize(width: contents.shape[2], height: contents.shape[1])
    pixels = contents.values
    guard let labelFile else {
      (classes, labels, labelProblem) = (nil, [], nil)
      return
    }
    do throws(DatasetError) {
      let tags = try IDXFile(labelFile, dimensions: 1)
      guard tags.count == contents.count else {
        throw DatasetError(
          .malformed, path: labelFile,
          "has \(tags.count) labels for the \(contents.count) images of \(file)")
      }
      let names = (0...(tags.values.max() ?? 0)).map { String($0) }
      let used = Set(tags.values)
      let map = try ClassNumbers(
        names, among: wanted ?? names, used: { used.contains(UInt8($0)) }, path: labelFile)
      (classes, labels, labelProblem) = (
        wanted ?? names, tags.values.map { map.numbers[Int($0)] }, nil
      )
    } catch {
      // Images can be looked at without their classes.
      if wanted != nil { throw error }
      (classes, labels, labelProblem) = (nil, [], error)
    }
  }

  /// Number of images.
  public var count: Int { pixels.count / (size.width * size.height) }

  /// The label of an image.
  public func label(of index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

  /// The file's name and the number in brackets: `train-images-idx3-ubyte[17]`.
  public func name(of index: Int) -> String { "\(file)[\(index)]" }

  /// The image, grayscale.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let area = size.width * size.height
    return .pixels(
      ByteImage(
        width: size.width, height: size.height, channels: 1,
        pixels: Array(pixels[index * area..<(index + 1) * area])))
  }
}

/// The parts of an IDX folder, by their files' names.
struct IDXFolder {
  private let path: String
  private let names: [String]

  /// Nil where the names are not those of IDX images.
  init?(_ path: String, names: [String]) {
    self.path = path
    self.names = names
    guard names.contains(where: { images(of: .training, $0) || images(of: .validation, $0) })
    else { return nil }
  }

  private func images(of split: DatasetSplit, _ name: String) -> Bool {
    let name = withoutGzip(name)
    guard name.hasSuffix("images-idx3-ubyte") || name.hasSuffix("images.idx3-ubyte") else {
      return false
    }
    switch split {
    case .training: return name.contains("train")
    case .validation: return name.contains("t10k") || name.contains("test")
    }
  }

  /// Reads the images and labels of one part.
  func open(
    _ split: DatasetSplit, classes: [String]? = nil
  ) throws(DatasetError) -> IDXDataset {
    let candidates = names.filter { images(of: split, $0) }
    guard let chosen = candidates.first else {
      throw DatasetError(
        .missingSplit, path: path,
        "has no \(split == .training ? "train" : "t10k")-images-idx3-ubyte file for "
          + "\(split.rawValue); found \(names.joined(separator: ", "))")
    }
    guard Set(candidates.map(withoutGzip)).count == 1 else {
      throw DatasetError(
        .malformed, path: path,
        "holds several sets (\(candidates.joined(separator: ", "))); name one file, or put each "
          + "set in a folder of its own")
    }
    return try openIDX(images: joined(path, chosen), classes: classes)
  }
}

/// Opens a file of images with the file of labels beside it, if there is one.
func openIDX(
  images: String, classes: [String]? = nil
) throws(DatasetError) -> IDXDataset {
  let name = lastComponent(images)
  let folder = String(images.dropLast(name.count))
  let plain = withoutGzip(name)
  for (from, to) in [
    ("images-idx3-ubyte", "labels-idx1-ubyte"), ("images.idx3-ubyte", "labels.idx1-ubyte"),
  ] where plain.hasSuffix(from) {
    for suffix in ["", ".gz"] {
      let labels = folder + plain.dropLast(from.count) + to + suffix
      if PathKind(labels) == .file {
        return try IDXDataset(images: images, labels: labels, classes: classes)
      }
    }
  }
  return try IDXDataset(images: images, labels: nil)
}

/// One IDX file of bytes.
struct IDXFile {
  let shape: [Int]
  let values: [UInt8]

  var count: Int { shape[0] }

  init(_ path: String, dimensions: Int) throws(DatasetError) {
    do throws(FileError) {
      let limit = IDXDataset.largestSet
      let bytes = try wholeFile(path, limit: limit)
      let header = 4 + 4 * dimensions
      if bytes.starts(with: [0x1F, 0x8B]) {
        var shape: [Int] = []
        let unpacked = try unpackedGzip(bytes, prefix: header) { head throws(FileError) in
          shape = try Self.shape(head, dimensions)
          return try header + Self.volume(shape, limit)
        }
        self.shape = shape
        values = Array(unpacked[header...])
      } else {
        shape = try Self.shape(Array(bytes.prefix(header)), dimensions)
        let volume = try Self.volume(shape, limit)
        guard bytes.count == header + volume else {
          throw FileError(
            .malformed,
            "has \(bytes.count) bytes; its header says \(header + volume): fetch it again")
        }
        values = Array(bytes[header...])
      }
    } catch {
      throw DatasetError(error.named(path))
    }
  }

  private static func shape(_ head: [UInt8], _ dimensions: Int) throws(FileError) -> [Int] {
    guard head.count == 4 + 4 * dimensions else {
      throw FileError(
        .malformed, "is too short for an IDX file of \(dimensions) dimensions; fetch it again")
    }
    guard head[..<4].elementsEqual([0, 0, 8, UInt8(dimensions)]) else {
      let found = head[..<4].map { String($0, radix: 16) }.joined(separator: " ")
      throw FileError(
        .malformed,
        "begins with \(found); an IDX file of bytes in \(dimensions) dimensions begins with "
          + "0 0 8 \(dimensions)")
    }
    return (0..<dimensions).map { d in
      head[4 + 4 * d..<8 + 4 * d].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  private static func volume(_ shape: [Int], _ limit: Int) throws(FileError) -> Int {
    var volume = 1
    for side in shape {
      let (product, overflow) = volume.multipliedReportingOverflow(by: side)
      guard !overflow, product <= limit else {
        throw FileError(
          .tooLarge, "declares \(shape) bytes; at most \(limit) are read into memory")
      }
      volume = product
    }
    return volume
  }
}

func withoutGzip(_ name: String) -> String {
  name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
}

extension IDXDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .memory }
}

/// A file of IDX images, with the file of labels beside it.
struct IDXFileFormat: DatasetFormat {
  var name: String { "an IDX file or folder" }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && withoutGzip(path.lastName).hasSuffix("idx3-ubyte")
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try openIDX(images: path.path, classes: request.classes)
  }
}

/// A folder with the files of an IDX set.
struct IDXFolderFormat: DatasetFormat {
  var name: String { IDXFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool { IDXFolder(path.path, names: path.names) != nil }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let set = IDXFolder(path.path, names: path.names) else {
      preconditionFailure("\(path.path) is no IDX folder")
    }
    return try set.open(request.split, classes: request.classes)
  }
}
