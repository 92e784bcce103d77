import FileSystem
import Imaging

extension COCOAnnotations {
  /// Largest file that is read; 4 GiB.
  static let largestFile = 4 << 30

  /// Reads a COCO file from front to back, whatever the order of its parts.
  ///
  /// - Parameter forScoring: whether objects are kept that cannot be learned from, as pycocotools
  ///   keeps them: what cannot be found counts as missed.
  /// - Throws: `DatasetError` that names the entry and says what to do: of kind `malformed` unless
  ///   there is no such file.
  public init(path: String, forScoring: Bool = false) throws(DatasetError) {
    let file: MappedFile
    do throws(FileError) {
      guard PathKind(path) != .nothing else {
        throw FileError(path: path, kind: .missing, message: "there is no such file")
      }
      file = try MappedFile(path)
    } catch {
      throw DatasetError(error)
    }
    guard file.count <= Self.largestFile else {
      throw DatasetError(
        .malformed, path: path,
        "has \(file.count) bytes; COCO files of at most \(Self.largestFile) are read: divide it")
    }
    self = try file.withBytes { (bytes) throws(DatasetError) in
      try Self(path: path, bytes: bytes, forScoring: forScoring)
    }
  }

  /// Reads the text of a COCO file.
  init(
    path: String, bytes: UnsafeRawBufferPointer, forScoring: Bool = false
  ) throws(DatasetError) {
    var reader = COCOReader(path: path, keepsAll: forScoring)
    do throws(JSONScanner.Failure) {
      var scanner = JSONScanner(bytes)
      try reader.read(&scanner)
    } catch {
      throw DatasetError(.malformed, path: path, reader.sentence(for: error, of: bytes.count))
    }
    self = try reader.finished()
  }
}

/// What is read of a file before ids are made numbers.
private struct COCOReader {
  private var set: COCOAnnotations
  private var raw: [RawObject] = []
  private var found: Set<String> = []
  /// The part of the file that is being read, and the number of its entry.
  private var part = ""
  private var entry = 0

  private struct RawObject {
    var id: COCOIdentifier?
    var image: COCOIdentifier?
    var category: COCOIdentifier?
    var box: SIMD4<Double>?
    var area: Double?
    var isCrowd: Bool?
    var shape = COCOAnnotations.Shape.none
    /// Whether there was a list of polygons, none of which can be used.
    var hasNoPolygon = false
  }

  /// Whether objects are kept that cannot be learned from.
  private let keepsAll: Bool

  init(path: String, keepsAll: Bool) {
    set = COCOAnnotations(emptyAt: path)
    self.keepsAll = keepsAll
  }

  /// The failure of a scanner as a sentence: which entry, what, and what to do.
  func sentence(for failure: JSONScanner.Failure, of count: Int) -> String {
    if failure.message == "is cut off" {
      return "ends in the middle\(place) after \(count) bytes; fetch or write it again"
    }
    return "byte \(failure.place)\(place): \(failure.message)"
  }

  private var place: String { part.isEmpty ? "" : " of \(part)[\(entry)]" }

