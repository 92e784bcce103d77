import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct MixtureRoundTests {
  @Test func `shares are kept to within one image at every moment`() {
    let many: [[Int]] = [
      [1], [7], [1, 1], [7, 3], [1, 2], [1, 9_999], [3333, 6667], [1, 1, 1], [5, 3, 2],
      [60, 25, 10, 4, 1], [1, 1, 1, 1, 96], Array(1...12), Array(repeating: 3, count: 20),
    ]
    for draws in many {
      let round = MixtureRound(draws: draws)
      let total = draws.reduce(0, +)
      #expect(round.count == total)
      var taken = [Int](repeating: 0, count: draws.count)
      for position in 0..<min(3 * total, 12_000) {
        let (part, before) = round[position]
        #expect(before == taken[part])
        taken[part] += 1
        let isClose = draws.indices.allSatisfy { i in
          abs(taken[i] * total - (position + 1) * draws[i]) < total
        }
        #expect(isClose, "\(draws) after \(position + 1): \(taken)")
      }
    }
    let later = MixtureRound(draws: [7, 3])[10 * 1_000_000 + 4]
    #expect(later.before / (later.part == 0 ? 7 : 3) == 1_000_000)
  }

  @Test func `weights become whole numbers of draws`() {
    #expect(MixtureRound.draws(for: [0.7, 0.3]) == [7, 3])
    #expect(MixtureRound.draws(for: [2]) == [1])
    #expect(MixtureRound.draws(for: [30, 30]) == [1, 1])
    #expect(MixtureRound.draws(for: [1, 2, 5]) == [1, 2, 5])
    #expect(MixtureRound.draws(for: [0.33333333, 0.66666667]) == [1, 2])
    #expect(MixtureRound.draws(for: [0.125, 0.875]) == [1, 7])
    #expect(MixtureRound.draws(for: [1, 1_000_000]) == nil)
    for weights in [[Double.pi, 1], [0.1, 0.2, 0.7.squareRoot()]] {
      let draws = MixtureRound.draws(for: weights) ?? []
      #expect(draws.reduce(0, +) == 10_000)
      let total = weights.reduce(0, +)
      for (share, count) in zip(weights, draws) {
        #expect(abs(share / total - Double(count) / 10_000) <= 1e-4)
      }
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct MixtureDatasetTests {
  static func mixture(_ counts: [Int], weights: [Double]?) throws -> MixtureDataset {
    try MixtureDataset(
      counts.enumerated().map { number, count in
        .init("s\(number)", SyntheticDataset(count: count), weight: weights?[number])
      })
  }

  @Test func `it is its sources one after the other`() throws {
    let sets = try PhotoSets(count: 13)
    let mixture = try MixtureDataset([
      .init("photos", sets.folder, weight: 1), .init("more", SyntheticDataset(count: 4), weight: 3),
    ])
    checkImageDataset(mixture)
    #expect(mixture.count == 17)
    #expect(mixture.name(of: 2) == "photos/" + sets.folder.name(of: 2))
    #expect(mixture.name(of: 14) == "more/image 1")
    #expect(try mixture.image(at: 12) == sets.folder.image(at: 12))
    #expect(try mixture.image(at: 13) == SyntheticDataset(count: 4).image(at: 0))
    #expect(mixture.share(of: 0) == 0.25 && mixture.share(of: 1) == 0.75)
    #expect(mixture.layout.parts.map(\.count) == [13, 4])
  }

  /// The two promises: shares to within an image, and within a source every image once an epoch.
  @Test func `draws keep the shares and go through each source in epochs`() throws {
    for (counts, weights) in [
      ([20, 5], [0.7, 0.3]), ([3, 50, 7], [1, 1, 2]), ([1, 9], [0.5, 0.5]),
    ] {
      let mixture = try Self.mixture(counts, weights: weights)
      let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
      var checker = LoaderChecker(mixture)
      checker.batch = 5
      for shuffle in [Sampling.Shuffle.exact, .buffered(4), .none] {
        checker.sampling = Sampling(shuffle: shuffle)
        let drawn = try checker.batches(0..<60).flatMap(\.indices)
        var taken: [[Int]] = counts.map { _ in [] }
        for (position, index) in drawn.enumerated() {
          let source = starts.lastIndex { $0 <= index } ?? 0
          taken[source].append(index - starts[source])
          for (i, share) in weights.enumerated() {
            let owed = share / weights.reduce(0, +) * Double(position + 1)
            #expect(abs(Double(taken[i].count) - owed) < 1)
          }
        }
        for (indices, count) in zip(taken, counts) {
          let epochs = stride(from: 0, to: indices.count - indices.count % count, by: count).map {
            Array(indices[$0..<$0 + count])
          }
          #expect(epochs.allSatisfy { $0.sorted() == Array(0..<count) })
          if count >= 5, epochs.count > 2 {
            #expect((Set(epochs).count == 1) == (shuffle == .none))
          }
        }
      }
    }
  }

  @Test func `ranks take turns without a gap`() throws {
    var checker = LoaderChecker(try Self.mixture([9, 4], weights: [2, 1]))
    var together = [Int](repeating: -1, count: 48)
    for rank in (0..<3).map({ DataParallelRank($0, of: 3) }) {
      for (step, batch) in try checker.batches(0..<4, rank: rank).enumerated() {
        for (row, index) in zip(rank.share(of: 12).rows, batch.indices) {
          together[12 * step + row] = index
        }
      }
    }
    checker.batch = 12
    #expect(try checker.batches(0..<4).flatMap(\.indices) == together)
  }

  @Test func `loaders go on exactly`() throws {
    let sets = try PhotoSets(count: 11)
    for weight in [nil, 2.5] {
      let mixture = try MixtureDataset([
        .init("folder", sets.folder, weight: weight), .init("shards", sets.shards, weight: weight),
        .init("made up", SyntheticDataset(count: 5, broken: [2]), weight: weight.map { $0 + 1 }),
      ])
      var checker = LoaderChecker(mixture)
      try checker.checkResuming(steps: 9, workers: [1, 3])
      try checker.checkResuming(steps: 5, ranks: 2, workers: [2])
      checker.sampling = Sampling(shuffle: .buffered(3))
      try checker.checkResuming(steps: 9, workers: [3])
    }
  }

  @Test func `without weights every image comes once an epoch`() throws {
    let mixture = try Self.mixture([5, 3, 8], weights: nil)
    #expect(mixture.layout == DatasetLayout(runs: [5, 3, 8]))
    #expect(mixture.share(of: 2) == 0.5)
    let checker = LoaderChecker(mixture)
    #expect(try checker.batches(0..<4).flatMap(\.indices).sorted() == Array(0..<16))
  }

  @Test func `classes are told by their names`() throws {
    struct Named: ImageDataset {
      var classes: [String]?
      var count: Int { 6 }
      func label(of index: Int) -> Int? { classes.map { index % $0.count } }
      func name(of index: Int) -> String { "\(index)" }
      func content(of index: Int) throws(ImageError) -> ImageContent { .pixels(grayImage(index)) }
    }
    func mixture(_ classes: [[String]?], wanted: [String]? = nil) throws -> MixtureDataset {
      try MixtureDataset(
        classes.enumerated().map { .init("s\($0)", Named(classes: $1)) }, classes: wanted)
    }
    let merged = try mixture([["dog", "cat"], ["cat", "emu"]])
    checkImageDataset(merged)
    #expect(merged.classes == ["cat", "dog", "emu"])
    #expect([0, 1, 6, 7].map { merged.label(of: $0) } == [1, 0, 0, 2])
    let same = try mixture([["dog", "cat"], ["dog", "cat"]])
    #expect(same.classes == ["dog", "cat"])
    #expect((6..<8).map { same.label(of: $0) } == [0, 1])
    #expect(try mixture([["0", "1", "10"], ["2", "10"]]).classes == ["0", "1", "2", "10"])
    let none = try mixture([["cat"], nil])
    #expect(none.classes == nil && none.label(of: 0) == nil)
    let wanted = try mixture([["cat"], ["emu"]], wanted: ["emu", "dog", "cat"])
    #expect(wanted.label(of: 0) == 2 && wanted.label(of: 6) == 0)
    #expect(kind { try mixture([["cat"], ["emu"]], wanted: ["cat"]) } == .malformed)
    #expect(kind { try mixture([["cat"], nil], wanted: ["cat"]) } == .malformed)
  }

  @Test func `a file lists the sources`() throws {
    let sets = try PhotoSets(count: 9)
    try sets.files.write(
      "mix/all.yaml",
      "# both\n- data: ../in\n  weight: 3\n- {data: \"../out/images-{000000..000001}.tar\", weight: 1}\n"
    )
    let set = try openDataset(at: sets.files.path + "/mix/all.yaml")
    checkImageDataset(set)
    #expect(set.count == 18)
    #expect(set.classes == ["cat", "dog"])
    #expect(set.layout.parts.map(\.draws) == [3, 1])
    #expect(set.layout.parts.map(\.runs) == [[9], [5, 4]])
    let plain = try openDataset(
      at: sets.files.write("plain.yml", "- {data: in}\n- {data: \(sets.files.path)/out}\n"))
    #expect(plain.layout == DatasetLayout(runs: [9, 5, 4]))
  }

  @Test func `what is wrong with a file is said in one line`() throws {
    let sets = try PhotoSets(count: 4)
    func problem(_ text: String) throws -> String? {
      let path = try sets.files.write("mix.yaml", text)
      let found = error { try openDataset(at: path) }
      #expect(found?.path == path && found?.reason.contains("\n") == false)
      return found?.reason
    }
    let expected = "expected a list of sets, such as `- {data: photos, weight: 0.7}`"
    #expect(try problem("") == "lists no sets; \(expected)")
    #expect(try problem("[]") == "lists no sets; \(expected)")
    #expect(try problem("data: in\n") == "lists no sets; \(expected)")
    #expect(try problem("- [") == "is not valid YAML; \(expected)")
    #expect(try problem("- in\n") == "entry 1 is no map of fields; \(expected)")
    #expect(try problem("- {weight: 1}\n") == "entry 1 names no data; \(expected)")
    #expect(
      try problem("- {data: in, wieght: 1}\n")
        == "entry 1 has an unknown field wieght; expected data and weight")
    #expect(
      try problem("- {data: [in]}\n")?.hasPrefix("entry 1 has a field that is no single") == true)
    for weight in ["0", "-1", "much", "inf", "nan"] {
      #expect(
        try problem("- {data: in, weight: \(weight)}\n")
          == "entry 1: weight is \(weight); expected a number above 0")
    }
    #expect(
      try problem("- {data: in, weight: 1}\n- {data: out}\n")
        == "gives out no weight and others one; give one to every set or to none")
    #expect(
      try problem("- {data: in}\n- {data: in}\n")
        == "lists in twice; list it once, with the sum of its weights")
    #expect(
      try problem("- {data: in, weight: 1}\n- {data: out, weight: 1e9}\n")
        == "gives a set less than a ten-thousandth of all weights; raise its weight or leave it out"
    )
    #expect(
      try problem("- {data: in}\n- {data: mix.yaml}\n")
        == "entry 2: mix.yaml: is a mixture itself; list its sets here")
    let missing = try problem("- {data: in}\n- {data: nowhere}\n")
    #expect(
      missing?.hasPrefix("entry 2: ") == true && missing?.contains("nowhere: there is") == true)
    let path = try sets.files.write("mix.yaml", "- {data: nowhere}\n")
    #expect(kind { try openDataset(at: path) } == .missing)
  }

  @Test func `statistics are those of what training draws`() throws {
    struct Flat: ImageDataset {
      var count: Int
      var gray: Int
      var classes: [String]? { nil }
      func label(of index: Int) -> Int? { nil }
      func name(of index: Int) -> String { "\(index)" }
      func content(of index: Int) throws(ImageError) -> ImageContent { .pixels(grayImage(gray)) }
    }
    let dark = MixtureDataset.Source("dark", Flat(count: 1000, gray: 0), weight: 1)
    let light = MixtureDataset.Source("light", Flat(count: 10, gray: 255), weight: 1)
    let found = try PixelStatistics(of: MixtureDataset([dark, light]), channels: 1)
    #expect(abs(found.normalization.mean[0] - 0.5) < 1e-12)
  }
}
