import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Composed scenes: exact masks, division, the same bytes again.
@Suite struct SceneCompositionTests {
  static func cutouts(_ folder: TemporaryFolder, each count: Int = 5) throws {
    for (kind, name) in ["disc", "triangle"].enumerated() {
      for number in 0..<count {
        try folder.write(
          "cutouts/\(name)/\(number).png", cutoutPNG(kind, shade: 25 * number + 20))
      }
    }
  }

  private static var small: SceneComposition {
    var composition = SceneComposition()
    (composition.training, composition.validation, composition.unlabelled) = (4, 2, 2)
    composition.size = 48
    return composition
  }

  private static func tree(_ path: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      if let data = FileManager.default.contents(atPath: path + "/" + name) { files[name] = data }
    }
    return files
  }

  @Test func `the same seed gives the same bytes, another one others`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    var composition = Self.small
    let report = try composition.write(
      cutouts: source, backgrounds: BackgroundSource(), to: folder.path + "/a")
    #expect(report.scenes == ["train": 4, "val": 2, "unlabelled": 2])
    _ = try composition.write(
      cutouts: source, backgrounds: BackgroundSource(), to: folder.path + "/b")
    composition.seed = 1
    _ = try composition.write(
      cutouts: source, backgrounds: BackgroundSource(), to: folder.path + "/c")
    let (a, b, c) = try (
      Self.tree(folder.path + "/a"), Self.tree(folder.path + "/b"), Self.tree(folder.path + "/c")
    )
    #expect(a == b && a != c && a.keys == c.keys)
    #expect(a["images/unlabelled/000002.jpg"] != nil && a["labels/unlabelled/000002.png"] == nil)
  }

  @Test func `masks, label maps and annotations say the same`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    var composition = Self.small
    composition.training = 12
    composition.license = "GPL-2 \"as is\""
    let out = folder.path + "/scenes/"
    let report = try composition.write(
      cutouts: source, backgrounds: BackgroundSource(), to: out)
    let set = try openLabelMaps(at: out)
    #expect(set.pixelClasses == ["background", "disc", "triangle"])
    let coco = try COCOAnnotations(path: out + "annotations/instances_train.json")
    #expect(coco.problems.lines.allSatisfy { $0.contains("no objects") })
    let painted = try COCOLabelMaps(
      annotations: out + "annotations/instances_train.json", pictures: out + "images/train",
      rules: LabelRules(zeroIs: .background))
    for index in 0..<12 { #expect(try set.labelMap(of: index) == painted.labelMap(of: index)) }
    var objects = coco.objects.count
    for object in coco.objects {
      let mask = try #require(coco.mask(of: object))
      #expect(Double(mask.area) == object.area && mask.area >= 30)
    }
    objects += try COCOAnnotations(path: out + "annotations/instances_val.json").objects.count
    #expect(report.objects == objects && objects > 12)
    // No pixel is in two masks.
    for numbers in coco.objectsOfImages() {
      let masks = numbers.compactMap { coco.mask(of: coco.objects[$0]) }
      let all = RunLengthMask.union(of: masks, width: 48, height: 48)
      #expect(masks.reduce(0) { $0 + $1.area } == all.area)
    }
  }

  @Test func `chosen classes are numbered in the order of their names`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    let chosen = try ChosenCutouts(["triangle", "disc"], of: source, path: "cutouts")
    #expect(chosen.classes == ["triangle", "disc"])
    #expect(chosen.name(of: 0, label: 0, in: .training).hasPrefix("triangle/"))
    #expect(
      try ChosenCutouts(["disc"], of: source, path: "cutouts").count(of: 0, in: .training) == 4)
    for names in [["square"], ["disc", "disc"]] {
      do throws(DatasetError) {
        _ = try ChosenCutouts(names, of: source, path: "cutouts")
        Issue.record("\(names) was taken")
      } catch {
        #expect("\(error)".contains(names.count == 1 ? "expected some of disc" : "twice"))
      }
    }
  }

  @Test func `no cut-out and no background is in both parts`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder, each: 9)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    for label in 0..<2 {
      func names(_ split: DatasetSplit) -> Set<String> {
        Set(
          (0..<source.count(of: label, in: split)).map {
            source.name(of: $0, label: label, in: split)
          })
      }
      #expect(names(.training).count == 7 && names(.validation).count == 2)
      #expect(names(.training).isDisjoint(with: names(.validation)))
    }
    let parts = divided((0..<40).map { "\($0)" })
    #expect(parts.validation.count == 10 && Set(parts.training).isDisjoint(with: parts.validation))
    // By a hash, not by the order of names.
    #expect(parts.validation != (0..<10).map { "\($0)" })
  }

  @Test func `what is no cut-out is left out, and a class of too few is refused`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    try folder.write("cutouts/disc/broken.png", [1, 2, 3])
    try folder.writeImage("cutouts/disc/opaque.png", side: 40)
    try folder.writeImage("cutouts/disc/tiny.png", side: 8)
    try folder.writeImage("cutouts/beside.png", side: 40)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    #expect(source.notes.count == 4, "\(source.notes)")
    #expect(source.notes.contains { $0.contains("fill their box") && $0.contains("opaque.png") })
    try FileManager.default.removeItem(atPath: folder.path + "/cutouts/triangle/0.png")
    try FileManager.default.removeItem(atPath: folder.path + "/cutouts/triangle/1.png")
    do throws(DatasetError) {
      _ = try CutoutFolder(folder.path + "/cutouts", side: 32)
      Issue.record("taken")
    } catch {
      #expect(
        error.reason.contains("has 3 cut-outs of the class triangle; expected at least 4"),
        "\(error)")
    }
    let dropped = try CutoutFolder(folder.path + "/cutouts", side: 32, dropsSmall: true)
    #expect(dropped.classes == ["disc"])
  }

  @Test func `photographs are cut to squares and divided`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    for number in 0..<4 {
      try folder.writeImage("photos/\(number).png", gray: 60 * number, side: 50)
    }
    try folder.writeImage("photos/small.png", side: 8)
    let backgrounds = try BackgroundSource(folder: folder.path + "/photos", side: 48)
    #expect(backgrounds.notes.count == 1)
    var random = SampleRandom(seed: 1)
    let (image, name) = try backgrounds.background(side: 48, in: .training, using: &random)
    #expect(image.width == 48 && image.height == 48 && name.hasSuffix(".png"))
    #expect(throws: DatasetError.self) {
      _ = try BackgroundSource(folder: folder.path + "/photos", side: 100)
    }
  }

  @Test func `powers are those of mathematics`() {
    for base in [1.0, 1.5, 3.2, 9] {
      for exponent in [0, 0.1, 0.5, 0.77, 0.999] {
        #expect(abs(power(base, exponent) - pow(base, exponent)) < 1e-9)
      }
    }
  }

  @Test func `a folder that is there is not written to`() throws {
    let folder = try TemporaryFolder()
    try Self.cutouts(folder)
    let source = try CutoutFolder(folder.path + "/cutouts", side: 32)
    #expect(throws: (any Error).self) {
      _ = try Self.small.write(
        cutouts: source, backgrounds: BackgroundSource(), to: folder.path + "/cutouts")
    }
    var wrong = Self.small
    wrong.size = 4
    #expect(wrong.problem == "--size is 4; expected 16 to 4096")
  }
}