  mutating func read(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    guard try scanner.kind() == .object else {
      throw scanner.failure(
        "is no object; expected {\"images\": …, \"annotations\": …, \"categories\": …}")
    }
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "images" {
        try readList("images", &scanner) { (reader, scanner) throws(JSONScanner.Failure) in
          try reader.readImage(&scanner)
        }
      } else if key == "annotations" {
        try readList("annotations", &scanner) { (reader, scanner) throws(JSONScanner.Failure) in
          try reader.readObject(&scanner)
        }
      } else if key == "categories" {
        try readList("categories", &scanner) { (reader, scanner) throws(JSONScanner.Failure) in
          try reader.readCategory(&scanner)
        }
      } else {
        try scanner.skip()
      }
    }
    try scanner.end()
  }

  private mutating func readList(
    _ name: String, _ scanner: inout JSONScanner,
    _ body: (inout COCOReader, inout JSONScanner) throws(JSONScanner.Failure) -> Void
  ) throws(JSONScanner.Failure) {
    found.insert(name)
    part = name
    entry = 0
    try scanner.list { (scanner) throws(JSONScanner.Failure) in
      try body(&self, &scanner)
      entry += 1
    }
    part = ""
  }

  private mutating func readImage(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var id: COCOIdentifier?
    var name: String?
    var (width, height): (Double?, Double?)
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "id" {
        id = try scanner.identifier()
      } else if key == "file_name" {
        name = try scanner.string()
      } else if key == "width" {
        width = try scanner.null() ? nil : scanner.number()
      } else if key == "height" {
        height = try scanner.null() ? nil : scanner.number()
      } else {
        try scanner.skip()
      }
    }
    guard let id else { throw scanner.failure("has no id") }
    guard let name else { throw scanner.failure("has no file_name") }
    var size: PixelSize?
    if let width, let height {
      guard let across = Int(exactly: width), let down = Int(exactly: height),
        (1...65_500).contains(across), (1...65_500).contains(down), across * down <= 1 << 30
      else {
        throw scanner.failure(
          "has the size \(width) × \(height); expected whole pixels, 65500 a side at most")
      }
      size = PixelSize(width: across, height: down)
    }
    set.images.append(COCOAnnotations.Image(id: id, fileName: name, size: size))
  }

  private mutating func readCategory(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var id: COCOIdentifier?
    var name: String?
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "id" {
        id = try scanner.identifier()
      } else if key == "name" {
        name = try scanner.kind() == .string ? scanner.string() : scanner.identifier().description
      } else {
        try scanner.skip()
      }
    }
    guard let id else { throw scanner.failure("has no id") }
    set.categories.append(COCOAnnotations.Category(id: id, name: name ?? id.description))
  }

  private mutating func readObject(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var object = RawObject()
    var shape = COCOShape()
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "segmentation" {
        shape = try COCOShape(&scanner)
      } else if key == "bbox" {
        object.box = try scanner.box()
      } else if key == "image_id" {
        object.image = try scanner.identifier()
      } else if key == "category_id" {
        object.category = try scanner.identifier()
      } else if key == "id" {
        object.id = try scanner.identifier()
      } else if key == "area" {
        object.area = try scanner.null() ? nil : scanner.number()
      } else if key == "iscrowd" {
        object.isCrowd = try scanner.null() ? nil : scanner.bool()
      } else {
        try scanner.skip()
      }
    }
    guard object.image != nil else { throw scanner.failure("has no image_id") }
    guard object.category != nil else { throw scanner.failure("has no category_id") }
    keep(shape, in: &object)
    if let size = shape.size {
      do throws(MaskError) {
        if let mask = try shape.mask(in: nil) {
          object.shape = .runs(set.runs.add(mask.counts), size)
        }
      } catch {
        let name = object.id.map { " (id \($0))" } ?? ""
        throw scanner.failure("has a mask that cannot be read\(name): \(error.reason)")
      }
    }
    raw.append(object)
  }

  private mutating func keep(_ shape: COCOShape, in object: inout RawObject) {
    let name = name(object)
    for _ in 0..<shape.bad { set.problems.add(.badPolygon, name) }
    if !shape.lengths.isEmpty {
      object.shape = .polygons(
        set.numbers.add(shape.polygons), lengths: set.lengths.add(shape.lengths))
    } else if shape.isList {
      object.hasNoPolygon = shape.bad > 0
    }
  }

  private func name(_ object: RawObject) -> String {
    object.id.map { "id \($0)" } ?? "annotations[\(entry)]"
  }
}

extension COCOReader {
  /// The set, its ids made numbers.
  fileprivate mutating func finished() throws(DatasetError) -> COCOAnnotations {
    let path = set.path
    for name in ["images", "annotations", "categories"] where !found.contains(name) {
      throw DatasetError(
        .malformed, path: path,
        "has no \"\(name)\"; expected a COCO file with images, annotations and categories")
    }
    let images = try numbers(of: set.images.map(\.id), "pictures", "images")
    set.categories.sort { $0.id < $1.id }
    let categories = try numbers(of: set.categories.map(\.id), "categories", "categories")
    nameApart()
    var seen: Set<COCOIdentifier> = []
    seen.reserveCapacity(raw.count)
    set.objects.reserveCapacity(raw.count)
    var beyond = 0
    var boxes = 0
    for (number, object) in raw.enumerated() {
      let name = object.id.map { "id \($0)" } ?? "annotations[\(number)]"
      func unknown(_ what: String, _ id: COCOIdentifier, _ known: COCOIdentifier?) -> DatasetError {
        var hint = "correct it, or add the \(what)"
        if let known, case .text = known, case .number = id {
          hint = "the file's own ids are strings: write both alike"
        } else if let known, case .number = known, case .text = id {
          hint = "the file's own ids are numbers: write both alike"
        }
        return DatasetError(
          .malformed, path: path,
          "annotations[\(number)] (\(name)) is of the \(what) \(id), which is not in the file; \(hint)"
        )
      }
      guard let imageID = object.image, let categoryID = object.category else { continue }
      guard let image = images[imageID] else {
        throw unknown("image", imageID, set.images.first?.id)
      }
      guard let category = categories[categoryID] else {
        throw unknown("category", categoryID, set.categories.first?.id)
      }
      if let id = object.id {
        guard seen.insert(id).inserted else {
          throw DatasetError(
            .malformed, path: path,
            "annotations[\(number)] has the id \(id), which another has too; number them apart")
        }
        if id == .number(0) { set.problems.add(.zeroID, name) }
      } else {
        set.problems.add(.noID, name)
      }
      if case .runs(_, let size) = object.shape, let own = set.images[image].size, size != own {
        throw DatasetError(
          .malformed, path: path,
          "annotations[\(number)] (\(name)) has a mask of the size [\(size.height), \(size.width)]; its "
            + "picture \(imageID) has [\(own.height), \(own.width)]")
      }
      if let kept = take(object, image: image, category: category, name: name) {
        set.objects.append(kept)
        if let size = set.images[image].size, object.box != nil {
          boxes += 1
          let box = kept.box
          // Right and bottom in the place of width and height would mostly lie beyond the edge.
          if box.x + box.z > Double(size.width) + 0.5 || box.y + box.w > Double(size.height) + 0.5,
            box.z > box.x, box.w > box.y, box.z <= Double(size.width) + 1,
            box.w <= Double(size.height) + 1
          {
            beyond += 1
          }
        }
      }
    }
    raw = []
    if boxes >= 4, beyond * 2 > boxes {
      throw DatasetError(
        .malformed, path: path,
        "has \(beyond) of \(boxes) boxes that reach beyond their picture as x, y, width, height and "
          + "would fit as left, top, right, bottom; write width and height")
    }
    countEmptyImages()
    return set
  }

