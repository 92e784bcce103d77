import Foundation
import Imaging
import Testing

@testable import Datasets

/// Labels without images.
private struct LabelledDataset: ImageDataset {
  var classes: [String]?
  var labels: [Int?]
  var count: Int { labels.count }

  init(_ classes: [String]?, _ labels: [Int?]) {
    self.classes = classes
    self.labels = labels
  }

  func label(of index: Int) -> Int? { labels[index] }
  func name(of index: Int) -> String { "image \(index)" }
  func content(of index: Int) throws(ImageError) -> ImageContent { .pixels(grayImage(index)) }
}

@Suite struct ClassAgreementTests {
  private func warnings(
    _ training: LabelledDataset, _ validation: LabelledDataset
  ) throws -> [ClassAgreement.Remark] {
    try ClassAgreement.check(training: training, validation: validation)
  }

  private func problem(_ training: LabelledDataset, _ validation: LabelledDataset) -> String? {
    do {
      _ = try ClassAgreement.check(
        training: training, validation: validation, path: "t", validationPath: "v")
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func `sets that agree`() throws {
    let set = LabelledDataset(["a", "b"], [0, 1, 1])
    #expect(try warnings(set, set).isEmpty)
  }

  @Test func `what cannot be used`() {
    let set = LabelledDataset(["a", "b"], [0, 1])
    let plain = LabelledDataset(nil, [nil, nil])
    #expect(problem(plain, set)?.hasPrefix("t: has no classes") == true)
    #expect(problem(set, plain)?.hasPrefix("v: has no classes") == true)
    let one = LabelledDataset(["a", "b"], [1, 1])
    #expect(
      problem(one, one)
        == "t: has images of one class only (\"b\"); a classifier needs at least two classes")
    #expect(
      problem(set, LabelledDataset(["a", "b"], [0, 2]))
        == "v: gives image 1 the class 2; expected 0 to 1")
    #expect(
      problem(LabelledDataset(["a", "b"], [0, 1, -1]), set)
        == "t: gives image 2 the class -1; expected 0 to 1")
    #expect(
      problem(set, LabelledDataset(["a", "b"], [0, nil]))
        == "v: gives image 1 no class, and other images one; give one to every image")
  }

  @Test func `classes that differ are named on each side`() {
    let set = LabelledDataset(["a", "b", "c", "d", "e"], [0, 1])
    #expect(
      problem(set, LabelledDataset(["a", "x", "y"], [0, 1]))
        == "v: has classes \"x\", \"y\" that the other part of the set lacks; that part has "
        + "\"b\", \"c\", \"d\" and 1 more")
    #expect(
      problem(set, LabelledDataset(["a", "b", "c", "e"], [0, 1]))
        == "v: lacks the class \"d\" of the training set, so that the numbers differ; open it with "
        + "the training set's classes")
    #expect(
      problem(set, LabelledDataset(["a", "b", "c", "e", "d"], [0, 1]))
        == "v: numbers the training set's classes in another order, so that the numbers differ; "
        + "open it with the training set's classes")
  }

  @Test func `classes without images are remarked`() throws {
    let classes = ["a", "b", "c", "d", "e", "f", "g"]
    let found = try warnings(
      LabelledDataset(classes, [0, 1, 2, 3, 4]), LabelledDataset(classes, [2, 5]))
    #expect(
      found.map(\.description) == [
        "no training image is of classes \"f\", \"g\"",
        "no validation image is of 4 of the 7 classes (\"a\", \"b\", \"d\" and 1 more); "
          + "accuracy says nothing of them",
      ])
  }

  private func overlap(
    _ training: any ImageDataset, _ validation: any ImageDataset, trainingLimit: Int = 1000,
    validationLimit: Int = 1000
  ) throws -> ClassAgreement.Overlap? {
    for warning in try ClassAgreement.check(
      training: training, validation: validation, trainingLimit: trainingLimit,
      validationLimit: validationLimit)
    {
      if case .overlap(let overlap) = warning { return overlap }
    }
    return nil
  }

  /// Two parts of two classes: other bytes of the same sizes.
  private func parts() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for i in 0..<6 {
      try folder.writeImage("train/\(i % 2)/\(i).png", gray: i)
      try folder.writeImage("val/\(i % 2)/\(i).png", gray: 100 + i)
    }
    return folder
  }

  private func open(_ path: String) throws -> any ImageDataset { try openDataset(at: path) }

  @Test func `copies are found in folders, lists and shards`() throws {
    let folder = try parts()
    let (train, val) = (folder.path + "/train", folder.path + "/val")
    #expect(try overlap(open(train), open(val)) == nil)
    try folder.writeImage("val/1/copy.png", gray: 3)
    let found = try #require(try overlap(open(train), open(val)))
    #expect(
      found.description
        == "1 of 7 validation images is a training image too (1/copy.png = 1/3.png); "
        + "accuracy on them says little")
    let list = try folder.write("val.txt", "val/0/0.png 0\nval/1/copy.png 1\n")
    let set = try open(list)
    #expect(try overlap(LabelledAs(open(train), set.classes), set)?.count == 1)
    _ = try ShardPacking().pack(open(val), to: folder.path + "/shards")
    let shards = try open(folder.path + "/shards")
    #expect(try overlap(open(train), shards)?.count == 1)
    #expect(try overlap(shards, open(val))?.count == 7)
    #expect(try overlap(open(train), shards.subset(range: 0..<6)) == nil)
  }

  @Test func `the same files are found, also through links`() throws {
    let folder = try parts()
    let train = try open(folder.path + "/train")
    let same = try #require(try overlap(train, open(folder.path + "/./train")))
    #expect(same.count == 6 && same.examined == 6 && !same.isSampled)
    #expect(
      same.description.contains(
        "6 of 6 validation images are training images too (0/0.png = 0/0.png, "))
    #expect(same.description.contains("; accuracy") && same.examples.count == 3)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/val/0/link.png", withDestinationPath: folder.path + "/train/1/3.png")
    let linked = try #require(try overlap(train, open(folder.path + "/val")))
    #expect(linked.examples == [.init(validation: "0/link.png", training: "1/3.png")])
  }

  @Test func `large sets are looked at in part`() throws {
    let folder = try parts()
    let train = try open(folder.path + "/train")
    let part = try #require(
      try overlap(train, train, trainingLimit: 3, validationLimit: 4))
    #expect(part.isSampled && part.examined == 4 && (1...3).contains(part.count))
    #expect(part.description.hasPrefix("at least \(part.count) of 4 validation images examined "))
  }

  @Test func `images in memory`() throws {
    let folder = try TemporaryFolder()
    let images = (0..<4).map { grayImage(10 * $0, side: 3) }
    let train = try folder.writeIDX("train", images, labels: [0, 1, 0, 1])
    let test = try folder.writeIDX("t10k", [grayImage(99, side: 3), images[2]], labels: [1, 0])
    let found = try overlap(open(train), open(test))
    #expect(found?.examples.map(\.validation) == ["t10k-images-idx3-ubyte[1]"])
    #expect(found?.examples.map(\.training) == ["train-images-idx3-ubyte[2]"])
    // Sets that may be far away are not read.
    let far = SyntheticDataset(count: 4)
    #expect(try overlap(far, far) == nil)
    #expect(far.asked.count == 0)
  }
}

/// A set under other names of its classes.
private struct LabelledAs: StoredDataset {
  var base: any ImageDataset
  var classes: [String]?

  init(_ base: any ImageDataset, _ classes: [String]?) {
    self.base = base
    self.classes = classes
  }

  var count: Int { base.count }
  func label(of index: Int) -> Int? { base.label(of: index) }
  func name(of index: Int) -> String { base.name(of: index) }
  func content(of index: Int) throws(ImageError) -> ImageContent { try base.content(of: index) }
  func place(of index: Int) -> StoredPlace? { (base as? any StoredDataset)?.place(of: index) }
}

extension TemporaryFolder {
  /// Writes images and labels as IDX files; gives the path of the images.
  fileprivate func writeIDX(_ name: String, _ images: [ByteImage], labels: [UInt8]) throws -> String
  {
    func bytes(_ number: Int) -> [UInt8] { [0, 0, 0, UInt8(number)] }
    try write(
      "\(name)-labels-idx1-ubyte", [0, 0, 8, 1] + bytes(labels.count) + labels)
    return try write(
      "\(name)-images-idx3-ubyte",
      [0, 0, 8, 3] + bytes(images.count) + bytes(images[0].height) + bytes(images[0].width)
        + images.flatMap(\.pixels))
  }
}
