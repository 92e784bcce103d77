import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Named images without content: `classes[label]/number`.
private struct NamedDataset: ImageDataset {
  var entries: [(name: String, label: Int?)]
  var classes: [String]? = ["a", "b", "c"]
  var shade = 0
  var count: Int { entries.count }

  init(_ counts: [Int], prefix: String = "", classes: [String]? = ["a", "b", "c"]) {
    self.classes = classes
    entries = counts.enumerated().flatMap { label, count in
      (0..<count).map { (name: prefix + "\(label)/\($0).png", label: label) }
    }
  }

  func label(of index: Int) -> Int? { classes == nil ? nil : entries[index].label }
  func name(of index: Int) -> String { entries[index].name }
  func content(of index: Int) throws(ImageError) -> ImageContent {
    .pixels(grayImage((index + shade) % 256))
  }
}

extension SubsetDataset {
  fileprivate var names: Set<String> { Set((0..<count).map { name(of: $0) }) }

  fileprivate func counts(_ classes: Int) -> [Int] {
    (0..<classes).map { label in (0..<count).count { self.label(of: $0) == label } }
  }
}

@Suite struct SubsetDatasetTests {
  @Test(arguments: [1, 5, 10]) func `as many of each class as asked`(perClass: Int) throws {
    let set = NamedDataset([10, 200, 33])
    let few = try set.subset(perClass: perClass, seed: 3)
    checkImageDataset(few)
    #expect(few.counts(3) == [perClass, perClass, perClass])
    #expect(few.classes == set.classes)
    #expect((0..<few.count).map { few.baseIndex(of: $0) }.isSorted)
    #expect(try few.image(at: 0, channels: 1) == grayImage(few.baseIndex(of: 0)))
    #expect(try set.subset(perClass: perClass, seed: 3).names == few.names)
    #expect(try set.subset(perClass: perClass, seed: 4).names != few.names || perClass == 10)
  }

  @Test func `a part of each class, and at least one`() throws {
    let set = NamedDataset([1000, 149, 0])
    #expect(try set.subset(fraction: 0.01, seed: 1).counts(3) == [10, 1, 0])
    #expect(try set.subset(fraction: 0.1, seed: 1).counts(3) == [100, 15, 0])
    #expect(try set.subset(fraction: 1, seed: 1).counts(3) == [1000, 149, 0])
    #expect(try NamedDataset([4, 4, 4]).subset(fraction: 0.01, seed: 1).counts(3) == [1, 1, 1])
  }

  @Test func `sets are told apart wherever they lie`() throws {
    let set = NamedDataset([10, 20, 30], prefix: "here/")
    let digits = set.fingerprint()
    #expect(digits.wholeMatch(of: /[0-9a-f]{16}/) != nil && set.fingerprint() == digits)
    #expect(NamedDataset([10, 20, 30], prefix: "/some/where/else/").fingerprint() == digits)
    var others = [
      NamedDataset([10, 20, 31]), NamedDataset([10, 21, 29]),
      NamedDataset([10, 20, 30], classes: ["a", "b", "d"]),
      NamedDataset([10, 20, 30], classes: nil),
    ]
    others += [set, set, set]
    others[4].entries[59].name += "x"
    others[5].entries[59].label = 1
    others[6].shade = 1  // the same names, other pictures
    #expect(Set(others.map { $0.fingerprint() } + [digits]).count == others.count + 1)
    #expect(NamedDataset([]).fingerprint() != digits)
  }

