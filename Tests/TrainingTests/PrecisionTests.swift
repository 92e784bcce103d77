import Datasets
import Foundation
import MaskedAutoencoders
import Recipes
import Testing
import Torch
import TorchNN

@testable import Inference
@testable import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `precision: auto`: the faster type of products, measured once.
@Suite struct PrecisionTests {
  private func times(_ float32: Double, _ bfloat16: Double) -> PrecisionChoice.Times {
    .init(float32: float32, bfloat16: bfloat16, images: 16)
  }

  @Test func `bfloat16 is taken where it is faster by a tenth, and float32 otherwise`() {
    let cases: [(Double, Double, Precision)] = [
      (1.11, 1, .bfloat16), (3, 1, .bfloat16), (1.09, 1, .float32), (1, 1, .float32),
      (1, 2, .float32),
    ]
    for (float32, bfloat16, expected) in cases {
      let choice = PrecisionChoice(for: "work", on: .cpu, remembering: nil, isPossible: true) {
        times(float32, bfloat16)
      }
      #expect(choice.precision == expected, "\(float32), \(bfloat16)")
      #expect(choice.times == times(float32, bfloat16) && !choice.isRemembered)
    }
    let line = PrecisionChoice(for: "", on: .cpu, remembering: nil, isPossible: true) {
      times(0.62, 0.0414)
    }.line
    #expect(line == "bfloat16: 16 images take 620 ms in float32 and 41.4 ms in bfloat16")
    let one = PrecisionChoice(for: "", on: .cpu, remembering: nil, isPossible: true) {
      .init(float32: 0.5, bfloat16: 0.5, images: 1)
    }.line
    #expect(one == "float32: 1 image takes 500 ms in float32 and 500 ms in bfloat16")
  }

  @Test func `nothing is measured where there are no instructions for bfloat16`() {
    for choice in [
      PrecisionChoice(for: "work", on: .cpu, isPossible: false) {
        Issue.record("measured")
        return times(2, 1)
      },
      PrecisionChoice(for: "work", on: .meta) {
        Issue.record("measured")
        return times(2, 1)
      },
    ] {
      #expect(choice.precision == .float32 && choice.times == nil)
      #expect(choice.line == "float32: no instructions for bfloat16 here")
    }
  }

  @Test
  func `the two types take turns, the first round is not counted, the least of the others is`() {
    var (order, seconds): ([Precision], [Double]) = ([], [9, 1, 5, 4, 3, 6, 7, 5])
    let times = PrecisionChoice.Times.measured(images: 3) {
      order.append($0)
      return seconds.removeFirst()
    }
    #expect(order == (0..<4).flatMap { _ in [.float32, .bfloat16] })
    #expect(times == .init(float32: 3, bfloat16: 4, images: 3))
  }

  @Test func `a long measurement is made once, of each piece of work`() throws {
    let folder = try TemporaryRun()
    var cache = PrecisionCache(path: folder("cache/precision.json"))
    var measured = 0
    func choice(_ work: String) -> PrecisionChoice {
      PrecisionChoice(for: work, on: .cpu, remembering: cache, isPossible: true) {
        measured += 1
        return times(2, 1)
      }
    }
    // What takes no time is not kept.
    #expect(!choice("a").isRemembered && cache.count == 0 && !folder.exists("cache"))
    cache.secondsWorthKeeping = 0
    #expect(!choice("a").isRemembered && cache.count == 1)
    let again = choice("a")
    #expect(again.isRemembered && again.precision == .bfloat16 && again.times == times(2, 1))
    #expect(again.line.hasSuffix("in bfloat16, as measured before"))
    #expect(!choice("b").isRemembered && cache.count == 2 && measured == 3)
    // Neither a broken file nor one that holds no time is taken.
    try folder.write("cache/precision.json", "[{")
    #expect(!choice("a").isRemembered && cache.count == 1)
    let text = try folder.text("cache/precision.json")
    try folder.write(
      "cache/precision.json",
      text.replacingOccurrences(of: "\"bfloat16\" : 1", with: "\"bfloat16\" : 0"))
    #expect(!choice("a").isRemembered)
    // Another libtorch is measured anew.
    try folder.write(
      "cache/precision.json", text.replacingOccurrences(of: Engine.version, with: "0.1"))
    #expect(!choice("a").isRemembered && cache.count == 2)
    for work in 0..<70 { _ = choice("\(work)") }
    #expect(cache.count == 64 && choice("69").isRemembered)
  }

  @Test func `a run keeps what was chosen, and is the run of a recipe that says it`() async {
    // In a process of its own: on a slow machine the measurement is kept, and not among the user's.
    await #expect(processExitsWith: .success) {
      let fixture = try TemporaryRun(images: 8)
      setenv("XDG_CACHE_HOME", fixture("cache"), 1)
      var recipe = PretrainingRecipe.tiny(steps: 4)
      recipe.precision = .auto
      let run = try TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")), .init(out: fixture("auto")))
      let choice = try #require(run.precisionChoice)
      #expect((choice.times != nil) == Device.cpu.hasBFloat16Products)
      #expect(run.task.recipe.precision == choice.precision && choice.precision != .auto)
      _ = try run.run()
      _ = consume run
      #expect(
        try fixture.text("auto/recipe.yaml").contains("\nprecision: \(choice.precision.rawValue)\n")
      )
      recipe.precision = choice.precision
      try fixture.train(recipe, "named")
      #expect(try fixture.state("auto", step: 4) == fixture.state("named", step: 4))
    }
  }

  @Test func `a resumed run keeps its precision where auto is asked for`() throws {
    for precision in [Precision.float32, .bfloat16] {
      var kept = PretrainingRecipe.tiny()
      kept.precision = precision
      var wanted = kept
      wanted.precision = .auto
      #expect(try kept.resumed(with: wanted, recipeIsNamed: false).precision == precision)
    }
  }

  @Test func `a pass that is timed leaves no gradients`() throws {
    let fixture = try TemporaryRun(images: 8)
    let task = try PretrainingTask(
      .tiny(), .init(data: fixture("images")), on: .cpu, isResumed: false)
    #expect(task.choosePrecision(for: "pre-training") == nil)
    #expect(task.secondsOfPass(images: 2, in: .bfloat16) > 0)
    #expect(task.store.trainable.allSatisfy { $0.tensor.gradient == nil })
  }
}
