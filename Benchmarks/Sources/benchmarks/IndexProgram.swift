import ArgumentParser
import Datasets
import Harness

/// How fast a set of very many images opens.
struct IndexProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index", abstract: "Open the indexes of shards with very many images.",
    discussion: """
      How long it takes, and how much memory they and an epoch's order need. The shards are files with a \
      size and no content; 10 million images take 0.5 GB of the temporary folder.
      """)

  @Option(help: "Images.")
  var images = 10_000_000

  func validate() throws {
    if images < 1 { throw ValidationError("--images is \(images); expected at least 1") }
  }

  func run() throws {
    let folder = try TemporaryFolder()
    print("index: \(Machine.name)")
    let benchmark = try IndexBenchmark(
      images: images, shards: min(1000, (images + 9999) / 10_000), in: folder.path)
    for line in benchmark.lines { print("  " + line) }
  }
}

/// Opening a set of made-up shards, and going through the order of an epoch.
struct IndexBenchmark {
  /// Images in the set.
  let images: Int
  /// Archives they are in.
  let shards: Int
  /// Seconds that opening took.
  let seconds: Double
  /// Bytes of memory that the process grew by, an image.
  let bytesPerImage: Double
  /// Places of an epoch's order that are found in a second, by one thread.
  let orderPerSecond: Double
  /// Bytes of memory that the process grew by at most while it went through the order, exact and
  /// buffered.
  let orderBytes: Int

  /// Writes the shards into a folder and opens them.
  init(images: Int, shards: Int, in folder: String) throws {
    precondition(images >= shards && shards >= 1)
    for shard in 0..<shards {
      try MadeUpShard(number: shard, images: images / shards).write(to: "\(folder)/s-\(shard).tar")
    }
    let before = Machine.residentBytes
    let start = ContinuousClock.now
    let set = try ShardDataset(path: "\(folder)/s-{0..\(shards - 1)}.tar")
    seconds = start.duration(to: .now) / .seconds(1)
    bytesPerImage = Double(Machine.residentBytes - before) / Double(set.count)
    self.images = set.count
    self.shards = shards
    let places = min(set.count, 1_000_000)
    let step = set.count / places
    let opened = Machine.residentBytes
    var most = opened
    /// Seconds of finding images of an epoch by their places.
    func walk(_ image: (_ place: Int) -> Int) -> Double {
      let start = ContinuousClock.now
      var found = 0
      for place in 0..<places {
        found &+= image(place * step)
        if place % 10_000 == 0 { most = max(most, Machine.residentBytes) }
      }
      precondition(found >= 0)  // what was found is used, so finding it cannot be left out
      return start.duration(to: .now) / .seconds(1)
    }
    // As a loader asks for them: any place, from the seed.
    let exact = walk { EpochOrder(seed: 1, epoch: 2, count: set.count)[$0] }
    let buffered = BufferedOrder(seed: 1, epoch: 2, runs: set.shardCounts, buffer: 4096)
    _ = walk { buffered[$0] }
    orderPerSecond = Double(places) / exact
    orderBytes = most - opened
  }

  /// The result, a line each.
  var lines: [String] {
    [
      "\(images) images in \(shards) shards, an index beside each",
      "open      \(fixed(seconds, 2)) s, \(fixed(bytesPerImage, 1)) bytes an image",
      "order     \((orderBytes + 500) / 1000) kB for an epoch, "
        + "\(Int(orderPerSecond / 1000)) thousand places a second",
    ]
  }
}
