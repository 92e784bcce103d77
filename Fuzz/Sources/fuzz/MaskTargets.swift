@testable import Datasets
@testable import Imaging

/// Masks, label maps and COCO files.
let maskTargets: [FuzzTarget] = [
  FuzzTarget(name: "rle", run: readRunLengths, repair: nil),
  FuzzTarget(name: "polygon", run: fillPolygons, repair: nil),
  FuzzTarget(name: "label-png", run: readLabels, repair: repairPNG),
  FuzzTarget(name: "class-table", run: readClassTable, repair: nil),
  FuzzTarget(name: "coco", run: readCOCO, repair: nil),
  FuzzTarget(name: "yolo", run: readYOLO, repair: nil),
]

/// Width and height in two bytes, then COCO's text; and the same bytes as plain counts.
private func readRunLengths(_ bytes: [UInt8]) {
  guard bytes.count >= 2 else { return }
  let (width, height) = (Int(bytes[0]) + 1, Int(bytes[1]) + 1)
  let rest = bytes.dropFirst(2)
  if let mask = try? RunLengthMask(width: width, height: height, text: rest) { check(mask) }
  let counts = rest.map { Int(Int8(bitPattern: $0)) * (rest.count % 3 == 0 ? 97 : 1) }
  if let mask = try? RunLengthMask(width: width, height: height, counts: counts) { check(mask) }
}

private func check(_ mask: RunLengthMask) {
  let (width, height) = (mask.width, mask.height)
  precondition(mask.counts.reduce(0) { $0 + Int($1) } == width * height)
  precondition(mask.counts.dropFirst().allSatisfy { $0 > 0 })
  let again = try? RunLengthMask(width: width, height: height, text: mask.text.utf8)
  precondition(again == mask)
  let pixels = mask.pixels
  precondition(RunLengthMask(width: width, height: height, pixels: pixels) == mask)
  precondition(pixels.reduce(0) { $0 + Int($1) } == mask.area)
  precondition((mask.box == nil) == (mask.area == 0))
  precondition(mask.union(mask) == mask && mask.subtracting(mask).area == 0)
}

/// Width and height in two bytes, then polygons whose coordinates are of two bytes each, in
/// sevenths, or of eight, any double; a byte before each says how many points.
private func fillPolygons(_ bytes: [UInt8]) {
  guard bytes.count >= 3 else { return }
  let (width, height) = (Int(bytes[0]), Int(bytes[1]))
  let size = bytes[2] % 2 == 0 ? 2 : 8
  var rest = bytes.dropFirst(3)
  var polygons: [[Double]] = []
  while let count = rest.popFirst() {
    var points: [Double] = []
    for _ in 0..<Int(count % 32) {
      let part = rest.prefix(size)
      rest = rest.dropFirst(size)
      let word = part.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      points.append(
        size == 2
          ? Double(Int16(truncatingIfNeeded: word)) / 7 : Double(bitPattern: word))
    }
    polygons.append(points)
  }
  guard let mask = try? RunLengthMask(width: width, height: height, polygons: polygons) else {
    return
  }
  if width > 0, height > 0 { check(mask) }
}

/// A label map and what becomes of it: classes, a part of another size, a file again.
private func readLabels(_ bytes: [UInt8]) {
  guard let file = try? EncodedImage(bytes: bytes), file.size.width * file.size.height < 1 << 20,
    let stored = try? LabelMap.stored(in: file)
  else { return }
  precondition(stored.map.size == file.size)
  let numbering = LabelNumbering(
    names: (0..<150).map { "\($0)" }, zeroIs: bytes.count % 2 == 0 ? .background : .ignored)
  guard let map = try? numbering.classes(of: stored) else { return }
  precondition(
    map.labels.allSatisfy { $0 == LabelMap.ignored || Int($0) < numbering.count })
  if let encoded = try? map.encodedAsPNG(),
    let again = try? LabelMap.stored(in: EncodedImage(bytes: encoded))
  {
    precondition(again.map.size == map.size)
  }
  var random = SampleRandom(seed: fingerprint(bytes))
  let augmentation = SegmentationAugmentation(
    scale: PixelSize(width: 32, height: 8), crop: PixelSize(width: 8, height: 8))
  let image = ByteImage(
    width: map.width, height: map.height, channels: 1,
    pixels: map.labels.map { UInt8(truncatingIfNeeded: $0) })
  let example = augmentation.apply(image, map, using: &random)
  precondition(example.labels.size == augmentation.crop)
}

private func readClassTable(_ bytes: [UInt8]) {
  for name in ["classes.csv", "classes.txt", "objectInfo150.txt"] {
    guard let table = try? ClassTable(path: InputFile.holding(bytes, name: name)) else { continue }
    for zero in [nil, ZeroLabel.background, .ignored] { _ = table.numbering(zeroIs: zero) }
  }
}

/// A COCO file and the masks of small pictures in it.
private func readCOCO(_ bytes: [UInt8]) {
  let set: COCOAnnotations
  do throws(DatasetError) {
    set = try COCOAnnotations(path: InputFile.holding(bytes, name: "instances.json"))
  } catch {
    precondition(!error.description.isEmpty)
    return
  }
  for line in set.summaryLines { precondition(!line.isEmpty) }
  for object in set.objects {
    precondition(set.images.indices.contains(object.image))
    precondition(set.categories.indices.contains(object.category))
    precondition(object.box.z > 0 && object.box.w > 0)
    guard let size = set.images[object.image].size, size.width * size.height < 1 << 18 else {
      continue
    }
    if let mask = set.mask(of: object) { precondition(mask.area <= size.width * size.height) }
  }
}

/// Width, height and the number of classes in three bytes, then the labels of a picture; and the same text as
/// the file that names the classes. What is read is written as YOLO has it and read once more.
private func readYOLO(_ bytes: [UInt8]) {
  guard bytes.count >= 3 else { return }
  let size = PixelSize(width: Int(bytes[0]) + 1, height: Int(bytes[1]) + 1)
  let text = Array(bytes.dropFirst(3))
  if let names = yamlNames(String(decoding: text, as: UTF8.self)) {
    precondition(names.count <= text.count)
  }
  var set = COCOAnnotations(emptyAt: "labels")
  set.categories = (0...Int(bytes[2] % 8)).map { .init(id: .number($0), name: "\($0)") }
  set.images = [.init(id: .number(1), fileName: "a.jpg", size: size)]
  do throws(DatasetError) {
    try set.readYOLO(text, path: "labels/a.txt", size: size)
  } catch {
    precondition(!error.description.isEmpty)
    return
  }
  for object in set.objects {
    precondition(set.categories.indices.contains(object.category))
    precondition(object.box.z > 0 && object.box.w > 0)
    if let mask = set.mask(of: object) { precondition(mask.area <= size.width * size.height) }
  }
  var again = COCOAnnotations(emptyAt: "labels")
  (again.categories, again.images) = (set.categories, set.images)
  do throws(DatasetError) {
    for written in try set.yoloTexts() {
      try again.readYOLO(Array(written.utf8), path: "again", size: size)
    }
  } catch {
    preconditionFailure("what was written cannot be read: \(error)")
  }
  precondition(again.objects.count <= set.objects.count)
}