  @Test func `so many images, with every class's share`() throws {
    let set = NamedDataset([100, 200, 3])
    for (count, expected) in [
      (30, [10, 19, 1]), (3, [1, 1, 1]), (303, [100, 200, 3]), (Int.max, [100, 200, 3]),
    ] {
      let few = try set.subset(count: count, seed: 2)
      checkImageDataset(few)
      let counts = few.counts(3)
      #expect(counts.reduce(0, +) == min(count, 303))
      #expect(zip(counts, expected).allSatisfy { abs($0 - $1) <= 1 }, "\(count): \(counts)")
      #expect(counts[2] >= 1)
    }
    #expect(try set.subset(count: 1, seed: 2).count == 1)
    let (some, more) = (try set.subset(count: 9, seed: 2), try set.subset(count: 40, seed: 2))
    #expect(some.names.isStrictSubset(of: more.names))
    #expect(try set.subset(count: 9, seed: 3).names != some.names)
    // The images of each class are those of the other choices.
    let one = try set.subset(perClass: 1, seed: 2)
    #expect(try set.subset(count: 3, seed: 2).names == one.names)
    let plain = NamedDataset([10], classes: nil)
    #expect(throws: DatasetError.self) { try plain.subset(count: 5, seed: 0) }
  }

  @Test func `a smaller choice is part of a larger one`() throws {
    let set = NamedDataset([50, 60, 70])
    let (one, five) = (try set.subset(perClass: 1, seed: 8), try set.subset(perClass: 5, seed: 8))
    #expect(one.names.isStrictSubset(of: five.names))
    let tenth = try set.subset(fraction: 0.1, seed: 8)
    #expect(tenth.names.isSuperset(of: five.names) && tenth.count == 18)
  }

  @Test func `the choice hangs on names, not on order or place`() throws {
    let set = NamedDataset([40, 40, 40])
    let chosen = try set.subset(perClass: 4, seed: 5).names
    var other = set
    other.entries.reverse()
    #expect(try other.subset(perClass: 4, seed: 5).names == chosen)
    // Images that were not chosen do not matter either.
    other.entries.removeAll { !chosen.contains($0.name) && $0.name.hasSuffix("7.png") }
    #expect(try other.subset(perClass: 4, seed: 5).names == chosen)
    let moved = NamedDataset([40, 40, 40], prefix: "/mnt/disk/")
    let again = try moved.subset(perClass: 4, seed: 5).names
    #expect(Set(again.map { String($0.dropFirst("/mnt/disk/".count)) }) == chosen)
  }

  @Test func `every image is chosen about as often as any other`() throws {
    let set = NamedDataset([20, 20, 20])
    var times: [String: Int] = [:]
    for seed in 0..<400 {
      for name in try set.subset(perClass: 5, seed: UInt64(seed)).names {
        times[name, default: 0] += 1
      }
    }
    // A mean of 100 with a deviation of 8.7.
    #expect(times.count == 60)
    #expect(times.values.allSatisfy { (60...140).contains($0) }, "\(times.values.sorted())")
  }

  @Test func `too few images, or no classes, are said`() throws {
    let set = NamedDataset([10, 3, 12])
    let failure = #expect(throws: DatasetError.self) {
      try set.subset(perClass: 5, seed: 0, path: "photos")
    }
    #expect(
      failure?.description
        == "photos: has 3 images of class \"b\"; 5 of each class were asked for")
    #expect(try set.subset(perClass: 5, seed: 0, allowingFewer: true).counts(3) == [5, 3, 5])
    let plain = NamedDataset([10], classes: nil)
    #expect(throws: DatasetError.self) { try plain.subset(fraction: 0.1, seed: 0) }
    #expect(throws: DatasetError.self) { try plain.subset(perClass: 1, seed: 0) }
  }

  @Test func `ranges, and subsets of subsets`() throws {
    let set: any ImageDataset = SyntheticDataset(count: 20)
    let part = set.subset(range: 5..<15)
    checkImageDataset(part)
    #expect((0..<10).map { part.name(of: $0) } == (5..<15).map { "image \($0)" })
    let few = try part.subset(perClass: 2, seed: 1)
    #expect(few.counts(2) == [2, 2])
    #expect(set.subset(range: 3..<3).count == 0)
    let picked = SubsetDataset(set, indices: [7, 2, 7])
    #expect((0..<3).map { picked.name(of: $0) } == ["image 7", "image 2", "image 7"])
  }
}

extension [Int] {
  fileprivate var isSorted: Bool { zip(self, dropFirst()).allSatisfy { $0 < $1 } }
}
