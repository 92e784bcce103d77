@testable import Runs
@testable import Inference
import Datasets
import Evaluation
import Foundation
import MaskedAutoencoders
import Synchronization
import TestSupport
import Testing
import Torch
import TorchOptim

@testable import Training

/// Classifiers on frozen features at any size: in blocks, and in memory that is known before.
@Suite struct FrozenFeatureTests {
  /// Rows of ±1 in four columns: their cosines are exactly −1, −½, 0, ½ and 1, and most are equal.
  private func corners(_ count: Int, seed: UInt64) -> Tensor {
    let noise = Tensor.randn([count, 4], using: Generator(seed: seed))
    return Tensor(noise.floats().map { Float($0 < 0 ? -1 : 1) }, shape: [count, 4])
  }

  private func labels(_ count: Int, seed: UInt64) -> [Int] {
    Tensor.randn([count], using: Generator(seed: seed)).floats().map {
      $0 < -0.5 ? 0 : $0 < 0.4 ? 1 : 2
    }
  }

  // MARK: neighbours

  @Test(arguments: [1, 2, 7, 64, 250])
  func `neighbours do not depend on the blocks, ties included`(count: Int) {
    let known = Features(rows: corners(200, seed: 1), labels: labels(200, seed: 2))
    let asked = corners(50, seed: 3)
    // By definition: sorted by similarity, of equal ones the first.
    let (all, queries) = (known.rows.floats(), asked.floats())
    let expected = (0..<50).flatMap { query in
      let similarities = (0..<200).map { row in
        (0..<4).reduce(Float(0)) { $0 + queries[query * 4 + $1] * all[row * 4 + $1] } / 4
      }
      return (0..<200).sorted { (similarities[$1], $0) < (similarities[$0], $1) }
        .prefix(count).map { Int32($0) }
    }
    let whole = NearestNeighbours(count: count)
    #expect(whole.nearest(to: asked, among: known.rows).indices == expected)
    let scores = whole.scores(for: asked, from: known, classes: 3)
    for (bytes, rows) in [(1, 1024), (16 * 3, 4), (16 * 16, 1), (1 << 20, 7), (4096 * 199, 1024)] {
      var blocks = NearestNeighbours(count: count)
      (blocks.blockBytes, blocks.blockRows) = (bytes, rows)
      #expect(blocks.nearest(to: asked, among: known.rows).indices == expected, "\(bytes) \(rows)")
      #expect(blocks.scores(for: asked, from: known, classes: 3) == scores, "\(bytes) \(rows)")
    }
  }

  @Test func `neighbours of rows without ties are the same in blocks`() {
    let known = Features(
      rows: Tensor.randn([300, 24], using: Generator(seed: 5)), labels: labels(300, seed: 6))
    let asked = Tensor.randn([70, 24], using: Generator(seed: 7))
    let whole = NearestNeighbours(count: 9).nearest(to: asked, among: known.rows)
    var blocks = NearestNeighbours(count: 9)
    (blocks.blockBytes, blocks.blockRows) = (4 * 24 * 31, 8)
    let found = blocks.nearest(to: asked, among: known.rows)
    #expect(found.indices == whole.indices)
    expectClose(Tensor(found.similarities), Tensor(whole.similarities), absolute: 1e-6)
  }

  // MARK: probe

  @Test func `a probe that is fitted block by block equals one that is fitted at once`() {
    let labels = labels(90, seed: 8)
    let noise = Tensor.randn([90, 5], using: Generator(seed: 9))
    let shift = Tensor(labels.map { Float($0) }, shape: [90, 1])
    let features = Features(rows: noise + shift, labels: labels)
    let whole = LinearProbe(features, classes: 3)
    let scores = Tensor(whole.scores(for: features.rows))
    for size in [1, 7, 44, 89] {
      let bytes = size * LinearProbe.bytesOfRow(5, 3)
      let probe = LinearProbe(features, classes: 3, strength: 1, blockBytes: bytes)
      expectClose(Tensor(probe.scores(for: features.rows)), scores, absolute: 1e-4, "\(size) rows")
      #expect(abs(probe.outcome.value - whole.outcome.value) < 1e-9)
      // The same every time.
      let again = LinearProbe(features, classes: 3, strength: 1, blockBytes: bytes)
      #expect(again.scores(for: features.rows) == probe.scores(for: features.rows))
    }
    var parts: [Float] = []
    var rows: [Range<Int>] = []
    whole.forEachScores(for: features.rows, blockBytes: 4 * 13 * 40) {
      parts += $0
      rows.append($1)
    }
    #expect(rows == [0..<40, 40..<80, 80..<90])
    expectClose(Tensor(parts), scores, absolute: 1e-6)
  }

  // MARK: memory

