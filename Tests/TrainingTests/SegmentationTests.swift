@testable import Inference
@testable import Recipes
@testable import Runs
import Datasets
import DenseHeads
import Foundation
import Imaging
import MaskedAutoencoders
import RecipeSyntax
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import Training

extension SegmentationRecipe {
  /// Trains on pictures of 16² pixels for some steps.
  static func tiny(
    steps: Int = 8, decoder: Decoder = .init(kind: .pyramid, channels: 8, auxiliaryChannels: nil)
  ) -> SegmentationRecipe {
    SegmentationRecipe(
      name: "tiny", seed: 5, size: 16, decoder: decoder,
      augmentation: .init(longest: 16, shortest: 16, ratio: 1...1.5, maxClassShare: 1),
      data: .init(normalization: .inherited, workers: 1),
      optimizer: .init(baseLearningRate: 0.2, layerDecay: 0.9), batch: .init(size: 4),
      schedule: .init(epochs: 1, steps: steps),
      rate: .init(decay: .linear, warmupSteps: 2, warmupFactor: 1e-6),
      checkpoints: .init(everyEpochs: nil, everySteps: 4, keep: 5),
      logging: .init(everySteps: 1))
  }
}

extension TemporaryRun {
  /// Pictures whose left is dark and right bright, or the other way round, and which is where.
  func makeScenes(
    _ folder: String = "scenes", training: Int = 8, validation: Int = 3,
    classes: [String] = ["background", "bright"]
  ) throws {
    for (part, count) in [("train", training), ("val", validation)] {
      for number in 0..<count {
        let edge = 4 + (number * 3) % 9
        let pixels = (0..<256).map { at -> UInt8 in
          UInt8((at % 16 < edge ? 30 : 200) + (at * (number + 3)) % 20)
        }
        let labels = (0..<256).map { at -> UInt16 in at % 16 < edge ? 0 : 1 }
        let name = "\(part)-\(number).png"
        try write(
          "\(folder)/images/\(part)/\(name)",
          ByteImage(width: 16, height: 16, channels: 1, pixels: pixels).encodedAsPNG())
        try write(
          "\(folder)/labels/\(part)/\(name)",
          LabelMap(width: 16, height: 16, labels: labels).encodedAsPNG())
      }
    }
    try write(
      "\(folder)/classes.csv",
      "id,name\n" + classes.enumerated().map { "\($0),\($1)\n" }.joined())
  }

  /// An untrained encoder of four blocks for gray pictures, as a checkpoint.
  func makeEncoder(_ name: String = "encoder", side: Int = 16) throws {
    let configuration = ModelConfiguration(
      height: side, width: side, channels: 1, patch: 4,
      encoder: TransformerShape(width: 16, depth: 4, heads: 2),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2))
    let store = ParameterStore(initializing: Generator(seed: 3))
    _ = MaskedAutoencoder(configuration, in: store.root)
    try Checkpoint(path: self(name)).write(
      ModelDescription(model: configuration, mean: [0.5], std: [0.25]), weights: store.weights)
  }

  /// Trains a segmenter as the program does.
  @discardableResult
  func segment(
    _ recipe: SegmentationRecipe, from model: String?, like: String? = nil, _ out: String,
    data: String = "scenes", _ opening: RunFolder.Opening = .new, stopAfter: Int? = nil
  ) throws -> TrainingRun<SegmentationTask> {
    let run = try TrainingRun<SegmentationTask>(
      recipe,
      SegmentationInputs(
        model: model.map { self($0) }, like: like.map { self($0) }, data: self(data)),
      .init(out: self(out), opening: opening, stopAfter: stopAfter))
    try TrainingSession(run, terminal: .plain, print: { _ in }, warn: { _ in })
      .run(shouldStop: { false })
    return run
  }
}

@Suite struct SegmentationTests {
  @Test func `a segmenter learns, its page and results tell of it, and it segments any size`()
    throws
  {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    let run = try folder.segment(.tiny(steps: 40), from: "encoder", "run")
    let result = try #require(try RunResults.read(folder("run")).segmentation)
    #expect(result.meanIoU > 0.6, "\(result.meanIoU)")
    #expect(result.classes.map(\.name) == ["background", "bright"])
    #expect(result.training?.pictures == 8)
    let page = try folder.text("run/report.html")
    #expect(page.contains("segmenter, trained with swift-mae"))
    #expect(page.contains("Classes, the hardest first"))
    #expect(folder.exists("run/segmentations/best.png"))
    #expect(
      run.task.warnings.contains { $0.contains("start anew") && $0.contains("neck, decode_head") })

