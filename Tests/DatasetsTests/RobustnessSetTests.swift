import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct RobustnessSetTests {
  private let ids = ["n01440764", "n01443537", "n02009912"]

  @Test func `folders of classes`() throws {
    let folder = try TemporaryFolder()
    try folder.write("README.txt", "ImageNet-A")
    try folder.writeImage("n02009912/0.1_egret.png", gray: 2)
    try folder.writeImage("n01443537/0.2_goldfish.png", gray: 1)
    let set = try RobustnessSet(path: folder.path)
    #expect(set.kind == .classes && set.parts.count == 1)
    let own = try set.dataset(of: set.parts[0])
    checkImageDataset(own)
    #expect(own.classes == ["n01443537", "n02009912"])
    #expect((0..<2).map { own.label(of: $0) } == [0, 1])
    let model = try set.dataset(of: set.parts[0], classes: ids)
    #expect((0..<2).map { model.label(of: $0) } == [1, 2])
    #expect(throws: DatasetError.self) { try set.dataset(of: set.parts[0], classes: ["cat"]) }
  }

  @Test(arguments: ["", "noise/"]) func `folders of corruptions`(archive: String) throws {
    let folder = try TemporaryFolder()
    for corruption in ["gaussian_noise", "fog"] {
      for severity in 1...5 {
        for (i, id) in ids.enumerated() {
          try folder.writeImage(
            "\(archive)\(corruption)/\(severity)/\(id)/ILSVRC2012_val_0000000\(i).png",
            gray: 10 * severity + i)
        }
      }
    }
    let set = try RobustnessSet(path: folder.path)
    #expect(set.kind == .corruptions)
    #expect(set.parts.map(\.severity) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    #expect(set.parts.map(\.corruption) == (0..<10).map { $0 < 5 ? "fog" : "gaussian_noise" })
    for part in set.parts {
      let images = try set.dataset(of: part, classes: ids)
      checkImageDataset(images)
      #expect(images.count == 3 && images.classes == ids)
      #expect(
        try images.image(at: 2, channels: 1) == grayImage(10 * #require(part.severity) + 2))
    }
    let one = try RobustnessSet(path: folder.path + "/\(archive)fog/")
    #expect(one.parts.count == 5 && one.parts[0].corruption == "fog")
    // The same corruption in two archives.
    try folder.writeImage("other/fog/3/n01440764/0.png")
    #expect(throws: DatasetError.self) { try RobustnessSet(path: folder.path) }
  }

  @Test func `what is none is refused`() throws {
    let folder = try TemporaryFolder()
    func problem() -> DatasetError? {
      #expect(throws: DatasetError.self) { try RobustnessSet(path: folder.path) }
    }
    #expect(problem()?.reason.hasPrefix("has no folders; expected") == true)
    try folder.writeImage("0.png")
    #expect(problem()?.kind == .malformed)
    #expect(throws: DatasetError.self) { try RobustnessSet(path: folder.path + "/0.png") }
    #expect(throws: DatasetError.self) { try RobustnessSet(path: folder.path + "/nothing") }
    try folder.writeImage("n01440764/0.png")
    let set = try RobustnessSet(path: folder.path)
    #expect(throws: DatasetError.self) { try set.dataset(of: set.parts[0]) }
  }
}
