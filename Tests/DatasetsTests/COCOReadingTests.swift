import Imaging
import Testing

@testable import Datasets
@testable import FileSystem

/// COCO files as people and programs write them.
@Suite struct COCOReadingTests {
  static func read(_ text: String) throws(DatasetError) -> COCOAnnotations {
    let bytes = Array(text.utf8)
    var failure: DatasetError?
    let set = bytes.withUnsafeBytes { bytes -> COCOAnnotations? in
      do throws(DatasetError) {
        return try COCOAnnotations(path: "a.json", bytes: bytes)
      } catch {
        failure = error
        return nil
      }
    }
    if let failure { throw failure }
    guard let set else { preconditionFailure("neither a set nor a failure") }
    return set
  }

  /// A file of one picture of 4 × 3 and one category, with those objects.
  static func file(_ objects: String, images: String? = nil, categories: String? = nil) -> String {
    """
    {"info": {"a": [1, {"b": null}, true, -2.5e3]},
     "annotations": [\(objects)],
     "images": [\(images ?? #"{"id": 7, "file_name": "a.png", "width": 4, "height": 3}"#)],
     "categories": [\(categories ?? #"{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}"#)]}
    """
  }

  static let square =
    #"{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 0, 2, 2], "area": 4, "iscrowd": 0, "#

