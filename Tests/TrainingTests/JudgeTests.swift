@testable import Inference
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

/// What frozen features are made of, and the classifiers that judge them.
@Suite struct JudgeTests {
  /// Rows around one of `classes` far corners.
  private func clusters(_ count: Int, classes: Int, seed: UInt64) -> Features {
    let labels = (0..<count).map { $0 * 7 % classes }
    let corners = (0..<classes).flatMap { k in (0..<classes).map { Float($0 == k ? 9 : 0) } }
    let noise = Tensor.randn([count, classes], using: Generator(seed: seed))
    let centres = Tensor(corners, shape: [classes, classes]).selected(Tensor(labels), along: 0)
    return Features(rows: centres + noise, labels: labels)
  }

  private func guesses(_ scores: [Float], classes: Int) -> [Int] {
    scores.chunks(of: classes).map { row in row.indices.max { row[$0] < row[$1] } ?? -1 }
  }

  // MARK: features

  @Test func featuresComeInTheOrderOfTheSet() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 2), "run")
    let model = try LoadedModel(fixture("run"))
    let pictures = (0..<23).map { TemporaryRun.picture($0) }
    let set = ToyDataset(images: pictures, labels: (0..<23).map { $0 % 3 }, broken: [])
    for pooling in Features.Pooling.allCases {
      let all = try Features(
        of: set, named: "toy", by: model, pooling: pooling, batch: 5, workers: 3)
      #expect(all.rows.shape == [23, 16] && all.labels == set.labels && all.broken.isEmpty)
      for index in [0, 4, 5, 22] {
        let one = try Features(
          of: ToyDataset(images: [pictures[index]]), named: "one", by: model, pooling: pooling,
          workers: 1)
        expectClose(
          all.rows.narrowed(0, to: index..<index + 1), one.rows, absolute: 1e-5, "\(index)")
        #expect(one.labels == [-1])
        // The same as the encoder says of the same pixels.
        let pixels = Tensor(pictures[index].pixels, shape: [1, 1, 16, 16]).to(.float32) / 255
        let tokens = withoutGradients {
          model.encoder(patches(of: (pixels - 0.5) / 0.25, side: 4))
        }
        let expected =
          pooling == .classToken
          ? tokens.selected(0, along: 1) : tokens.narrowed(1, to: 1..<17).mean([1])
        expectClose(one.rows, expected, absolute: 1e-5, "\(pooling) \(index)")
      }
      let part = try Features(
        of: set, named: "toy", by: model, pooling: pooling, range: 3..<9, batch: 4, workers: 2)
      expectClose(part.rows, all.rows.narrowed(0, to: 3..<9), absolute: 1e-5, "a range")
      #expect(part.labels == Array(all.labels[3..<9]))
    }
  }

  @Test func brokenImagesHaveNoRow() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 2), "run")
    let model = try LoadedModel(fixture("run"))
    var set = ToyDataset(images: (0..<6).map { TemporaryRun.picture($0) }, labels: Array(0..<6))
    let whole = try Features(of: set, named: "toy", by: model, pooling: .mean, workers: 1)
    set.broken = [2]
    var told: [Int] = []
    let found = try Features(
      of: set, named: "toy", by: model, pooling: .mean, batch: 2, workers: 1
    ) { told.append($0) }
    #expect(found.labels == [0, 1, 3, 4, 5] && found.broken.map(\.index) == [2])
    #expect(told == [2, 3, 5])
    expectClose(
      found.rows.narrowed(0, to: 2..<5), whole.rows.narrowed(0, to: 3..<6), absolute: 1e-5)
    set.broken = [2, 3]
    #expect(throws: DatasetError.self) {
      try Features(of: set, named: "toy", by: model, pooling: .mean, workers: 1)
    }
    let one = ToyDataset(images: [TemporaryRun.picture(0)], broken: [0])
    let failure = #expect(throws: RunFailure.self) {
      try Features(of: one, named: "toy", by: model, pooling: .mean, workers: 1)
    }
    #expect(failure?.message.contains("image 0: is damaged on purpose") == true)
  }

  // MARK: neighbours

  @Test func neighboursFindSeparableClasses() {
    let known = clusters(60, classes: 5, seed: 1)
    let asked = clusters(35, classes: 5, seed: 2)
    for count in [1, 5, 20, 1000] {
      let scores = NearestNeighbours(count: count, temperature: 0.07)
        .scores(for: asked.rows, from: known, classes: 5)
      #expect(scores.count == 35 * 5)
      #expect(guesses(scores, classes: 5) == asked.labels, "\(count) neighbours")
      for row in scores.chunks(of: 5) { #expect(abs(row.reduce(0, +) - 1) < 1e-5) }
    }
  }

  /// Votes by hand: similarities 1, 0.6 and 0 of classes 1, 0 and 0.
  @Test func votesWeighBySimilarity() {
    let known = Features(
      rows: Tensor([2, 0, 3, 4, 0, 5] as [Float], shape: [3, 2]), labels: [1, 0, 0])
    let row = Tensor([7, 0] as [Float], shape: [1, 2])
    for temperature in [0.07, 1, 50] {
      let scores = NearestNeighbours(count: 3, temperature: temperature)
        .scores(for: row, from: known, classes: 2)
      let votes = [1, 0.6, 0].map { exp($0 / temperature) }
      let share = votes[0] / votes.reduce(0, +)
      #expect(abs(Double(scores[1]) - share) < 1e-5, "\(temperature): \(scores)")
    }
    // Only the nearest counts.
    let nearest = NearestNeighbours(count: 1).scores(for: row, from: known, classes: 2)
    #expect(nearest == [0, 1])
  }

  // MARK: probe

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var strength: Double
    var testDescription: String { name }
  }

  static let cases: [Case] = (try? Golden("probe").cases()) ?? []

  @Test func thereAreCases() { #expect(Self.cases.count == 3) }

  @Test(arguments: cases) func probesEqualScikitLearn(_ example: Case) throws {
    let golden = try Golden("probe").tensors("probe.safetensors")
    let training = Features(
      rows: try golden["training"], labels: try golden["labels"].array(of: Int.self))
    let probe = LinearProbe(training, classes: 4, strength: example.strength)
    let test = try golden["test"]
    let scores = Tensor(probe.scores(for: test), shape: [30, 4]).to(.float64)
    let total = scores.exp().sum([1], keepingDimensions: true).log()
    expectClose(
      scores - total, try golden["\(example.name).log_probabilities"],
      within: try Golden("probe").tolerance(), example.name)
    let value = try golden["\(example.name).value"].item()
    #expect(abs(probe.outcome.value - value) < 1e-5, "\(probe.outcome.value), expected \(value)")
    #expect(
      probe.outcome.gradient <= 1e-5 && probe.outcome.iterations < 200, "\(probe.outcome)")
  }

  /// The head that a classifier gets says what the probe says, without its standardisation.
  @Test func probesFoldIntoHeads() {
    let known = clusters(60, classes: 3, seed: 3)
    let asked = clusters(30, classes: 3, seed: 4)
    let spread = Tensor([0.1, 2, 30] as [Float])
    func moved(_ rows: Tensor) -> Tensor { rows * spread + 4 }
    let probe = LinearProbe(
      Features(rows: moved(known.rows), labels: known.labels), classes: 3, strength: 3)
    let (weight, bias) = probe.folded
    #expect(weight.shape == [3, 3] && bias.shape == [3])
    let scores = withoutGradients { moved(asked.rows).linear(weight, bias) }
    expectClose(
      scores.flattened(), Tensor(probe.scores(for: moved(asked.rows))), absolute: 1e-4)
    #expect(!weight.requiresGradient)
  }

  @Test func probesIgnoreScaleAndConstantColumns() {
    let known = clusters(60, classes: 3, seed: 3)
    let asked = clusters(30, classes: 3, seed: 4)
    func wide(_ rows: Tensor) -> Tensor {
      concatenated([rows * 1000 + 5, Tensor.full([rows.shape[0], 1], 3)], along: 1)
    }
    let probe = LinearProbe(known, classes: 3)
    let other = LinearProbe(Features(rows: wide(known.rows), labels: known.labels), classes: 3)
    let (first, second) = (probe.scores(for: asked.rows), other.scores(for: wide(asked.rows)))
    #expect(guesses(first, classes: 3) == asked.labels)
    expectClose(Tensor(second), Tensor(first), absolute: 1e-2)
    // A class nobody has seen is never guessed.
    let more = LinearProbe(known, classes: 4).scores(for: asked.rows)
    #expect(guesses(more, classes: 4) == asked.labels)
  }

  // MARK: L-BFGS

  @Test func quadraticsAreSolved() {
    let scales = Tensor([1, 10, 100, 1000] as [Double])
    let target = Tensor([3, -2, 1, 0.5] as [Double])
    let point = Tensor.zeros([4], dtype: .float64)
    point.requiresGradient = true
    let outcome = LBFGS().minimize([point]) { ((point - target).squared() * scales).sum() + 7 }
    expectClose(point.detached(), target, absolute: 1e-6)
    #expect(abs(outcome.value - 7) < 1e-9 && outcome.gradient <= 1e-5)
    #expect(outcome.iterations < 60, "\(outcome.iterations) iterations")
  }

  @Test func curvedValleysAreFollowed() {
    var solver = LBFGS()
    solver.iterations = 500
    solver.tolerance = 1e-8
    // Rosenbrock's function, in two tensors of different shapes; the minimum is at (1, 1).
    let x = Tensor([-1.2] as [Double])
    let y = Tensor([1] as [Double], shape: [1, 1])
    x.requiresGradient = true
    y.requiresGradient = true
    let outcome = solver.minimize([x, y]) {
      (1 - x).squared().sum() + 100 * (y.flattened() - x.squared()).squared().sum()
    }
    #expect(abs(x.detached().item() - 1) < 1e-5 && abs(y.detached().item() - 1) < 1e-5)
    #expect(outcome.value < 1e-10 && outcome.iterations < 500)
  }

  @Test func solversStopWhereTheyShould() {
    let point = Tensor([5] as [Double])
    point.requiresGradient = true
    var solver = LBFGS()
    solver.iterations = 3
    let cut = solver.minimize([point]) { point.squared().squared().sum() }
    #expect(cut.iterations == 3 && cut.value < 625)
    let done = LBFGS().minimize([point]) { point.sum() * 0 + 4 }
    #expect(done.iterations == 0 && done.value == 4 && done.gradient == 0)
  }
}
