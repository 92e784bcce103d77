@testable import Inference
@testable import Recipes
import DataParallel
import Datasets
import DenseHeads
import Evaluation
import Foundation
import Imaging
import MaskedAutoencoders
import Runs
import TestSupport
import Testing
import Torch

@testable import Training

/// What segmentation and detection have in common.
@Suite struct DenseTests {
  /// The pictures of a folder with 12 of 16 bits: sixteen times their bytes.
  private func deepen(_ folder: TemporaryRun, _ pictures: String) throws {
    for name in folder.names(pictures) {
      let path = folder("\(pictures)/\(name)")
      let image = try EncodedImage(path: path).decoded(channels: 1)
      try folder.write(
        "\(pictures)/\(name)",
        SixteenBitFile.png(
          image.pixels.map { UInt16($0) * 16 }, width: image.width, height: image.height))
    }
  }

  @Test func `a segmenter reads pictures of 16 bits by data.valueRange, in training and in use`()
    throws
  {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    for part in ["train", "val"] { try deepen(folder, "scenes/images/\(part)") }
    var recipe = SegmentationRecipe.tiny(steps: 1)
    let inputs = SegmentationInputs(model: folder("encoder"), data: folder("scenes"))
    func brightest(_ range: DataRecipe.ValueRange) throws -> UInt8 {
      recipe.data.valueRange = range
      let task = try SegmentationTask(recipe, inputs, on: .cpu, isResumed: false)
      let source = task.batches(startingAt: 0, rank: .single)
      defer { source.stop() }
      return try source.next().pixelBytes.max() ?? 0
    }
    // The upper 8 bits reach 13, and photometric distortion adds up to 32.
    #expect(try brightest(.inherited) < 80 && brightest(.full) < 80)
    #expect(try brightest(.computed) > 200 && brightest(.given(0...4095)) > 200)
    try folder.segment(recipe, from: "encoder", "run")
    let model = try LoadedSegmenter(folder("run"))
    #expect(model.description.valueRange == 0...4095)
    let picture = ImageContent.encoded(
      try EncodedImage(path: folder("scenes/images/val/val-0.png")))
    #expect(try model.picture(of: picture).shown.pixels.max() ?? 0 > 200)
    #expect(try model.shown(picture).shown.pixels.max() ?? 0 > 200)
    // What is trained on it inherits the range.
    recipe.data.valueRange = .inherited
    let more = try SegmentationTask(
      recipe, SegmentationInputs(model: folder("run"), data: folder("scenes")), on: .cpu,
      isResumed: false)
    #expect(more.recipe.data.valueRange == .given(0...4095))
  }

  @Test func `a detector reads pictures of 16 bits by data.valueRange, in training and in use`()
    throws
  {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeEncoder()
    for part in ["train", "val"] { try deepen(folder, "objects/images/\(part)") }
    var recipe = DetectionRecipe.tiny(steps: 1)
    recipe.data.valueRange = .computed
    let run = try folder.detect(recipe, from: "encoder", "run")
    let source = run.task.batches(startingAt: 0, rank: .single)
    defer { source.stop() }
    let batch = try source.next()
    let bytes = UnsafeRawBufferPointer(
      start: batch.pixels, count: batch.count * batch.size.width * batch.size.height)
    #expect(bytes.max() ?? 0 > 200)
    let model = try LoadedDetector(folder("run"))
    #expect(model.description.valueRange?.upperBound ?? 0 > 3500)
    let picture = ImageContent.encoded(try EncodedImage(path: folder("objects/images/val/0.png")))
    #expect(try model.picture(of: picture).shown.pixels.max() ?? 0 > 200)
  }

