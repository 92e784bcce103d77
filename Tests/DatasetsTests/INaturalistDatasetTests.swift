import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct INaturalistDatasetTests {
  /// A folder as the archives of 2018 make it: category ids with gaps, in no order.
  static func folder(year: Int = 2018) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let images = "train_val\(year)"
    for (i, place) in ["Aves/12/a", "Aves/3/b", "Fungi/40/c", "Aves/12/d"].enumerated() {
      try folder.writeImage("\(images)/\(place).png", gray: i)
    }
    let categories = """
      [{"id": 40, "name": "Amanita muscaria", "supercategory": "Fungi"},
       {"id": 3, "name": "Parus major"}, {"id": 12, "name": "Turdus merula"},
       {"id": 7, "name": "Bubo bubo"}]
      """
    try folder.write(
      "train\(year).json",
      """
      {"info": {"year": \(year)}, "licenses": [{"id": 1}],
       "images": [
         {"id": 900, "file_name": "\(images)/Aves/12/a.png", "width": 4, "license": 1},
         {"id": 5, "file_name": "\(images)/Aves/3/b.png"},
         {"id": 17, "file_name": "\(images)/Fungi/40/c.png"}],
       "annotations": [
         {"id": 1, "image_id": 17, "category_id": 40}, {"id": 2, "image_id": 900, "category_id": 12},
         {"id": 3, "image_id": 5, "category_id": 3}],
       "categories": \(categories)}
      """)
    try folder.write(
      "val\(year).json",
      """
      {"images": [{"id": 1, "file_name": "\(images)/Aves/12/d.png"}],
       "annotations": [{"image_id": 1, "category_id": 12}], "categories": \(categories)}
      """)
    return folder
  }

  @Test(arguments: [2017, 2018, 2019]) func `a folder's two lists`(year: Int) throws {
    let folder = try Self.folder(year: year)
    let train = try openDataset(at: folder.path)
    checkImageDataset(train)
    #expect(
      train.classes == ["Parus major", "Bubo bubo", "Turdus merula", "Amanita muscaria"])
    #expect((0..<3).map { train.label(of: $0) } == [2, 0, 3])
    #expect(train.name(of: 1) == "train_val\(year)/Aves/3/b.png")
    #expect(try train.image(at: 2, channels: 1) == grayImage(2))
    let val = try openDataset(at: folder.path, split: .validation, classes: train.classes)
    checkImageDataset(val)
    #expect(val.classes == train.classes && val.label(of: 0) == 2)
  }

  @Test func `a list by its own path`() throws {
    let folder = try Self.folder()
    let list = folder.path + "/train2018.json"
    #expect(try openDataset(at: list).count == 3)
    #expect(try openDataset(at: folder.path + "/val2018.json").count == 1)
    #expect(try openDataset(at: list, split: .validation).count == 1)
    #expect(
      kind { try openDataset(at: folder.path + "/val2018.json", split: .validation) }
        == .missingSplit)
    // Another part's classes decide the numbers.
    let val = try INaturalistDataset(
      path: folder.path + "/val2018.json", classes: ["x", "Turdus merula"])
    #expect(val.label(of: 0) == 1)
    #expect(
      error { try openDataset(at: folder.path + "/val2018.json", classes: ["x"]) }?.reason
        == "has a class \"Turdus merula\" that the other part of the set lacks; that part has \"x\""
    )
  }

  @Test func `readable names, equal names and no names`() throws {
    let folder = try Self.folder()
    try folder.write(
      "categories.json",
      """
      [{"id": 3, "name": "Same"}, {"id": 7, "name": "Owl"}, {"id": 12, "name": "Same"},
       {"id": 40, "name": "Toadstool"}, {"id": 41, "name": "more"}]
      """)
    let set = try openDataset(at: folder.path)
    #expect(set.classes == ["Same (3)", "Owl", "Same (12)", "Toadstool"])
    // A file of another set is not taken.
    try folder.write("categories.json", #"[{"id": 3, "name": "Other"}]"#)
    #expect(try openDataset(at: folder.path).classes?[0] == "Parus major")
    try FileManager.default.removeItem(atPath: folder.path + "/categories.json")
    let plain = try folder.write(
      "plain.json",
      """
      {"images": [{"id": 1, "file_name": "train_val2018/Aves/12/a.png"}],
       "annotations": [{"image_id": 1, "category_id": 3}]}
      """)
    #expect(try openDataset(at: plain).classes == ["3"])
    let test = try folder.write(
      "test2018.json", #"{"images": [{"id": 1, "file_name": "train_val2018/Aves/12/a.png"}]}"#)
    #expect(try openDataset(at: test).classes == nil)
    #expect(kind { try openDataset(at: test, classes: ["a"]) } == .malformed)
  }

  @Test(arguments: [
    (#"{"images": ["#, "is no JSON that can be read, or is cut short"),
    (#"{"pictures": []}"#, "lacks .images"),
    (
      #"{"images": [{"id": "x", "file_name": "a.png"}]}"#,
      "has a value of another kind at .images[0].id"
    ),
    (#"{"images": []}"#, "lists no images"),
    (
      #"{"images": [{"id": 1, "file_name": "b.png"}]}"#,
      "lists \"b.png\" first, and there is no such"
    ),
    (
      #"{"images": [IMAGE], "annotations": [{"image_id": 1, "category_id": 9}], "categories": [{"id": 1, "name": "x"}]}"#,
      "gives image 1 the category 9, which is not among its 1 categories"
    ),
    (
      #"{"images": [IMAGE], "annotations": [{"image_id": 2, "category_id": 9}]}"#,
      "gives no class to 1 of its 1 images (first a.png)"
    ),
    (
      #"{"images": [IMAGE], "annotations": [{"image_id": 1, "category_id": 9}, {"image_id": 1, "category_id": 8}]}"#,
      "gives image 1 two categories"
    ),
    (
      #"{"images": [IMAGE], "annotations": [{"image_id": 1, "category_id": 9}], "categories": [{"id": 9, "name": "x"}, {"id": 9, "name": "y"}]}"#,
      "has two categories of the id 9"
    ),
  ]) func `bad lists say why`(json: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("a.png")
    let list = try folder.write(
      "train2018.json",
      json.replacingOccurrences(of: "IMAGE", with: #"{"id": 1, "file_name": "a.png"}"#))
    let reason = try #require(labelError(list)?.reason)
    #expect(reason.hasPrefix(expected), "\(reason)")
    #expect(!reason.contains("\n"))
  }

  @Test func `a folder of several years, or of one part`() throws {
    let folder = try Self.folder()
    try folder.write("train2019.json", "{}")
    #expect(
      error { try openDataset(at: folder.path) }?.reason
        == "holds several lists (train2018.json, train2019.json); name one")
    try FileManager.default.removeItem(atPath: folder.path + "/val2018.json")
    #expect(kind { try openDataset(at: folder.path, split: .validation) } == .missingSplit)
  }
}
