import FileSystem
public import Imaging

/// Detections as programs write them for COCO: a JSON list of `image_id`, `category_id`, `bbox`,
/// `score` and, of masks, `segmentation`.
public struct DetectionResults: Sendable {
  /// A detection.
  public struct Detection: Sendable {
    /// The number of its picture in the annotations.
    public var image: Int
    /// The number of its class in the annotations.
    public var category: Int
    /// How sure the model is.
    public var score: Double
    /// Left, top, width and height; nil where the file has none.
    public var box: SIMD4<Double>?
    /// Its mask; nil where the file has none.
    public var mask: RunLengthMask?

    /// Describes a detection.
    public init(
      image: Int, category: Int, score: Double, box: SIMD4<Double>?, mask: RunLengthMask? = nil
    ) {
      self.image = image
      self.category = category
      self.score = score
      self.box = box
      self.mask = mask
    }
  }

  /// The detections in the order of the file.
  public private(set) var detections: [Detection] = []

  /// Takes detections that are there.
  public init(_ detections: [Detection]) { self.detections = detections }

  /// Reads a file of detections on the pictures of a set.
  ///
  /// - Parameter needsMasks: whether masks are read; they are skipped otherwise.
  /// - Throws: `DatasetError` that names the entry: a picture or category that the set has not, a
  ///   score that is no number, a mask that cannot be read or has another size. An empty list is no
  ///   error.
  public init(
    path: String, of set: COCOAnnotations, needsMasks: Bool = false
  ) throws(DatasetError) {
    let file: MappedFile
    do throws(FileError) {
      guard PathKind(path) != .nothing else {
        throw FileError(path: path, kind: .missing, message: "there is no such file")
      }
      file = try MappedFile(path)
    } catch {
      throw DatasetError(error)
    }
    try file.withBytes { (bytes) throws(DatasetError) in
      try read(bytes, path: path, of: set, needsMasks: needsMasks)
    }
  }

  init(
    path: String, bytes: UnsafeRawBufferPointer, of set: COCOAnnotations, needsMasks: Bool
  ) throws(DatasetError) {
    try read(bytes, path: path, of: set, needsMasks: needsMasks)
  }

  private mutating func read(
    _ bytes: UnsafeRawBufferPointer, path: String, of set: COCOAnnotations, needsMasks: Bool
  ) throws(DatasetError) {
    var reader = Reader(set, needsMasks: needsMasks)
    do throws(JSONScanner.Failure) {
      var scanner = JSONScanner(bytes)
      guard try scanner.kind() == .list else {
        throw scanner.failure(
          "is no list; expected [{\"image_id\": …, \"category_id\": …, \"bbox\": …, \"score\": …}, …]"
        )
      }
      try scanner.list { (scanner) throws(JSONScanner.Failure) in try reader.read(&scanner) }
      try scanner.end()
    } catch {
      let place = "entry \(reader.detections.count)"
      if error.message == "is cut off" {
        throw DatasetError(
          .malformed, path: path,
          "ends in the middle of \(place) after \(bytes.count) bytes; fetch or write it again")
      }
      throw DatasetError(.malformed, path: path, "\(place): \(error.message) (byte \(error.place))")
    }
    detections = reader.detections
  }

  private struct Reader {
    var detections: [Detection] = []
    private let images: [COCOIdentifier: Int]
    private let categories: [COCOIdentifier: Int]
    private let set: COCOAnnotations
    private let needsMasks: Bool

    init(_ set: COCOAnnotations, needsMasks: Bool) {
      self.set = set
      self.needsMasks = needsMasks
      func places(_ ids: [COCOIdentifier]) -> [COCOIdentifier: Int] {
        Dictionary(ids.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      }
      images = places(set.images.map { $0.id })
      categories = places(set.categories.map { $0.id })
    }

    mutating func read(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
      var (image, category, score): (Int?, Int?, Double?)
      var box: SIMD4<Double>?
      var shape: COCOShape?
      try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
        if key == "image_id" {
          let id = try scanner.identifier()
          guard let place = images[id] else {
            throw scanner.failure("is of the picture \(id), which the annotations do not have")
          }
          image = place
        } else if key == "category_id" {
          let id = try scanner.identifier()
          guard let place = categories[id] else {
            throw scanner.failure(
              "is of the category \(id); the annotations have "
                + set.categories.prefix(8).map { "\($0.id) \($0.name)" }.joined(separator: ", ")
                + (set.categories.count > 8 ? ", …" : ""))
          }
          category = place
        } else if key == "score" {
          score = try scanner.number()
        } else if key == "bbox" {
          box = try scanner.box()
        } else if key == "segmentation", needsMasks {
          shape = try COCOShape(&scanner)
        } else {
          try scanner.skip()
        }
      }
      guard let image else { throw scanner.failure("has no image_id") }
      guard let category else { throw scanner.failure("has no category_id") }
      guard let score, !score.isNaN else {
        throw scanner.failure("has no score, or one that is no number")
      }
      var detection = Detection(image: image, category: category, score: score, box: box)
      if let shape { detection.mask = try mask(shape, of: image, &scanner) }
      if needsMasks, detection.mask == nil { throw scanner.failure("has no segmentation") }
      if !needsMasks, box == nil { throw scanner.failure("has no bbox") }
      detections.append(detection)
    }

    private func mask(
      _ shape: COCOShape, of image: Int, _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> RunLengthMask? {
      let size = set.images[image].size
      do throws(MaskError) {
        if size == nil, !shape.lengths.isEmpty {
          throw MaskError(
            "it is of polygons, and the annotations give the picture \(set.images[image].id) no width "
              + "and height to fill them in; add both there, or write run lengths")
        }
        guard let mask = try shape.mask(in: size) else { return nil }
        if let size, mask.size != size {
          throw MaskError(
            "its size is [\(mask.height), \(mask.width)]; the picture has "
              + "[\(size.height), \(size.width)]")
        }
        return mask
      } catch {
        throw scanner.failure("has a mask that cannot be read: \(error.reason)")
      }
    }
  }
}
