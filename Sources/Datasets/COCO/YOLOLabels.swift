import FileSystem
public import Imaging

extension COCOAnnotations {
  /// Reads YOLO's labels: a text file for each picture with a line for each object, `class x y w h`
  /// (the box's middle and sides, as parts of the picture's) or `class x1 y1 x2 y2 …` (a polygon).
  /// A picture without a file, or with an empty one, has no objects.
  ///
  /// The folder holds `images` and `labels`, each perhaps with the same subfolders; the classes are
  /// those of `classes.txt`, `data.yaml`'s or `dataset.yaml`'s `names`, or of `classes`.
  ///
  /// - Throws: `DatasetError` that names the file and the line.
  public init(
    yolo folder: String, classes: String? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let folder = try PathWords.path(folder)
    let (pictures, labels) = (joined(folder, "images"), joined(folder, "labels"))
    for path in [pictures, labels] where PathKind(path) != .folder {
      throw DatasetError(
        PathKind(folder) == .nothing ? .missing : .malformed, path: folder,
        "has no folder \(lastComponent(path)); expected images and labels")
    }
    let names = try Self.yoloClasses(folder, classes)
    self.init(emptyAt: folder)
    categories = names.enumerated().map { Category(id: .number($0), name: $1) }
    let listing = try FolderListing(pictures)
    guard !listing.images.isEmpty else {
      throw DatasetError(.empty, path: pictures, listing.whyEmpty)
    }
    for name in listing.images {
      let size: PixelSize
      do throws(ImageError) {
        size = try EncodedImage(path: joined(pictures, name), limits: limits).size
      } catch {
        throw DatasetError(error, path: joined(pictures, name))
      }
      images.append(
        Image(id: .number(images.count + 1), fileName: name, size: size))
      let file = joined(labels, LabelMapFolder.stem(name) + ".txt")
      guard PathKind(file) == .file else {
        problems.add(.emptyImage, name)
        continue
      }
      let text: [UInt8]
      do throws(ImageError) {
        text = try readText(file, limit: 1 << 26)
      } catch {
        throw DatasetError(error, path: file)
      }
      let before = objects.count
      try readYOLO(text, path: file, size: size)
      if objects.count == before { problems.add(.emptyImage, name) }
    }
  }

  /// Reads the labels of the last picture.
  mutating func readYOLO(_ text: [UInt8], path: String, size: PixelSize) throws(DatasetError) {
    let lines = String(decoding: text, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: { $0.isNewline })
    for (number, line) in lines.enumerated() {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if words.isEmpty { continue }
      func failure(_ message: String) -> DatasetError {
        DatasetError(.malformed, path: path, "line \(number + 1) \(message)")
      }
      guard let label = Int(words[0]) else {
        throw failure("begins with \"\(words[0].prefix(20))\"; expected the number of a class")
      }
      guard categories.indices.contains(label) else {
        throw failure(
          "has the class \(label); the classes have the numbers 0 to \(categories.count - 1)")
      }
      var values: [Double] = []
      for word in words.dropFirst() {
        guard let value = Double(word), value.isFinite else {
          throw failure("has \"\(word.prefix(20))\" where a number is expected")
        }
        values.append(value)
      }
      guard values.count == 4 || values.count >= 6 && values.count % 2 == 0 else {
        throw failure(
          "has \(values.count) numbers after the class; expected x y width height, or a polygon")
      }
      guard values.allSatisfy({ $0.magnitude <= 2 }) else {
        throw failure("has a number beyond 2; expected parts of the picture's sides, 0 to 1")
      }
      add(values, label: label, name: "\(lastComponent(path)) line \(number + 1)", size: size)
    }
  }

  private mutating func add(
    _ values: [Double], label: Int, name: String, size: PixelSize
  ) {
    let (width, height) = (Double(size.width), Double(size.height))
    var object = Object(
      id: .number(objects.count + 1), image: images.count - 1, category: label, box: .zero,
      area: 0, isCrowd: false, shape: .none)
    if values.count == 4 {
      object.box = SIMD4(
        (values[0] - values[2] / 2) * width, (values[1] - values[3] / 2) * height,
        values[2] * width, values[3] * height)
      object.area = object.box.z * object.box.w
    } else {
      let points = values.enumerated().map { $0 % 2 == 0 ? $1 * width : $1 * height }
      let xs = stride(from: 0, to: points.count, by: 2).map { points[$0] }
      let ys = stride(from: 1, to: points.count, by: 2).map { points[$0] }
      let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
      let (top, bottom) = (ys.min() ?? 0, ys.max() ?? 0)
      object.box = SIMD4(left, top, right - left, bottom - top)
      object.shape = .polygons(numbers.add(points), lengths: lengths.add([Int32(points.count)]))
      object.area = Double(mask(of: object)?.area ?? 0)
    }
    guard object.box.z > 0, object.box.w > 0 else {
      problems.add(.emptyBox, name)
      return
    }
    let box = object.box
    // Middles and sides are rounded; a hair beyond the edge is no mistake.
    if box.x < -0.5 || box.y < -0.5 || box.x + box.z > width + 0.5
      || box.y + box.w > height + 0.5
    {
      problems.add(.boxOutside, name)
    }
    if object.shape == .none { problems.add(.noMask, name) }
    objects.append(object)
  }

  /// Names of classes: a line each, or YAML's `names`, a list or a table by number.
  private static func yoloClasses(_ folder: String, _ file: String?) throws(DatasetError)
    -> [String]
  {
    let found =
      file
      ?? ["classes.txt", "data.yaml", "dataset.yaml", "labels/classes.txt"].map {
        joined(folder, $0)
      }.first { PathKind($0) == .file }
    guard let found else {
      throw DatasetError(
        .malformed, path: folder,
        "does not say which classes it has; add classes.txt (a name a line, from 0), or name one "
          + "(--classes)")
    }
    let text: [UInt8]
    do throws(ImageError) {
      text = try readText(found, limit: 1 << 24)
    } catch {
      throw DatasetError(error, path: found)
    }
    let names =
      ["yaml", "yml"].contains(fileExtension(found))
      ? yamlNames(String(decoding: text, as: UTF8.self))
      : String(decoding: text, as: UTF8.self).split(whereSeparator: { $0.isNewline }).map {
        String($0)
      }
    guard let names, !names.isEmpty else {
      throw DatasetError(
        .malformed, path: found, "lists no classes; expected names: [cat, dog], or a name a line")
    }
    return names
  }
}
