import FileSystem
import Imaging

extension COCOAnnotations {
  /// Largest file that is read; 4 GiB.
  static let largestFile = 4 << 30

  /// Reads a COCO file from front to back, whatever the order of its parts.
  ///
  /// - Throws: `DatasetError` that names the entry and says what to do: of kind `malformed` unless
  ///   there is no such file.
  public init(path: String) throws(DatasetError) {
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
      try Self(path: path, bytes: bytes)
    }
  }

  /// Reads the text of a COCO file.
  init(path: String, bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    var reader = COCOReader(path: path)
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

  init(path: String) { set = COCOAnnotations(emptyAt: path) }

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

  private func identifier(
    _ scanner: inout JSONScanner
  ) throws(JSONScanner.Failure) -> COCOIdentifier {
    if try scanner.kind() == .string { return .text(try scanner.string()) }
    let value = try scanner.number()
    guard value.rounded() == value, value.magnitude < 0x1p53 else {
      throw scanner.failure("has the id \(value); expected a whole number or a string")
    }
    return .number(Int(value))
  }

  private mutating func readImage(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var id: COCOIdentifier?
    var name: String?
    var (width, height): (Double?, Double?)
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "id" {
        id = try identifier(&scanner)
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
        (1...1_000_000).contains(across), (1...1_000_000).contains(down)
      else { throw scanner.failure("has the size \(width) × \(height); expected whole pixels") }
      size = PixelSize(width: across, height: down)
    }
    set.images.append(COCOAnnotations.Image(id: id, fileName: name, size: size))
  }

  private mutating func readCategory(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var id: COCOIdentifier?
    var name: String?
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "id" {
        id = try identifier(&scanner)
      } else if key == "name" {
        name = try scanner.kind() == .string ? scanner.string() : identifier(&scanner).description
      } else {
        try scanner.skip()
      }
    }
    guard let id else { throw scanner.failure("has no id") }
    set.categories.append(COCOAnnotations.Category(id: id, name: name ?? id.description))
  }

  private mutating func readObject(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var object = RawObject()
    var shape = RawShape()
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "segmentation" {
        shape = try readShape(&scanner)
      } else if key == "bbox" {
        object.box = try readBox(&scanner)
      } else if key == "image_id" {
        object.image = try identifier(&scanner)
      } else if key == "category_id" {
        object.category = try identifier(&scanner)
      } else if key == "id" {
        object.id = try identifier(&scanner)
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
        let mask: RunLengthMask
        if let text = shape.text {
          mask = try RunLengthMask(width: size.width, height: size.height, text: text)
        } else {
          mask = try RunLengthMask(
            width: size.width, height: size.height,
            counts: shape.counts.map { $0.magnitude < 0x1p53 ? Int($0) : -1 })
        }
        object.shape = .runs(set.runs.add(mask.counts), size)
      } catch {
        let name = object.id.map { " (id \($0))" } ?? ""
        throw scanner.failure("has a mask that cannot be read\(name): \(error.reason)")
      }
    }
    raw.append(object)
  }

  /// A mask as it is written.
  fileprivate struct RawShape {
    var polygons: [Double] = []
    var lengths: [Int32] = []
    var isList = false
    var bad = 0
    var size: PixelSize?
    var text: [UInt8]?
    var counts: [Double] = []
  }

  private mutating func keep(_ shape: RawShape, in object: inout RawObject) {
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

  private func readShape(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> RawShape {
    var shape = RawShape()
    switch try scanner.kind() {
    case .null: try scanner.skip()
    case .list:
      shape.isList = true
      var flat: [Double] = []
      try scanner.list { (scanner) throws(JSONScanner.Failure) in
        // Some programs write a single polygon without the list around it.
        guard try scanner.kind() == .list else {
          flat.append(try scanner.number())
          return
        }
        let first = shape.polygons.count
        try scanner.list { (scanner) throws(JSONScanner.Failure) in
          shape.polygons.append(try scanner.number())
        }
        shape.close(from: first)
      }
      if !flat.isEmpty {
        let first = shape.polygons.count
        shape.polygons += flat
        shape.close(from: first)
      }
    case .object:
      try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
        if key == "size" {
          var sides: [Double] = []
          try scanner.list { (scanner) throws(JSONScanner.Failure) in
            sides.append(try scanner.number())
          }
          guard sides.count == 2, let height = Int(exactly: sides[0]),
            let width = Int(exactly: sides[1]), (0...1_000_000).contains(height),
            (0...1_000_000).contains(width)
          else {
            throw scanner.failure("has an RLE of the size \(sides); expected [height, width]")
          }
          shape.size = PixelSize(width: width, height: height)
        } else if key == "counts" {
          if try scanner.kind() == .string {
            shape.text = try scanner.stringBytes { Array($0) }
          } else {
            try scanner.list { (scanner) throws(JSONScanner.Failure) in
              shape.counts.append(try scanner.number())
            }
          }
        } else {
          try scanner.skip()
        }
      }
      guard shape.size != nil else { throw scanner.failure("has an RLE without a size") }
    default:
      throw scanner.failure("has a segmentation that is neither polygons nor an RLE")
    }
    return shape
  }

  private func readBox(
    _ scanner: inout JSONScanner
  ) throws(JSONScanner.Failure) -> SIMD4<Double>? {
    if try scanner.null() { return nil }
    var box = SIMD4<Double>()
    var count = 0
    try scanner.list { (scanner) throws(JSONScanner.Failure) in
      // NaN comes as null from programs that keep to JSON.
      let value = try scanner.null() ? Double.nan : scanner.number()
      if count < 4 { box[count] = value }
      count += 1
    }
    if count == 0 { return nil }
    guard count == 4 else {
      throw scanner.failure("has a bbox of \(count) numbers; expected x, y, width and height")
    }
    return box
  }
}

extension COCOReader.RawShape {
  /// Takes the numbers since `first` as a polygon, unless they are none.
  fileprivate mutating func close(from first: Int) {
    let points = polygons[first...]
    if RunLengthMask.problem(ofPolygon: points) == nil {
      lengths.append(Int32(points.count))
    } else {
      polygons.removeSubrange(first...)
      bad += 1
    }
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
      return nil
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
      return nil
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
