import Foundation
import Imaging
import TestPhotos
import Testing

@testable import Datasets

/// A folder of small photographs in two classes, and the same in shards.
struct PhotoSets {
  let files: TemporaryFolder
  let folder: any ImageDataset
  let shards: any ImageDataset

  init(count: Int, perShard: Int = 5) throws {
    files = try TemporaryFolder()
    for i in 0..<count {
      let photos = SyntheticPhotos(size: PixelSize(width: 18 + i % 7, height: 16 + i % 5))
      let name = "in/\(i % 3 == 0 ? "cat" : "dog")/\(i)"
      if i % 4 == 3 {
        try files.write(name + ".png", photos.image(i).encodedAsPNG())
      } else {
        try files.write(name + ".jpg", photos.image(i).encodedAsJPEG())
      }
    }
    folder = try openDataset(at: files.path + "/in")
    let packing = ShardPacking(imagesPerShard: perShard)
    shards = try openDataset(at: packing.pack(folder, to: files.path + "/out").pattern)
  }

  var both: [any ImageDataset] { [folder, shards] }
}

@Suite(.timeLimit(.minutes(1))) struct LoaderResumeTests {
  @Test func `a stopped loader goes on with the batches that were left`() throws {
    let sets = try PhotoSets(count: 23)
    for set in sets.both {
      let checker = LoaderChecker(set)
      // Five steps an epoch, two with two ranks: both times more than two epochs.
      try checker.checkResuming(steps: 11)
      try checker.checkResuming(steps: 5, ranks: 2)
    }
  }

  @Test func `also where files are broken or fewer than a batch`() throws {
    let sets = try PhotoSets(count: 13)
    try sets.files.write("in/cat/12.jpg", "damaged")
    try sets.files.write("in/dog/5.jpg", "damaged")
    var checker = LoaderChecker(sets.folder)
    try checker.checkResuming(steps: 7, workers: [3])
    checker.batch = 30
    try checker.checkResuming(steps: 3, workers: [3])
  }

  @Test func `shards give the folder's pixels and labels`() throws {
    let sets = try PhotoSets(count: 23)
    let folder = try LoaderChecker(sets.folder).batches(0..<10)
    let shards = try LoaderChecker(sets.shards).batches(0..<10)
    #expect(folder.map(\.values) == shards.map(\.values))
    #expect(folder.map(\.labels) == shards.map(\.labels))
    #expect(folder.map(\.indices) == shards.map(\.indices))
    #expect(Set(shards.flatMap(\.names)).count == 23)
  }

  @Test func `ranks together show every image once an epoch`() throws {
    let sets = try PhotoSets(count: 24)
    for set in sets.both {
      let checker = LoaderChecker(set)
      for ranks in [1, 2, 3] {
        let steps = 24 / (checker.batch * ranks)
        for epoch in 0..<3 {
          let shares = try (0..<ranks).map { rank in
            try checker.batches(
              epoch * steps..<(epoch + 1) * steps, workers: 1 + rank,
              rank: DataParallelRank(rank, of: ranks))
          }
          #expect(shares.joined().flatMap(\.indices).sorted() == Array(0..<24))
          #expect(Set(shares.joined().flatMap(\.names)).count == 24)
        }
      }
    }
  }

  /// What does not fill a batch of every rank waits for another epoch, each time other images.
  @Test func `a remainder is left out, another one in every epoch`() throws {
    let sets = try PhotoSets(count: 23)
    let checker = LoaderChecker(sets.shards)
    for (ranks, steps, left) in [(1, 5, 3), (2, 2, 7)] {
      var missing: [Set<Int>] = []
      for epoch in 0..<6 {
        let shown = try (0..<ranks).flatMap { rank in
          try checker.batches(
            epoch * steps..<(epoch + 1) * steps, rank: DataParallelRank(rank, of: ranks)
          ).flatMap(\.indices)
        }
        #expect(Set(shown).count == shown.count)
        missing.append(Set(0..<23).subtracting(shown))
      }
      #expect(missing.allSatisfy { $0.count == left })
      #expect(Set(missing).count > 1)
    }
  }
}
