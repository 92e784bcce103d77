import Foundation
import Imaging
import Testing

@testable import Datasets

/// Sets of pictures with label maps, and what is said of those that are none.
@Suite struct LabelMapDatasetTests {
  /// A label map of rows.
  static func map(_ rows: [[UInt16]]) -> LabelMap {
    LabelMap(width: rows[0].count, height: rows.count, labels: rows.flatMap { $0 })
  }

  private func write(
    _ folder: TemporaryFolder, _ images: String, _ labels: String, count: Int = 2,
    of map: LabelMap = map([[0, 1, 2, LabelMap.ignored]]), from first: Int = 0
  ) throws {
    let picture = ByteImage(
      width: map.width, height: map.height, channels: 1,
      pixels: map.labels.map { UInt8(truncatingIfNeeded: $0) })
    for number in first..<first + count {
      try folder.write("\(images)/\(number).jpg", picture.encodedAsJPEG())
      try folder.write("\(labels)/\(number).png", map.encodedAsPNG())
    }
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test func `ADE20K is known by its folders, and 0 is ignored`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images/training", "annotations/training", of: Self.map([[0, 1, 150]]))
    try write(folder, "images/validation", "annotations/validation", of: Self.map([[2, 3, 0]]))
    let set = try openLabelMaps(at: folder.path)
    #expect(ade20KClasses.count == 150 && Set(ade20KClasses).count == 150)
    #expect(set.pixelClasses == ade20KClasses)
    #expect(set.count == 2 && set.classes == nil && set.label(of: 0) == nil)
    #expect(try set.labelMap(of: 0).labels == [LabelMap.ignored, 0, 149])
    let validation = try openLabelMaps(at: folder.path, split: .validation)
    #expect(try validation.labelMap(of: 1).labels == [1, 2, LabelMap.ignored])
    #expect(
      set.numbering.stored(Self.map([[0, 149, LabelMap.ignored]])).labels == [
        1, 150, LabelMap.ignored,
      ])
    #expect(holdsLabelMaps(folder.path))
  }

  @Test func `two folders with a class table are read in every layout`() throws {
    for (images, labels) in [
      ("images", "labels"), ("images/train", "labels/train"), ("train/images", "train/masks"),
      ("images/training", "masks/training"),
    ] {
      let folder = try TemporaryFolder()
      try write(folder, images, labels)
      try folder.write("classes.csv", "id,name\n0,ground\n1,tree\n2,car\n")
      let set = try openLabelMaps(at: folder.path)
      #expect(set.pixelClasses == ["ground", "tree", "car"], "\(images)")
      #expect(try set.labelMap(of: 1).labels == [0, 1, 2, LabelMap.ignored])
      #expect(set.name(of: 1) == "1.jpg")
    }
  }

  @Test func `what zero is has to be said where the set does not say it`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels")
    try folder.write("classes.csv", "id,name\n1,tree\n2,car\n9,void\n")
    #expect(
      message { _ = try openLabelMaps(at: folder.path) }
        .hasSuffix(
          "does not say what 0 is; give it a line, or say --zero-is background or --zero-is ignored "
            + "(labels.zeroIs)"))
    let background = try openLabelMaps(at: folder.path, rules: LabelRules(zeroIs: .background))
    #expect(background.pixelClasses == ["background", "tree", "car"])
    #expect(try background.labelMap(of: 0).labels == [0, 1, 2, LabelMap.ignored])
    let ignored = try openLabelMaps(at: folder.path, rules: LabelRules(zeroIs: .ignored))
    #expect(ignored.pixelClasses == ["tree", "car"])
    #expect(
      try ignored.labelMap(of: 0).labels == [LabelMap.ignored, 0, 1, LabelMap.ignored])
    #expect(ignored.numbering.ignoredIDs == [9, 0])
  }

  @Test func `colours become classes by a table`() throws {
    let folder = try TemporaryFolder()
    let colours = ByteImage(
      width: 3, height: 1, channels: 3, pixels: [0, 0, 0, 128, 64, 0, 255, 255, 255])
    for name in ["a", "b"] {
      try folder.write("images/\(name).png", colours.encodedAsPNG())
      try folder.write("labels/\(name).png", colours.encodedAsPNG())
    }
    try folder.write(
      "classes.csv", "id,name,red,green,blue\n0,road,128,64,0\n1,sky,0,0,0\n2,void,255,255,255\n")
    let set = try openLabelMaps(at: folder.path)
    #expect(set.pixelClasses == ["road", "sky"])
    #expect(try set.labelMap(of: 0).labels == [1, 0, LabelMap.ignored])
    try folder.write("classes.csv", "id,name,red,green,blue\n0,road,128,64,0\n1,sky,0,0,0\n")
    let other = try openLabelMaps(at: folder.path)
    #expect(
      message { _ = try other.labelMap(of: 0) }
        .contains(
          "labels/a.png: has the colour 255 255 255 at column 2, row 0, which is of no class"))
    try folder.write("classes.csv", "id,name\n0,road\n1,sky\n")
    let numbers = try openLabelMaps(at: folder.path)
    #expect(message { _ = try numbers.labelMap(of: 0) }.contains("is a PNG file of colours"))
  }

  @Test func `maps of 16 bits have their own number for what is ignored`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels", of: Self.map([[0, 300, LabelMap.ignored]]))
    try folder.write("classes.csv", "id,name\n0,a\n255,c\n300,b\n")
    let set = try openLabelMaps(at: folder.path)
    #expect(try set.labelMap(of: 0).labels == [0, 2, LabelMap.ignored])
  }

  @Test func `a number that is of no class is named with its place`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels", of: Self.map([[0, 1], [0, 7]]))
    try folder.write("classes.txt", "ground\ntree\n")
    let set = try openLabelMaps(at: folder.path)
    #expect(
      message { _ = try set.labelMap(of: 0) }.hasSuffix(
        "labels/0.png: has the label 7 at column 1, row 1; the classes have the numbers 0 to 1 (2 of "
          + "them): add it to the class table, or correct the file"))
  }

  @Test func `a map of another size is refused`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels")
    try folder.write("labels/1.png", Self.map([[0, 1], [2, 1]]).encodedAsPNG())
    try folder.write("classes.txt", "ground\ntree\ncar\n")
    let set = try openLabelMaps(at: folder.path)
    #expect(
      message { _ = try set.labelMap(of: 1) }.hasSuffix(
        "labels/1.png: has 2×2 pixels; its picture 1.jpg has 4×1: write both at one size"))
  }

  @Test func `pictures and maps that do not belong together are named`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels", count: 3)
    try folder.write("classes.txt", "ground\ntree\ncar\n")
    try folder.writeImage("images/lonely.png")
    try folder.write("labels/unused.png", Self.map([[0]]).encodedAsPNG())
    #expect(
      message { _ = try openLabelMaps(at: folder.path) }.contains(
        "has no label map for 1 of 4 pictures of \(folder.path)/images (lonely.png)"))
    try FileManager.default.removeItem(atPath: folder.path + "/images/lonely.png")
    let set = try openLabelMaps(at: folder.path)
    #expect(set.notes == ["1 label map is without a picture"])
    let single = try TemporaryFolder()
    try write(single, "images", "labels", count: 1)
    try single.write("classes.txt", "ground\ntree\ncar\n")
    #expect(message { _ = try openLabelMaps(at: single.path) }.contains("expected at least 2"))
  }

  @Test func `sets without label maps or classes say what is expected`() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { _ = try openLabelMaps(at: folder.path + "/none") }.contains("there is nothing here")
    )
    #expect(
      message { _ = try openLabelMaps(at: folder.path) }.contains("has no label maps; expected"))
    #expect(!holdsLabelMaps(folder.path))
    try write(folder, "images", "labels")
    #expect(
      message { _ = try openLabelMaps(at: folder.path) }.contains(
        "does not say which classes its label maps have; add classes.csv"))
    #expect(
      message { _ = try openLabelMaps(at: folder.path, split: .validation) }
        .contains("has no validation part"))
  }

  @Test(arguments: [
    ("name;id\n", "begins with the line \"name;id\"; expected id,name or"),
    ("id,name\n1,a\n1,b\n", "gives two classes the number 1"),
    ("id,name\n1,a\n2,a\n", "has two classes called \"a\""),
    ("id,name\nx,a\n", "line 2 is \"x,a\"; expected id,name"),
    ("id,name\n70000,a\n", "the number 70000; expected 0 to 65534"),
    ("id,name\n", "lists no classes"),
    (
      "id,name,red,green,blue\n1,a,300,0,0\n", "line 2 has a colour that is not red, green and blue"
    ),
    ("id,name\n1,\n", "gives no name to the class 1"),
  ])
  func `a class table that is none is refused`(text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("classes.csv", text)
    #expect(message { _ = try ClassTable(path: path) }.contains(expected))
  }

  @Test func `ADE20K's own table of classes is read`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "objectInfo150.txt",
      "Idx\tRatio\tTrain\tVal\tName\n1\t0.15\t11664\t1172\twall\n2\t0.1\t6046\t612\tbuilding, edifice\n"
    )
    let table = try ClassTable(path: path)
    #expect(table.numbering(zeroIs: .ignored).names == ["wall", "building"])
    #expect(!table.saysWhatZeroIs)
  }

  @Test func `objects of a COCO file are painted, small ones over large ones`() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] { try folder.writeImage("train/\(name).png", side: 4) }
    let objects = [
      #"{"id": 1, "image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1], "area": 1, "#
        + #""segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]}"#,
      #"{"id": 2, "image_id": 1, "category_id": 5, "bbox": [0, 0, 4, 1], "area": 4, "#
        + #""segmentation": [[0, 0, 4, 0, 4, 1, 0, 1]]}"#,
      #"{"id": 3, "image_id": 1, "category_id": 9, "bbox": [0, 0, 4, 2], "area": 1, "iscrowd": 1, "#
        + #""segmentation": {"size": [4, 4], "counts": [0, 2, 2, 2, 2, 2, 2, 2, 2]}}"#,
    ]
    let file = """
      {"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4},
       {"id": 2, "file_name": "b.png", "width": 4, "height": 4}],
       "annotations": [\(objects.joined(separator: ","))],
       "categories": [{"id": 9, "name": "dog"}, {"id": 5, "name": "cat"}]}
      """
    let path = try folder.write("annotations/instances_train.json", file)
    #expect(
      message { _ = try openLabelMaps(at: folder.path) }.contains(
        "does not say what pixels without an object are; say --zero-is background"))
    let set = try openLabelMaps(at: folder.path, rules: LabelRules(zeroIs: .background))
    #expect(set.pixelClasses == ["background", "cat", "dog"])
    #expect(
      try set.labelMap(of: 0).labels == [2, 1, 1, 1, 2, 2, 2, 2] + [UInt16](repeating: 0, count: 8))
    #expect(try set.labelMap(of: 1).labels.allSatisfy { $0 == 0 })
    let ignored = try COCOLabelMaps(
      annotations: path, pictures: folder.path + "/train", rules: LabelRules(zeroIs: .ignored))
    #expect(try ignored.labelMap(of: 0).labels.prefix(2) == [1, 0])
    #expect(try ignored.labelMap(of: 1).labels.allSatisfy { $0 == LabelMap.ignored })

    try folder.writeImage("train/b.png", side: 5)
    #expect(
      message { _ = try set.labelMap(of: 1) }.contains(
        "b.png: has 5×5 pixels; instances_train.json says 4×4: correct the file"))
    try FileManager.default.removeItem(atPath: folder.path + "/train/b.png")
    do throws(DatasetError) {
      _ = try openLabelMaps(at: folder.path, rules: LabelRules(zeroIs: .background))
      Issue.record("taken")
    } catch {
      #expect(error.kind == .missing)
      #expect(error.reason.contains("lacks 1 of the 2 pictures of instances_train.json (b.png)"))
    }
  }

  @Test func `a part of a set is part of a larger part`() throws {
    let folder = try TemporaryFolder()
    try write(folder, "images", "labels", count: 20)
    try folder.write("classes.txt", "ground\ntree\ncar\n")
    let set = try openLabelMaps(at: folder.path)
    func names(_ fraction: Double, _ seed: UInt64 = 1) -> [String] {
      let part = LabelMapSubset(set, fraction: fraction, seed: seed)
      return (0..<part.count).map { part.name(of: $0) }
    }
    #expect(names(0.01).count == 1 && names(0.25).count == 5 && names(1).count == 20)
    #expect(Set(names(0.1)).isSubset(of: names(0.2)) && names(0.2) != names(0.2, 2))
  }

  @Test func `batches do not depend on the number of workers or on where they begin`() throws {
    let folder = try TemporaryFolder()
    for number in 0..<9 {
      var map = LabelMap(width: 13 + number, height: 11, of: 0)
      for y in 0..<11 {
        for x in 0..<map.width {
          map[x, y] = x == 3 ? LabelMap.ignored : UInt16((x + y + number) % 3)
        }
      }
      let picture = ByteImage(
        width: map.width, height: 11, channels: 1,
        pixels: map.labels.map { $0 == LabelMap.ignored ? 200 : UInt8($0) })
      try folder.write("images/\(number).png", picture.encodedAsPNG())
      try folder.write("labels/\(number).png", map.encodedAsPNG())
    }
    try folder.write("images/broken.png", [1, 2, 3])
    try folder.write("labels/broken.png", [1, 2, 3])
    try folder.write("classes.txt", "a\nb\nc\n")
    let set = try openLabelMaps(at: folder.path)
    let augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 44, height: 11), minRatio: 1, maxRatio: 1,
      crop: PixelSize(width: 9, height: 13), photometric: nil)
    func batches(_ steps: Range<Int>, workers: Int) throws -> [(String, [UInt8], [Int16])] {
      let loader = LabelMapLoader(
        set, augmentation: augmentation,
        normalization: PixelNormalization(mean: [0.9], std: [1]), batch: 4, seed: 3,
        startingAt: steps.lowerBound, workers: workers, brokenFraction: 0.2)
      defer { loader.stop() }
      return try steps.map { step in
        let batch = try loader.next()
        #expect(batch.number == step && batch.count == 4 && batch.channels == 1)
        return ("\(batch.names)", batch.pixelBytes, batch.labelValues)
      }
    }
    let one = try batches(0..<6, workers: 1)
    let three = try batches(0..<6, workers: 3)
    let later = try batches(2..<6, workers: 2)
    for (a, b) in zip(one, three) { #expect(a == b) }
    for (a, b) in zip(one.dropFirst(2), later) { #expect(a == b) }
    for (_, pixels, labels) in one {
      #expect(pixels.count == labels.count && pixels.count == 4 * 9 * 13)
      // The picture is its labels; what was ignored is 200 and padding the mean.
      for (pixel, label) in zip(pixels, labels) {
        #expect(label == -1 ? [200, 230].contains(pixel) : Int16(pixel) == label)
      }
    }
  }
}
