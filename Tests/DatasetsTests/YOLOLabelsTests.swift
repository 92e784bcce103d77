import Imaging
import Testing

@testable import Datasets

/// YOLO's labels, and annotations in another form.
@Suite struct YOLOLabelsTests {
  private func set(_ text: String, names: String = "cat\ndog\n") throws -> (
    TemporaryFolder, COCOAnnotations
  ) {
    let folder = try TemporaryFolder()
    try folder.writeImage("images/a.png", side: 20)
    try folder.writeImage("images/b.png", side: 10)
    try folder.write("labels/a.txt", text)
    try folder.write("classes.txt", names)
    return (folder, try COCOAnnotations(yolo: folder.path))
  }

  @Test func `boxes and polygons are read`() throws {
    let (folder, set) = try set("0 0.5 0.25 0.5 0.3\n\n1 0.1 0.1 0.9 0.1 0.5 0.8\n")
    #expect(set.categories.map(\.name) == ["cat", "dog"])
    #expect(set.images.map(\.fileName) == ["a.png", "b.png"])
    #expect(set.objects[0].box == SIMD4(5, 2, 10, 6) && set.objects[0].area == 60)
    #expect(set.polygons(of: set.objects[1])?[0].count == 6)
    #expect(set.objects[1].box == SIMD4(2, 2, 16, 14))
    #expect(set.problems.counts == [.noMask: 1, .emptyImage: 1])
    for names in ["names: [x, y]\n", "nc: 2\nnames:\n  0: x\n  1: y\n"] {
      let path = try folder.write("data.yaml", names)
      let other = try COCOAnnotations(yolo: folder.path, classes: path)
      #expect(other.categories.map(\.name) == ["x", "y"])
    }
  }

  @Test(arguments: [
    ("cat 0 0 1 1", "line 1 begins with \"cat\"; expected the number of a class"),
    ("\n2 0 0 1 1", "line 2 has the class 2; the classes have the numbers 0 to 1"),
    ("0 0 0 1", "line 1 has 3 numbers after the class"),
    ("0 0 0 1 1 1", "line 1 has 5 numbers after the class"),
    ("0 0 x 1 1", "has \"x\" where a number is expected"),
    ("0 0 nan 1 1", "has \"nan\" where a number is expected"),
    ("0 10 12 30 40", "has a number beyond 2; expected parts of the picture's sides"),
  ])
  func `what is wrong is named`(text: String, message: String) throws {
    do {
      _ = try set(text)
      Issue.record("taken")
    } catch {
      #expect("\(error)".contains("/labels/a.txt: "), "\(error)")
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test func `annotations come back from the other forms`() throws {
    let (folder, first) = try set("0 0.5 0.25 0.5 0.3\n1 0.1 0.1 0.9 0.1 0.5 0.8\n")
    let file = folder.path + "/out/a.json"
    #expect(try first.write(as: .coco, to: file).isEmpty)
    let second = try COCOAnnotations(path: file)
    #expect(second.fileText == first.fileText)
    #expect(second.objects.map(\.box) == first.objects.map(\.box))
    _ = try second.write(as: .yolo, to: folder.path + "/yolo/labels")
    #expect(
      try String(
        decoding: Array(readFile(folder.path + "/yolo/labels/a.txt", limit: 999)), as: UTF8.self)
        == "0 0.500000 0.250000 0.500000 0.300000\n1 0.100000 0.100000 0.900000 0.100000 0.500000 "
        + "0.800000\n")
    #expect(throws: DatasetError.self) {
      _ = try second.write(as: .labels, to: folder.path + "/maps", zeroIs: .background)
    }
    let (other, masks) = try set("1 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n")
    #expect(throws: DatasetError.self) {
      _ = try masks.write(as: .labels, to: other.path + "/maps")
    }
    for zero in ZeroLabel.allCases {
      let out = other.path + "/\(zero.rawValue)"
      _ = try masks.write(as: .labels, to: out, zeroIs: zero)
      let set = try LabelMapFolder(
        pictures: out, labels: out,
        numbering: ClassTable(path: out + "/classes.csv").numbering(zeroIs: nil))
      let names = zero == .background ? ["background", "cat", "dog"] : ["cat", "dog"]
      #expect(set.pixelClasses == names)
      let map = try set.labelMap(of: 0)
      #expect(map[0, 0] == (zero == .background ? 0 : LabelMap.ignored))
      #expect(map[10, 10] == UInt16(names.count - 1))
    }
  }

  @Test func `masks of run lengths keep their pixels in JSON`() throws {
    let set = try COCOReadingTests.read(
      COCOReadingTests.file(
        COCOReadingTests.square + #""segmentation": {"size": [3, 4], "counts": [3, 2, 1, 2, 4]}}"#))
    let again = try COCOReadingTests.read(String(decoding: set.fileText, as: UTF8.self))
    #expect(
      set.objects.compactMap { set.mask(of: $0) } == again.objects.compactMap { again.mask(of: $0) }
    )
    #expect(again.objects[0].area == 4 && again.fileText == set.fileText)
  }
}