  @Test func `masks of all kinds are read and are the same`() throws {
    let objects = [
      Self.square + #""segmentation": [[1, 0, 3, 0, 3, 2, 1, 2]]}"#,
      #"{"id": 2, "image_id": 7, "category_id": 1, "bbox": [1, 0, 2, 2], "area": 4, "iscrowd": 1,"#
        + #" "segmentation": {"size": [3, 4], "counts": [3, 2, 1, 2, 4]}}"#,
      #"{"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 0, 2, 2], "area": 4, "iscrowd": 0,"#
        + #" "segmentation": {"counts": "32103", "size": [3, 4]}}"#,
    ]
    let set = try Self.read(Self.file(objects.joined(separator: ",\n")))
    #expect(set.categories.map(\.name) == ["dog", "cat"])
    #expect(set.objects.map(\.category) == [1, 0, 0])
    #expect(set.objects.map(\.isCrowd) == [false, true, false])
    let expected = try RunLengthMask(width: 4, height: 3, counts: [3, 2, 1, 2, 4])
    #expect(expected.text == "32103")
    for object in set.objects { #expect(set.mask(of: object) == expected) }
    #expect(set.polygons(of: set.objects[0]) == [[1, 0, 3, 0, 3, 2, 1, 2]])
    #expect(set.problems.lines.isEmpty)
  }

  @Test func `text with escapes, ids that are strings and a byte-order mark are read`() throws {
    let text =
      "\u{FEFF}"
      + Self.file(
        #"{"id": "x", "image_id": "12", "category_id": "c", "bbox": [0, 0, 1, 1], "segmentation": {"#
          + #""size": [3, 4], "counts": "\u00332\u003103"}}"#,
        images: #"{"id": "12", "file_name": "caf\u00e9 \"1\".png", "width": 4, "height": 3}"#,
        categories: #"{"id": "c", "name": "a\/b"}"#)
    let set = try Self.read(text)
    #expect(set.images[0].id == .text("12"))
    #expect(set.images[0].fileName == "café \"1\".png")
    #expect(set.categories[0].name == "a/b")
    #expect(set.mask(of: set.objects[0])?.text == "32103")
  }

  @Test func `decimals are the nearest doubles`() throws {
    let words = [
      "0.1", "123456.78", "1e22", "1.7976931348623157e308", "0.30000000000000004",
      "-9007199254740993", "5e-324", "123456789012345678", "3.14159", "-0.0", "1E-7", "2.5e+3",
    ]
    let text = Array("[\(words.joined(separator: ", "))]".utf8)
    var found: [Double] = []
    try text.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      try scanner.list { (scanner) throws(JSONScanner.Failure) in
        found.append(try scanner.number())
      }
      try scanner.end()
    }
    #expect(found.map(\.bitPattern) == words.compactMap { Double($0)?.bitPattern })
  }

  @Test(arguments: [
    ("", "ends in the middle"),
    (#"{"images": [{"id": 1, "file_name": "a"#, "ends in the middle of images[0]"),
    (#"{"images": [], "annotations": []}"#, "has no \"categories\""),
    ("[]", "is no object; expected"),
    (
      file("", images: #"{"id": 7, "file_name": "a"}, {"id": 7, "file_name": "b"}"#),
      "has two pictures of the id 7; number them apart"
    ),
    (
      file("", images: #"{"id": 7, "file_name": "a"}, {"id": "8", "file_name": "b"}"#),
      "ids of pictures that are numbers and such that are strings"
    ),
    (file("", images: #"{"id": 7}"#), "images[0]: has no file_name"),
    (
      file("", images: #"{"id": 7, "file_name": "a", "width": 0.5, "height": 2}"#),
      "has the size 0.5 × 2.0; expected whole pixels"
    ),
    (
      file("", categories: #"{"id": 1, "name": "a"}, {"id": 1, "name": "b"}"#),
      "has two categories of the id 1"
    ),
    (
      file(#"{"id": 1, "image_id": 8, "category_id": 3, "bbox": [0, 0, 1, 1]}"#),
      "annotations[0] (id 1) is of the image 8, which is not in the file; correct it, or add the image"
    ),
    (
      file(#"{"id": 1, "image_id": "7", "category_id": 3, "bbox": [0, 0, 1, 1]}"#),
      "is of the image \"7\", which is not in the file; the file's own ids are numbers: write both alike"
    ),
    (
      file(#"{"id": 1, "image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1]}"#),
      "is of the category 9"
    ),
    (
      file(#"{"id": 1.5, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1]}"#), "has the id 1.5"
    ),
    (
      file(square + #""segmentation": []}"# + "," + square + #""segmentation": []}"#),
      "annotations[1] has the id 1, which another has too"
    ),
    (
      file(square + #""segmentation": {"size": [3, 5], "counts": [15]}}"#),
      "has a mask of the size [3, 5]; its picture 7 has [3, 4]"
    ),
    (
      file(square + #""segmentation": {"size": [3, 4], "counts": [5]}}"#),
      "mask that cannot be read (id 1): the runs of its RLE add up to 5 pixels"
    ),
    (file(square + #""segmentation": {"size": [3, 4], "counts": "~"}}"#), "has byte 126 at 1"),
    (file(square + #""segmentation": {"counts": [12]}}"#), "has an RLE without a size"),
    (file(square + #""segmentation": 5}"#), "neither polygons nor an RLE"),
    (
      file(#"{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1]}"#),
      "has a bbox of 3 numbers"
    ),
    (file(#"{"id": 1, "image_id": 7, "bbox": [0, 0, 1, 1]}"#), "has no category_id"),
    (file(#"{"id": 1 "image_id": 7}"#), "expected a comma or the end of an object"),
    (file("") + "x", "goes on after its end"),
    (String(repeating: "[", count: 5000), "is no object"),
    ("{\"a\": " + String(repeating: "[", count: 5000), "is nested more than 512 deep"),
  ])
  func `what is wrong is named`(text: String, message: String) {
    do throws(DatasetError) {
      _ = try Self.read(text)
      Issue.record("taken")
    } catch {
      #expect(error.kind == .malformed)
      #expect(error.description.contains(message), "\(error)")
      #expect(error.description.hasPrefix("a.json: "))
    }
  }

  @Test func `boxes of corners are suspected`() throws {
    let boxes = [[1, 1, 3, 3], [2, 0, 4, 2], [2, 1, 4, 3], [1, 1, 4, 2]]
    let objects = boxes.enumerated().map { number, box in
      #"{"id": \#(number + 1), "image_id": 7, "category_id": 3, "bbox": \#(box)}"#
    }
    do throws(DatasetError) {
      _ = try Self.read(Self.file(objects.joined(separator: ",")))
      Issue.record("taken")
    } catch {
      #expect(error.description.contains("would fit as left, top, right, bottom"), "\(error)")
    }
  }

  @Test func `what can be lived with is counted, with the first place`() throws {
    let objects = [
      #"{"id": 0, "image_id": 7, "category_id": 3, "bbox": [3, 2, 9, 9], "area": 1, "iscrowd": 0}"#,
      #"{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 1, 0, 1], "area": 1, "iscrowd": 0}"#,
      #"{"id": 2, "image_id": 7, "category_id": 3, "bbox": [NaN, 1, 1, 1], "area": 1, "iscrowd": 0}"#,
      #"{"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2], "area": 1, "iscrowd": 0, "#
        + #""segmentation": [[0, 0, 1], [0, 0, 1, 1]]}"#,
      #"{"id": 4, "image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2], "#
        + #""segmentation": [[0, 0, 2, 0, 2, 2, 0, 2], [1, 1]]}"#,
      #"{"image_id": 7, "category_id": 3, "area": 4, "iscrowd": 1, "#
        + #""segmentation": [0, 0, 2, 0, 2, 2, 0, 2]}"#,
    ]
    let set = try Self.read(
      Self.file(
        objects.joined(separator: ","),
        images: #"{"id": 7, "file_name": "a", "width": 4, "height": 3}, "#
          + #"{"id": 8, "file_name": "empty", "width": 4, "height": 3}"#,
        categories: #"{"id": 3, "name": "cat"}, {"id": 4, "name": "cat"}"#))
    let counts = set.problems.counts
    #expect(
      counts == [
        .zeroID: 1, .boxOutside: 1, .emptyBox: 2, .badPolygon: 3, .noPolygon: 1, .noCrowdFlag: 1,
        .noArea: 1, .noID: 1, .noBox: 1, .polygonCrowd: 1, .noMask: 3, .emptyImage: 1, .sameName: 2,
      ])
    #expect(set.objects.map(\.id) == [.number(0), .number(4), nil])
    #expect(set.objects[1].area == 4 && set.objects[2].box == SIMD4(0, 0, 2, 2))
    #expect(set.categories.map(\.name) == ["cat (3)", "cat (4)"])
    #expect(set.problems.examples[.badPolygon] == "id 3")
    #expect(set.problems.lines.contains { $0.hasPrefix("1 objects have the id 0") })
  }

  @Test func `a file that is not there and a folder are refused`() throws {
    let folder = try TemporaryFolder()
    for (path, kind) in [(folder.path + "/none.json", DatasetError.Kind.missing)] {
      do throws(DatasetError) {
        _ = try COCOAnnotations(path: path)
        Issue.record("taken")
      } catch {
        #expect(error.kind == kind)
      }
    }
  }
}