    let model = try LoadedSegmenter(folder("run"))
    for (width, height) in [(16, 16), (5, 40), (33, 9)] {
      let picture = ByteImage(
        width: width, height: height, channels: 1,
        pixels: [UInt8](repeating: 210, count: width * height))
      let labels = try model.segment(.pixels(picture))
      #expect(labels.size == PixelSize(width: width, height: height))
    }
    #expect(throws: RunFailure.self) { try LoadedModel(folder("run")) }
    #expect(throws: RunFailure.self) { try LoadedSegmenter(folder("encoder")) }
  }

  @Test(arguments: [false, true])
  func `a resumed run equals the unbroken one, and blocks that are computed twice change nothing`(
    recomputes: Bool
  ) throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    var recipe = SegmentationRecipe.tiny(
      decoder: .init(kind: .upernet, channels: 8, auxiliaryChannels: 8))
    try folder.segment(recipe, from: "encoder", "whole")
    recipe.memory.recompute = recomputes
    try folder.segment(recipe, from: "encoder", "parts", stopAfter: 3)
    try folder.segment(recipe, from: "encoder", "parts", .resume)
    #expect(
      try folder.contents("whole/checkpoints/step-8/weights.safetensors")
        == folder.contents("parts/checkpoints/step-8/weights.safetensors"))
  }

  @Test func `from scratch takes a run's shape, and few labels are part of more`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    var recipe = SegmentationRecipe.tiny(
      steps: 2, decoder: .init(kind: .linear, auxiliaryChannels: nil))
    recipe.labels.fraction = 0.5
    let run = try folder.segment(recipe, from: nil, like: "encoder", "scratch")
    #expect(run.task.recipe.model?.encoder.depth == 4)
    #expect(run.task.data.dataset.count == 4)
    #expect(run.task.description.segmenter?.shape.backbone.taps == [4])
    #expect(try RunResults.read(folder("scratch")).segmentation?.training?.isFromScratch == true)
    #expect(throws: RunFailure.self) {
      try folder.segment(.tiny(), from: nil, "nothing")  // no shape
    }
  }

  @Test func `an encoder's positions are resized bicubically, without averaging`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder(side: 32)
    let run = try folder.segment(.tiny(steps: 1), from: "encoder", "run", stopAfter: 1)
    #expect(run.task.warnings.contains { $0.contains("from 8 × 8 patches to 4 × 4") })
    let loaded = try LoadedModel(folder("encoder"))
    let table = try #require(loaded.store["pos_embed"])
    let inputs = SegmentationInputs(model: folder("encoder"), data: folder("scenes"))
    let task = try SegmentationTask(.tiny(), inputs, on: .cpu, isResumed: false)
    let expected = resizedPositions(
      table[.all, 1...], from: PatchGrid(rows: 8, columns: 8), to: PatchGrid(rows: 4, columns: 4))
    expectClose(
      try #require(task.store["pos_embed"])[.all, 1...].detached(), expected, absolute: 1e-6)
    expectEqual(
      try #require(task.store["blocks.2.attn.qkv.weight"]).detached(),
      try #require(loaded.store["blocks.2.attn.qkv.weight"]).detached())
  }

  @Test func `a segmenter goes on to other classes with a new layer of scores`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    try folder.segment(.tiny(), from: "encoder", "first")
    try folder.makeScenes("others", classes: ["left", "right"])
    let inputs = SegmentationInputs(model: folder("first"), data: folder("others"))
    let task = try SegmentationTask(.tiny(), inputs, on: .cpu, isResumed: false)
    let first = try LoadedSegmenter(folder("first"))
    expectEqual(
      try #require(task.store["decode_head.fpn_convs.0.conv.weight"]).detached(),
      try #require(first.store["decode_head.fpn_convs.0.conv.weight"]).detached())
    #expect(
      task.store["decode_head.conv_seg.weight"]?.floats()
        != first.store["decode_head.conv_seg.weight"]?.floats())
    #expect(task.warnings.contains { $0.contains("start anew: decode_head") })
    let error = #expect(throws: RunFailure.self) {
      try SegmentationEvaluation(
        of: try openLabelMaps(at: folder("others")), named: "others", by: first)
    }
    #expect(error?.message.contains("the set lacks background, bright") == true)
  }

  @Test func `evaluating twice gives the same, and the worst pictures come first`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    try folder.segment(.tiny(), from: "encoder", "run")
    let model = try LoadedSegmenter(folder("run"))
    let set = try openLabelMaps(at: folder("scenes"), split: .validation)
    let results = try (0..<2).map { _ in
      try SegmentationEvaluation(of: set, named: "scenes", by: model)
    }
    #expect(results[0].json == results[1].json)
    let shares = results[0].ranked.compactMap(\.meanIoU)
    #expect(shares.count == 3 && shares == shares.sorted())
  }

  @Test func `the worst are shown from the worst on, the best from the best on`() {
    #expect(RankedPictures.order([0.5, nil, 0, 1, 0]) == [2, 4, 0, 3])
    let sheets = RankedPictures.sheets([2, 4, 0, 3], count: 3)
    #expect(sheets.map(\.name) == ["worst", "best"])
    #expect(sheets.map(\.pictures) == [[2, 4, 0], [3, 0, 4]])
    #expect(RankedPictures.sheets([7], count: 3).map(\.pictures) == [[7], [7]])
  }

  @Test func `label maps are called as their pictures, and none is written over another`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    try folder.segment(.tiny(steps: 1), from: "encoder", "run")
    let model = try LoadedSegmenter(folder("run"))
    var output = SegmentationFolder(
      model, labels: folder("labels"), overlays: folder("pictures"), overwrite: true)
    let picture = ByteImage(
      width: 7, height: 5, channels: 1, pixels: [UInt8](repeating: 90, count: 35))
    try output.write(picture, named: "photos/a.b.jpg")
    #expect(folder.names("labels") == ["a.b.png"])
    #expect(folder.names("pictures") == ["a.b.png"])
    #expect(throws: RunFailure.self) { try output.write(picture, named: "others/a.b.png") }
    var again = SegmentationFolder(model, labels: folder("labels"), overlays: nil)
    #expect(throws: RunFailure.self) { try again.write(picture, named: "a.b.jpg") }
    #expect(output.lines.count == 2)
  }

  @Test func `a published segmenter gives transformers' labels`() throws {
    let golden = Golden("dense")
    let values = try golden.tensors("beit/values.safetensors")
    let model = try LoadedSegmenter(golden.folder.appendingPathComponent("beit/hf").path)
    #expect(model.notes.contains { $0.contains("maps after blocks [1, 2, 3, 4]") })
    #expect(model.description.mean == [0.5, 0.5, 0.5])
    let picture = ByteImage(
      width: 32, height: 32, channels: 3, pixels: try values["picture"].array(of: UInt8.self))
    let labels = try model.segment(.pixels(picture))
    #expect(labels.labels.map(Int.init) == (try values["picture.labels"].array(of: Int.self)))
  }

  @Test func `labels of few classes at a time are those of all at once`() {
    let scores = Tensor.randn([7, 3, 4], using: Generator(seed: 1))
    let size = PixelSize(width: 50, height: 27)
    let expected = scores.unsqueezed(0)
      .interpolated(rows: 27, columns: 50, mode: .bilinear)[0].argmax(along: 0)
    for held in [1, 3 * 50 * 27, 1 << 26] {
      let labels = LoadedSegmenter.labels(of: scores, size: size, holding: held)
      #expect(labels.map(Int.init) == expected.array(of: Int.self))
    }
  }
}