  /// The object as it is used; nil where it is left out.
  private mutating func take(
    _ object: RawObject, image: Int, category: Int, name: String
  ) -> COCOAnnotations.Object? {
    var kept = COCOAnnotations.Object(
      id: object.id, image: image, category: category, box: object.box ?? .zero,
      area: object.area ?? -1, isCrowd: object.isCrowd ?? false, shape: object.shape)
    if object.hasNoPolygon {
      set.problems.add(.noPolygon, name)
      if !keepsAll { return nil }
    }
    if object.shape == .none { set.problems.add(.noMask, name) }
    if object.box == nil {
      set.problems.add(.noBox, name)
      let box = set.mask(of: kept)?.box
      kept.box =
        box.map { SIMD4(Double($0.x), Double($0.y), Double($0.width), Double($0.height)) } ?? .zero
    }
    let box = kept.box
    let isWhole = (0..<4).allSatisfy { box[$0].isFinite }
    guard isWhole, box.z > 0, box.w > 0 else {
      set.problems.add(.emptyBox, name)
      return keepsAll ? kept : nil
    }
    if let size = set.images[image].size,
      box.x < 0 || box.y < 0 || box.x + box.z > Double(size.width)
        || box.y + box.w > Double(size.height)
    {
      set.problems.add(.boxOutside, name)
    }
    if object.isCrowd == nil { set.problems.add(.noCrowdFlag, name) }
    if kept.isCrowd, case .polygons = object.shape { set.problems.add(.polygonCrowd, name) }
    if object.area?.isFinite != true {
      set.problems.add(.noArea, name)
      kept.area = set.mask(of: kept).map { Double($0.area) } ?? box.z * box.w
    }
    return kept
  }

  private func numbers(
    of ids: [COCOIdentifier], _ what: String, _ list: String
  ) throws(DatasetError) -> [COCOIdentifier: Int] {
    var places: [COCOIdentifier: Int] = [:]
    places.reserveCapacity(ids.count)
    var (hasNumbers, hasTexts) = (false, false)
    for (place, id) in ids.enumerated() {
      switch id {
      case .number: hasNumbers = true
      case .text: hasTexts = true
      }
      guard places.updateValue(place, forKey: id) == nil else {
        throw DatasetError(
          .malformed, path: set.path, "has two \(what) of the id \(id); number them apart")
      }
    }
    guard !(hasNumbers && hasTexts) else {
      throw DatasetError(
        .malformed, path: set.path,
        "has ids of \(what) that are numbers and such that are strings; write all alike")
    }
    return places
  }

  private mutating func nameApart() {
    let times = Dictionary(set.categories.map { ($0.name, 1) }, uniquingKeysWith: +)
    for i in set.categories.indices {
      let category = set.categories[i]
      guard let count = times[category.name], count > 1 else { continue }
      set.problems.add(.sameName, "\"\(category.name)\"")
      set.categories[i].name = "\(category.name) (\(category.id))"
    }
  }

  private mutating func countEmptyImages() {
    var counts = [Bool](repeating: false, count: set.images.count)
    for object in set.objects { counts[object.image] = true }
    for (image, hasObjects) in counts.enumerated() where !hasObjects {
      set.problems.add(.emptyImage, set.images[image].fileName)
    }
  }
}
