import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct PlacesFolderTests {
  /// Places365 with three classes, as torchvision and the archives lay it out.
  static func places365(
    lists: String = "", training: String = "data_256_standard", validation: String = "val_256"
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let home = lists.isEmpty ? "" : lists + "/"
    try folder.write(
      home + "categories_places365.txt",
      "/a/airfield 0\n/a/apartment_building/outdoor 1\n/z/zen_garden 2\n")
    try folder.write(
      home + "places365_train_standard.txt",
      """
      /a/airfield/00000001.png 0
      /z/zen_garden/00000001.png 2
      /a/apartment_building/outdoor/00000001.png 1

      """)
    try folder.write(home + "places365_val.txt", "Places365_val_00000001.png 2\n")
    try folder.write(home + "places365_test.txt", "Places365_test_00000001.png\n")
    try folder.writeImage(training + "/a/airfield/00000001.png", gray: 1)
    try folder.writeImage(training + "/z/zen_garden/00000001.png", gray: 2)
    try folder.writeImage(training + "/a/apartment_building/outdoor/00000001.png", gray: 3)
    try folder.writeImage(validation + "/Places365_val_00000001.png", gray: 4)
    return folder
  }

  @Test(arguments: [
    ("", "data_256_standard", "val_256"), ("", "data_large_standard", "val_large"),
    ("filelist_places365-standard", "data_256", "val_256"), ("meta", "data_large", "val_256"),
  ]) func `Places365`(lists: String, training: String, validation: String) throws {
    let folder = try Self.places365(lists: lists, training: training, validation: validation)
    let train = try openDataset(at: folder.path)
    checkImageDataset(train)
    #expect(train.classes == ["airfield", "apartment_building/outdoor", "zen_garden"])
    #expect((0..<3).map { train.label(of: $0) } == [0, 2, 1])
    #expect(train.name(of: 0) == "a/airfield/00000001.png")
    #expect(try train.image(at: 2, channels: 1) == grayImage(3))
    let val = try openDataset(at: folder.path, split: .validation, classes: train.classes)
    checkImageDataset(val)
    #expect(val.count == 1 && val.label(of: 0) == 2 && val.classes == train.classes)
    let other = try openDataset(
      at: folder.path, split: .validation, classes: ["zen_garden", "beach"])
    #expect(other.label(of: 0) == 0)
  }

  @Test func `both parts in the same size, and the list whose images are there`() throws {
    let folder = try Self.places365()
    try folder.writeImage("data_large_standard/a/airfield/00000001.png", gray: 9)
    #expect(try openDataset(at: folder.path).image(at: 0, channels: 1) == grayImage(1))
    try folder.writeImage("val_large/Places365_val_00000001.png", gray: 8)
    #expect(try openDataset(at: folder.path).image(at: 0, channels: 1) == grayImage(9))
    let val = try openDataset(at: folder.path, split: .validation)
    #expect(try val.image(at: 0, channels: 1) == grayImage(8))
    try FileManager.default.removeItem(atPath: folder.path + "/data_large_standard")
    try FileManager.default.moveItem(
      atPath: folder.path + "/data_256_standard", toPath: folder.path + "/data_256_challenge")
    try folder.write("places365_train_challenge.txt", "/z/zen_garden/00000001.png 2\n")
    #expect(try openDataset(at: folder.path).count == 1)
  }

  @Test func `Places205`() throws {
    for (lists, images) in [
      ("trainvalsplit_places205/", "data/vision/torralba/deeplearning/images256"),
      ("", "images256"),
    ] {
      let folder = try TemporaryFolder()
      try folder.writeImage(images + "/a/abbey/gsun_1.png", gray: 1)
      try folder.writeImage(images + "/a/apartment_building/outdoor/2.png", gray: 2)
      try folder.writeImage(images + "/a/abbey/3.png", gray: 3)
      try folder.write(
        lists + "train_places205.csv",
        "a/abbey/gsun_1.png 0\na/apartment_building/outdoor/2.png 2\n")
      try folder.write(lists + "val_places205.csv", "a/abbey/3.png 0\n")
      let train = try openDataset(at: folder.path)
      checkImageDataset(train)
      #expect(train.classes == ["abbey", "1", "apartment_building/outdoor"])
      #expect((0..<2).map { train.label(of: $0) } == [0, 2])
      let val = try openDataset(at: folder.path, split: .validation, classes: train.classes)
      checkImageDataset(val)
      #expect(val.classes == train.classes)
      #expect(try val.image(at: 0, channels: 1) == grayImage(3))
    }
  }

  @Test func `what is wrong is said`() throws {
    func problem(_ file: String, _ text: String?) throws -> DatasetError? {
      let folder = try Self.places365()
      if let text {
        try folder.write(file, text)
      } else {
        try FileManager.default.removeItem(atPath: folder.path + "/" + file)
      }
      return labelError(folder.path)
    }
    let list = "places365_train_standard.txt"
    let categories = "categories_places365.txt"
    #expect(
      try problem(list, "/a/airfield/00000001.png 3\n")?.reason
        == "has class numbers from 3 to 3; expected 0 to 2")
    #expect(
      try problem(list, "/a/airfield/00000001.png -1\n")?.reason
        == "has class numbers from -1 to -1; expected 0 to 2")
    #expect(try problem(list, "/a/airfield/00000001.png\n")?.kind == .malformed)
    #expect(try problem(list, "/a/nothing.png 1\n")?.kind == .missing)
    #expect(try problem(categories, "/a/airfield 0\n/b/beach 2\n")?.kind == .malformed)
    #expect(try problem(categories, "/a/airfield 0\n/b/beach 0\n")?.kind == .malformed)
    #expect(try problem(categories, "/a/airfield\n")?.kind == .malformed)
    #expect(try problem(categories, nil)?.kind == .missing)
    #expect(
      try problem("data_256_standard", nil)?.reason
        == "has places365_train_standard.txt and not its images; expected them in "
        + "data_large_standard or data_256_standard")
    #expect(try problem(list, nil)?.kind == .missingSplit)
  }
}