/// Rates and groups against MMSegmentation's.
@Suite struct SegmentationRateTests {
  static let golden = Golden("dense-mmseg")

  @Test func `the rate rises and falls as MMSegmentation's`() throws {
    let expected: [Double] = try Self.golden.tensors("rates.safetensors")["rates"].array()
    var recipe = SegmentationRecipe(name: "rates")
    recipe.optimizer.baseLearningRate = 1e-4 * 256 / 16
    recipe.schedule.steps = expected.count
    recipe.rate.warmupSteps = 30
    let schedule = recipe.learningRates(stepsPerEpoch: 10)
    for (step, rate) in expected.enumerated() {
      #expect(abs(schedule.learningRate(at: step) - rate) < 1e-16, "step \(step)")
    }
  }

  @Test func `weights learn and decay as MMSegmentation's`() throws {
    let text = try Data(contentsOf: Self.golden.folder.appendingPathComponent("groups.json"))
    let expected = try JSONDecoder().decode([String: [Double]].self, from: text)
    let store = ParameterStore(on: .meta, initializing: nil)
    let configuration = ModelConfiguration(
      height: 32, width: 32, patch: 8,
      encoder: TransformerShape(width: 12, depth: 4, heads: 3, mlpRatio: 2), decoder: nil)
    let recipe = SegmentationRecipe(
      name: "groups", decoder: .init(channels: 12, auxiliaryChannels: 8))
    _ = SemanticSegmenter(
      configuration, recipe.shape(of: configuration, classes: 4), in: store.root)
    let groups = ParameterGroup.dense(
      of: store, encoder: "", depth: 4, recipe.optimizer, recipe.decayedWeights)
    var found: [String: [Double]] = [:]
    for group in groups {
      for parameter in group.parameters {
        let theirs = SegmenterFormat.mmsegmentation.foreign([parameter.name: Tensor()])
        for name in theirs.keys { found[name] = [group.learningRateScale, group.weightDecay] }
      }
    }
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (name, values) in expected {
      let own = found[name] ?? []
      #expect(zip(own, values).allSatisfy { abs($0 - $1) < 1e-12 }, "\(name): \(own), \(values)")
    }
  }