  @Test func `a set of which every pixel is ignored is refused before training`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeEncoder()
    for part in ["val", "train"] {
      for name in folder.names("scenes/labels/\(part)") {
        try folder.write(
          "scenes/labels/\(part)/\(name)",
          LabelMap(width: 16, height: 16, of: LabelMap.ignored).encodedAsPNG())
      }
      let error = #expect(throws: DatasetError.self) {
        try folder.segment(.tiny(), from: "encoder", "run")
      }
      #expect(error?.description.contains("has no pixel that counts") == true)
      #expect(!folder.exists("run"))
    }
    let summary = try LabelMapSummary(at: folder("scenes"))
    #expect(summary.problem?.description.contains("every label is ignored") == true)
  }

  @Test func `a set without an object is refused before training`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeEncoder()
    let text = try folder.text("objects/annotations/instances_train.json")
    let empty = text.replacing(
      /"annotations":\[.*\],"categories"/, with: #""annotations":[],"categories""#)
    try folder.write("objects/annotations/instances_train.json", empty)
    #expect {
      try folder.detect(.tiny(), from: "encoder", "run")
    } throws: {
      "\($0)".contains("none of its 8 pictures has an object to learn from")
    }
  }

  // MARK: Many processes

  @Test func `ranks segment the validation pictures as one process does`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes(validation: 7)
    try folder.makeEncoder()
    try folder.segment(.tiny(steps: 4), from: "encoder", "run")
    try folder.write("scenes/images/val/val-2.png", "broken")
    @Sendable func evaluate(_ group: DataParallelGroup) throws -> SegmentationEvaluation {
      var model = try LoadedSegmenter(folder("run"))
      model.windows.batch = 2
      return try SegmentationEvaluation(
        of: openLabelMaps(at: folder("scenes"), split: .validation), named: "scenes", by: model,
        brokenLimit: .none, over: group)
    }
    let alone = try evaluate(.single)
    #expect(alone.pictures.count == 6 && alone.broken.map(\.index) == [2])
    for ranks in [2, 3] {
      let all = try together(ranks) { group in
        let result = try evaluate(group)
        return (result.scores, result.pictures, result.broken)
      }
      for (scores, pictures, broken) in all {
        #expect(scores == alone.scores && pictures == alone.pictures && broken == alone.broken)
      }
    }
    // What one rank meets ends all of them.
    let errors = try together(2) { group in
      #expect(throws: (any Error).self) {
        var model = try LoadedSegmenter(folder("run"))
        model.windows.batch = 1
        _ = try SegmentationEvaluation(
          of: openLabelMaps(at: folder("scenes"), split: .validation), named: "scenes", by: model,
          brokenLimit: .none, over: group,
          each: { index, _ in if index == 5 { throw RunFailure(.badData, "the sixth") } })
      }.map { "\($0)" } ?? ""
    }
    #expect(errors.allSatisfy { $0.contains("the sixth") }, "\(errors)")
  }

  @Test func `ranks find the objects of the validation pictures as one process does`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects(validation: 5)
    try folder.makeEncoder()
    var recipe = DetectionRecipe.tiny(steps: 2)
    recipe.rules.score = 0
    try folder.detect(recipe, from: "encoder", "run")
    @Sendable func evaluate(_ group: DataParallelGroup) throws -> (text: String, ap: [Double]) {
      let set = try DetectionSet(at: folder("objects"), split: .validation)
      let result = try DetectionEvaluation(
        of: set, named: "objects", by: LoadedDetector(folder("run")), over: group)
      return (
        DetectionFile(result.results, of: set.annotations).text,
        result.boxes.precision.summary.values
      )
    }
    let alone = try evaluate(.single)
    #expect(alone.text.contains("\"counts\""))
    for found in try together(3, { try evaluate($0) }) {
      #expect(found.text == alone.text && found.ap == alone.ap)
    }
  }

  // MARK: Memory

  @Test func `the forecast names settings that fit, and what recomputation saves`() throws {
    let gigabyte = 1 << 30
    func forecast(_ batch: Int, recomputes: Bool = false, picture: Int = gigabyte) -> StepMemory {
      StepMemory(
        parameters: gigabyte / 16, picture: picture, batch: batch, accumulation: 2,
        recomputes: recomputes)
    }
    #expect(forecast(16).total == 17 * gigabyte)
    #expect(!forecast(4).sentence(available: 8 * gigabyte).contains("--set"))
    let tight = forecast(16).sentence(available: 8 * gigabyte)
    #expect(
      tight.hasSuffix(
        "--set memory.recompute=true, or --set batch.size=4 --set batch.accumulation=8"), "\(tight)"
    )
    #expect(!forecast(16, recomputes: true).sentence(available: 8 * gigabyte).contains("recompute"))
    let none = forecast(2, picture: 9 * gigabyte).sentence(available: 8 * gigabyte)
    #expect(
      none.contains("--set batch.size=1 --set batch.accumulation=4")
        && none.contains("one picture alone does not fit"))
    let model = ModelConfiguration(
      height: 512, width: 512, patch: 16, encoder: .base, decoder: nil)
    var recipe = try RecipeBooks.segmentation.entry(named: "upernet-base").recipe
    recipe.batch.size = 2
    let shape = recipe.shape(of: model, classes: 150)
    let whole = StepMemory(model, shape, recipe, parameters: 164_000_000)
    recipe.memory.recompute = true
    let less = StepMemory(model, shape, recipe, parameters: 164_000_000)
    // Measured: at most 10.4 GB, work space included.
    #expect((7_000_000_000...10_400_000_000).contains(whole.total), "\(whole.total)")
    #expect(less.picture < whole.picture && less.weights == whole.weights)
  }

  @Test func `the first lines of a run have the forecast`() throws {
    let folder = try TemporaryRun()
    try folder.makeScenes()
    try folder.makeObjects()
    try folder.makeEncoder()
    let segmentation = try SegmentationTask(
      .tiny(), SegmentationInputs(model: folder("encoder"), data: folder("scenes")), on: .cpu,
      isResumed: false)
    let detection = try DetectionTask(
      .tiny(), DetectionInputs(model: folder("encoder"), data: folder("objects")), on: .cpu,
      isResumed: false)
    for summary in [segmentation.summary, detection.summary] {
      #expect(summary.last?.label == "forecast")
      #expect(summary.last?.text.hasPrefix("about ") == true)
    }
  }
}