  @Test func `memory at the paper's size is bounded and known before it is taken`() {
    let sizes: (FrozenFeatureEvaluation.Method) -> FeatureMemory = {
      FeatureMemory(
        training: 1_281_167, validation: 50_000, width: 1024, classes: 1000, method: $0)
    }
    let neighbours = sizes(.nearestNeighbours(NearestNeighbours()))
    let probe = sizes(.linearProbe(strength: 1))
    #expect(neighbours.features == 5_452_460_032 && probe.features == neighbours.features)
    // Two blocks of a quarter of a GiB and a quarter more, one of queries, and 20 neighbours of
    // each.
    #expect(neighbours.working == 5 << 27 + 1024 * 1024 * 4 + 8 * 20 * 50_000)
    #expect(probe.working < 5 << 29, "\(probe.working)")
    for memory in [neighbours, probe] {
      #expect(throws: Never.self) { try memory.require(free: 8 << 30, named: "imagenet") }
      let error = #expect(throws: RunFailure.self) {
        try memory.require(free: 4 << 30, named: "imagenet")
      }
      let message = error?.message ?? ""
      #expect(
        message.hasPrefix("imagenet: 1281167 + 50000 features of 1024 numbers and "), "\(message)")
      #expect(message.contains("of memory, and 4.3 GB are free"), "\(message)")
      // The advice can be followed.
      let limit = message.firstMatch(of: /--limit (\d+) fits/).flatMap { Int($0.1) }
      var less = memory
      less.training = limit ?? 0
      #expect((limit ?? 0) > 100_000, "\(message)")
      #expect(throws: Never.self) { try less.require(free: 4 << 30, named: "imagenet") }
    }
    let hopeless = #expect(throws: RunFailure.self) {
      try neighbours.require(free: 1 << 20, named: "imagenet")
    }
    #expect(hopeless?.message.hasSuffix("; use a machine with more memory") == true)
    // Few images take little.
    let small = FeatureMemory(
      training: 100, validation: 20, width: 16, classes: 2, method: .linearProbe(strength: 1))
    #expect(small.bytes < 100_000)
  }

  // MARK: evaluations

  @Test func `both ways to share a processor evaluate alike`() throws {
    let fixture = try TemporaryRun()
    let names = ["class 0", "class 1", "class 2"]
    let model = try fixture.makeModel(classes: names)
    let images = mixedPictures(24, broken: [3], labels: (0..<24).map { ($0 * 7) % 3 })
    let results = try [BatchInference.Parallelism.images, .operators].map { parallelism in
      var inference = BatchInference(model, batch: 5, workers: 2)
      inference.parallelism = parallelism
      return try [
        EvaluationResult(of: images, named: "toys", by: inference),
        EvaluationResult(
          of: images, named: "toys", by: inference, matching: ClassMatching(same: names)),
      ]
    }.flatMap(\.self)
    for result in results {
      #expect(result.tally == results[0].tally && result.broken.map(\.index) == [3])
      #expect(
        abs(result.calibration.expectedError - results[0].calibration.expectedError) < 1e-6)
    }
    #expect(results[0].tally.total == 23)
  }

  @Test func `evaluations end where too many images are broken`() throws {
    let fixture = try TemporaryRun()
    let inference = try BatchInference(fixture.makeModel(classes: ["class 0", "class 1"]))
    let images = mixedPictures(10, broken: [3, 5], labels: (0..<10).map { $0 % 2 })
    let error = #expect(throws: DatasetError.self) {
      try EvaluationResult(
        of: images, named: "toys", by: inference, brokenLimit: BrokenLimit(0.1, setting: "--limit"))
    }
    #expect(error?.kind == .tooManyBroken)
    #expect(error?.description.contains("raise the limit (--limit)") == true, "\(error as Any)")
    let result = try EvaluationResult(
      of: images, named: "toys", by: inference, brokenLimit: BrokenLimit(0.2))
    #expect(result.tally.total == 8 && result.broken.count == 2)
  }

  @Test func `the first images that can be decoded are found`() throws {
    let images = mixedPictures(6, broken: [0, 2])
    func find(_ count: Int, _ share: Double) throws -> DecodableImages {
      try DecodableImages(
        first: count, of: images, named: "toys", brokenLimit: BrokenLimit(share))
    }
    #expect(try find(1, 0.5).indices == [1] && find(1, 0.5).broken.map(\.index) == [0])
    #expect(try find(3, 0.5).indices == [1, 3, 4] && find(9, 0.5).indices == [1, 3, 4, 5])
    #expect(throws: DatasetError.self) { try find(2, 0.1) }
  }
}

/// Threads that compute side by side.
@Suite struct ComputePoolTests {
  @Test func `workers' shares are not seen by others`() {
    let total = ComputePool.threads
    let workers = max(2, total)
    let seen = Mutex<[Int]>([])
    let release = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    ComputePool.start(workers: workers, named: "test") {
      seen.withLock { $0.append(Engine.threads) }
      ended.signal()
      release.wait()
    }
    for _ in 0..<workers { ended.wait() }
    #expect(seen.withLock { $0 } == [Int](repeating: 1, count: workers))
    // A thread that begins while the workers are at it takes over the process's value.
    let others = Mutex<[Int]>([])
    Thread {
      others.withLock { $0 = [ComputePool.threads, Engine.threads] }
      ended.signal()
    }.start()
    ended.wait()
    #expect(others.withLock { $0[0] } == total)
    #expect(ComputePool.threads == total)
    for _ in 0..<workers { release.signal() }
  }
}