  @Test func `a field without a part is refused, and is not among those that are printed`() throws {
    for name in ["segment-small", "detect-small"] {
      let book = RecipeBooks.book(of: name)
      let printed = try book.yaml(name, settings: [], note: { _ in })
      for field in [
        "crop", "scale: [0.2", "jitter", "interpolation", "repeats", "cache", "warmupEpochs",
      ] {
        #expect(!printed.contains(field), "\(name): \(field)")
      }
      #expect(printed.contains("valueRange: inherited") && printed.contains("decay: "))
      let error = #expect(throws: RecipeErrors.self) {
        try book.yaml(
          name, settings: ["data.flip=0.1", "schedule.warmupEpochs=2", "data.flp=1"], note: { _ in }
        )
      }
      let words = error.map { "\($0)" } ?? ""
      let kind = name == "segment-small" ? "segmentation" : "detection"
      #expect(
        words.contains("data.flip has no part in \(kind), where pictures are cut by augmentation"))
      #expect(words.contains("schedule.warmupEpochs has no part in \(kind)"))
      #expect(words.contains("rate.warmupSteps") && words.contains("data.flp does not exist"))
    }
  }

  @Test func `both kinds have the same rates for the same words`() {
    for decay in RateRecipe.Decay.allCases {
      let rate = RateRecipe(decay: decay, warmupSteps: 10, warmupFactor: 0.1)
      let schedule = rate.schedule(peak: 2, minimum: 0, total: 100)
      #expect(abs(schedule.learningRate(at: 0) - 0.2) < 1e-12, "\(decay)")
      let rising = (0..<10).map(schedule.learningRate(at:))
      #expect(zip(rising, rising.dropFirst()).allSatisfy(<), "\(decay)")
      let top = schedule.learningRate(at: 10)
      #expect(decay == .wholeCosine ? top < 1.96 && top > 1.9 : abs(top - 2) < 1e-12, "\(decay)")
      #expect(schedule.learningRate(at: 99) < 0.03)
    }
  }

  @Test func `mistakes are found with their field`() {
    var recipe = SegmentationRecipe(name: "bad")
    #expect(recipe.problems.isEmpty)
    recipe.backbone.relativePositions = .decomposed
    recipe.labels.fraction = 0
    recipe.rate.warmupFactor = 2
    recipe.augmentation.maxClassShare = 2
    #expect(
      Set(recipe.problems.map { "\($0.path)" }) == [
        "backbone.relativePositions", "labels.fraction", "rate.warmupFactor",
        "augmentation.maxClassShare",
      ])
    for entry in RecipeBooks.segmentation.entries { #expect(entry.recipe.problems.isEmpty) }
  }
}
