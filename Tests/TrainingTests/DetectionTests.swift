@testable import Inference
@testable import Recipes
@testable import Runs
import Datasets
import DenseHeads
import Evaluation
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

extension DetectionRecipe {
  /// Trains on pictures of 32² pixels for some steps.
  static func tiny(steps: Int = 6) -> DetectionRecipe {
    var rules = DetectionRules()
    (rules.anchors, rules.regions) = (32, 16)
    (rules.trainingCandidates, rules.candidates, rules.proposals) = (30, 30, 20)
    return DetectionRecipe(
      name: "tiny", seed: 5, size: 32,
      backbone: .init(window: nil, relativePositions: .none, dropPath: 0.1),
      heads: .init(
        channels: 8, convolutions: 1, proposalConvolutions: 1, hidden: 16,
        anchorSizes: [4, 8, 16, 32, 64]),
      rules: rules, labels: .init(keepsEmpty: true), augmentation: .init(scale: 0.8...1.2),
      data: .init(normalization: .inherited, workers: 1),
      optimizer: .init(baseLearningRate: 0.1, layerDecay: 0.9), decayedWeights: .matrices,
      batch: .init(size: 4), schedule: .init(epochs: 1, steps: steps),
      rate: .init(decay: .wholeCosine, warmupSteps: 2, warmupFactor: 0.001),
      checkpoints: .init(everyEpochs: nil, everySteps: 3, keep: 5),
      logging: .init(everySteps: 1))
  }
}

extension TemporaryRun {
  /// Pictures with a bright or a dark rectangle, as a COCO folder; every fourth is empty.
  func makeObjects(
    _ folder: String = "objects", training: Int = 8, validation: Int = 3, masks: Bool = true,
    classes: [String] = ["bright", "dark"]
  ) throws {
    for (part, count) in [("train", training), ("val", validation)] {
      var (images, objects) = ([String](), [String]())
      for number in 0..<count {
        let name = "\(number).png"
        let (x, y, w, h) = (2 + number % 5 * 3, 4 + number % 3 * 4, 12, 9 + number % 4)
        let isEmpty = number % 4 == 3
        let pixels = (0..<32 * 40).map { at -> UInt8 in
          let isInside =
            !isEmpty && (x..<x + w).contains(at % 40) && (y..<y + h).contains(at / 40)
          return UInt8((isInside ? number % 2 == 0 ? 220 : 20 : 110) + at * (number + 3) % 17)
        }
        try write(
          "\(folder)/images/\(part)/\(name)",
          ByteImage(width: 40, height: 32, channels: 1, pixels: pixels).encodedAsPNG())
        images.append(
          #"{"id":\#(number + 7),"file_name":"\#(name)","width":40,"height":32}"#)
        if isEmpty { continue }
        let polygon = "[[\(x),\(y),\(x + w),\(y),\(x + w),\(y + h),\(x),\(y + h)]]"
        objects.append(
          #"{"id":\#(number + 1),"image_id":\#(number + 7),"category_id":\#(number % 2 * 3 + 2),"#
            + #""bbox":[\#(x),\#(y),\#(w),\#(h)],"area":\#(w * h),"iscrowd":0"#
            + (masks ? #","segmentation":\#(polygon)}"# : "}"))
      }
      try write(
        "\(folder)/annotations/instances_\(part).json",
        #"{"images":[\#(images.joined(separator: ","))],"annotations":["#
          + objects.joined(separator: ",") + #"],"categories":[{"id":2,"name":"\#(classes[0])"},"#
          + #"{"id":5,"name":"\#(classes[1])"}]}"#)
    }
  }

  /// Trains a detector as the program does.
  @discardableResult
  func detect(
    _ recipe: DetectionRecipe, from model: String?, like: String? = nil, _ out: String,
    data: String = "objects", _ opening: RunFolder.Opening = .new, stopAfter: Int? = nil
  ) throws -> TrainingRun<DetectionTask> {
    let run = try TrainingRun<DetectionTask>(
      recipe,
      DetectionInputs(
        model: model.map { self($0) }, like: like.map { self($0) }, data: self(data)),
      .init(out: self(out), opening: opening, stopAfter: stopAfter))
    try TrainingSession(run, terminal: .plain, print: { _ in }, warn: { _ in })
      .run(shouldStop: { false })
    return run
  }
}

@Suite struct DetectionTests {
  @Test func `a detector learns, its log, page and results tell of it, and files score the same`()
    throws
  {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeEncoder()
    let run = try folder.detect(.tiny(), from: "encoder", "run")
    let result = try #require(try RunResults.read(folder("run")).detection)
    #expect(result.classes.map(\.name) == ["bright", "dark"] && result.masks != nil)
    #expect(result.training?.pictures == 8 && result.pictures == 3 && result.objects == 3)
    let log = try folder.text("run/metrics.jsonl")
    for part in ["rpn_objectness", "rpn_boxes", "classes", "boxes", "masks", "validation_box_ap"] {
      #expect(log.contains("\"\(part)\":"), "\(part)")
    }
    #expect(try folder.text("run/report.html").contains("detector, trained with swift-mae"))
    for name in ["validation", "best", "worst"] {
      #expect(folder.exists("run/detections/\(name).png"), "\(name)")
    }
    #expect(try folder.text("run/report.html").contains("The worst validation pictures"))
    #expect(run.task.warnings.contains { $0.contains("start anew") })

    let model = try LoadedDetector(folder("run"))
    let set = try DetectionSet(at: folder("objects"), split: .validation)
    let first = try DetectionEvaluation(of: set, named: "objects", by: model)
    let second = try DetectionEvaluation(of: set, named: "objects", by: model, batch: 2)
    let text = DetectionFile(first.results, of: set.annotations).text
    #expect(text == DetectionFile(first.results, of: set.annotations).text)
    #expect(first.results.detections.count == second.results.detections.count)
    try folder.write("found.json", text)
    let read = try DetectionResults(
      path: folder("found.json"), of: set.annotations, needsMasks: true)
    for kind in [DetectionScoring.Kind.boxes, .masks] {
      let scored = try DetectionScoring(read, against: set.annotations, kind: kind).precision
      let own = kind == .boxes ? first.boxes : try #require(first.masks)
      #expect(scored.precision == own.precision.precision)
    }
    #expect(throws: RunFailure.self) { try LoadedModel(folder("run")) }
    #expect(throws: RunFailure.self) { try LoadedDetector(folder("encoder")) }
    for (width, height) in [(32, 32), (5, 40), (90, 20)] {
      let picture = ByteImage(
        width: width, height: height, channels: 1,
        pixels: [UInt8](repeating: 210, count: width * height))
      for object in try model.detect(.pixels(picture), score: 0) {
        #expect(object.box.x1 <= Float(width) && object.box.y1 <= Float(height))
        #expect(object.mask?.size == PixelSize(width: width, height: height))
      }
    }
  }

  @Test(arguments: [false, true])
  func `a run that was stopped goes on as if it had not been`(isTable4: Bool) throws {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeEncoder()
    var recipe = DetectionRecipe.tiny(steps: 4)
    if isTable4 {
      recipe.augmentation.padding = .gray
      recipe.backbone = .init(
        window: 2, globalBlocks: [4], relativePositions: .decomposed, dropPath: 0.1)
    }
    let whole = try folder.detect(recipe, from: "encoder", "whole")
    try folder.detect(recipe, from: "encoder", "parts", stopAfter: 3)
    let parts = try folder.detect(recipe, from: "encoder", "parts", .resume)
    let expected = Dictionary(
      uniqueKeysWithValues: whole.task.store.weights.map { ($0.name, $0.tensor) })
    for (name, tensor) in parts.task.store.weights {
      #expect(tensor.floats() == expected[name]?.floats(), "\(name)")
    }
  }

  @Test func `boxes alone are learned from, and masks that are asked for are missed`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects(masks: false)
    try folder.makeEncoder()
    let run = try folder.detect(.tiny(steps: 2), from: nil, like: "encoder", "run")
    #expect(!run.task.own.shape.hasMasks)
    let result = try #require(try RunResults.read(folder("run")).detection)
    #expect(result.masks == nil && result.training?.isFromScratch == true)
    var recipe = DetectionRecipe.tiny()
    recipe.heads.masks = true
    #expect {
      try folder.detect(recipe, from: "encoder", "masks")
    } throws: {
      "\($0)".contains("heads.masks=false")
    }
  }

  @Test func `other classes are refused, and a detector goes on to them with new scores`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeObjects("cats", classes: ["cat", "dog"])
    try folder.makeEncoder()
    try folder.detect(.tiny(steps: 2), from: "encoder", "run")
    let model = try LoadedDetector(folder("run"))
    let cats = try DetectionSet(at: folder("cats"), split: .validation)
    #expect {
      _ = try DetectionEvaluation(of: cats, named: "cats", by: model)
    } throws: {
      "\($0)".contains("cat, dog") && "\($0)".contains("bright, dark")
    }
    let run = try folder.detect(.tiny(steps: 2), from: "run", "more", data: "cats")
    #expect(run.task.warnings.contains { $0.contains("box_predictor") })
  }

  @Test func `a detector in ViTDet's names finds what it found`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects()
    try folder.makeEncoder()
    var recipe = DetectionRecipe.tiny(steps: 2)
    recipe.backbone = .init(
      window: 3, globalBlocks: [2, 4], relativePositions: .decomposed, dropPath: 0)
    recipe.heads.anchorSizes = nil
    recipe.rules = .init()
    try folder.detect(recipe, from: "encoder", "run")
    let model = try LoadedDetector(folder("run"))
    try model.writeViTDet(to: folder("weights.safetensors"))
    let other = try LoadedDetector(folder("weights.safetensors"))
    #expect(other.description.detector?.shape == model.description.detector?.shape)
    #expect(other.description.model == model.description.model)
    #expect(other.classNames == ["1", "2"] && !other.notes.isEmpty)
    #expect(cocoCategories.count == 80 && cocoCategories[79].id == .number(90))
  }

  @Test func `four composed scenes are learned by heart`() throws {
    let folder = try TemporaryRun()
    for (kind, name) in ["disc", "triangle"].enumerated() {
      for number in 0..<4 {
        try folder.write(
          "cutouts/\(name)/\(number).png", cutoutPNG(kind, shade: 30 * number + 20))
      }
    }
    var composition = SceneComposition()
    (composition.training, composition.validation, composition.unlabelled) = (4, 1, 0)
    (composition.size, composition.objects, composition.lengths) = (40, 1...2, 0.4...0.6)
    _ = try composition.write(
      cutouts: CutoutFolder(folder("cutouts"), side: 32), backgrounds: BackgroundSource(),
      to: folder("scenes"))
    var recipe = DetectionRecipe.tiny(steps: 180)
    recipe.size = 40
    recipe.model = ModelConfiguration(
      height: 40, width: 40, patch: 8, encoder: TransformerShape(width: 32, depth: 2, heads: 2),
      decoder: nil)
    recipe.heads = .init(
      channels: 16, convolutions: 1, proposalConvolutions: 1, hidden: 32,
      anchorSizes: [8, 16, 24, 32, 64])
    recipe.augmentation = .init(scale: 1...1, flip: 0)
    recipe.backbone.dropPath = 0
    recipe.data.normalization = .imageNet
    recipe.optimizer = .init(baseLearningRate: 0.2, weightDecay: 0)
    recipe.checkpoints = .init(everyEpochs: nil, everySteps: 1000, keep: 1)
    let run = try folder.detect(recipe, from: nil, "run", data: "scenes")
    let result = try DetectionEvaluation(
      of: DetectionSet(at: folder("scenes"), split: .training), named: "scenes", by: run.task.loaded
    )
    let found = result.boxes.precision.summary.values
    let masks = try #require(result.masks).precision.summary.values
    #expect(found[1] > 0.9, "AP50 of boxes: \(found[1])")
    #expect(masks[1] > 0.9, "AP50 of masks: \(masks[1])")
    #expect(result.boxes.pictures.allSatisfy { $0.found <= $0.objects && $0.objects > 0 })
  }

  @Test func `few labels are part of more, and pictures without objects can be left out`() throws {
    let folder = try TemporaryRun()
    try folder.makeObjects(training: 12)
    let set = try DetectionSet(
      at: folder("objects"), purpose: .training(keepsEmpty: false))
    #expect(set.count == 9 && set.hasMasks)
    let (few, more) = (set.subset(fraction: 0.3, seed: 1), set.subset(fraction: 0.6, seed: 1))
    #expect(few.count == 3 && Set(few.pictures).isSubset(of: more.pictures))
    #expect(try DetectionSet(at: folder("objects")).count == 12)
  }

  @Test func `the rate rises and falls as ViTDet's and as Table 4's`() throws {
    let vitDet = try RecipeBooks.detection.entry(named: "vitdet-base").recipe
      .learningRates(stepsPerEpoch: 1000)
    let close = { (a: Double, b: Double) in abs(a - b) < 1e-12 }
    #expect(close(vitDet.learningRate(at: 0), 1e-7))
    #expect(close(vitDet.learningRate(at: 125), 1e-7 + (1e-4 - 1e-7) / 2))
    #expect(close(vitDet.learningRate(at: 250), 1e-4))
    #expect(close(vitDet.learningRate(at: 163_888), 1e-4))
    #expect(close(vitDet.learningRate(at: 163_889), 1e-5))
    #expect(close(vitDet.learningRate(at: 177_546), 1e-6))
    let table = try RecipeBooks.detection.entry(named: "table-4-base-25").recipe
      .learningRates(stepsPerEpoch: 1000)
    #expect(close(table.learningRate(at: 0), 8e-8))
    #expect(table.learningRate(at: 461) < 8e-5 && table.learningRate(at: 461) > 7.99e-5)
    #expect(table.learningRate(at: 46_092) < 1e-9)
  }

  @Test func `weights learn and decay as ViTDet's and as Table 4's`() throws {
    let store = ParameterStore(on: .meta, initializing: nil)
    let model = ModelConfiguration(
      height: 32, width: 32, patch: 4,
      encoder: TransformerShape(width: 32, depth: 4, heads: 2), decoder: nil)
    var recipe = try RecipeBooks.detection.entry(named: "vitdet-base").recipe
    _ = MaskRCNN(
      model, recipe.shape(of: model, side: 64, classes: 2, hasMasks: true), in: store.root)
    func groups(
      _ decayed: DecayedWeights
    ) -> [String: (decays: Bool, scale: Double)] {
      var found: [String: (Bool, Double)] = [:]
      for group in ParameterGroup.dense(
        of: store, encoder: "backbone.net.", depth: 4, recipe.optimizer, decayed)
      {
        for (name, _) in group.parameters {
          found[name] = (group.weightDecay > 0, group.learningRateScale)
        }
      }
      return found
    }
    let own = groups(.vitDet)
    #expect(own["backbone.net.pos_embed"]?.decays == false)
    #expect(own["backbone.net.blocks.1.norm1.weight"]?.decays == false)
    #expect(own["backbone.net.blocks.1.attn.qkv.bias"]?.decays == true)
    #expect(own["backbone.net.blocks.1.attn.rel_pos_h"]?.decays == true)
    #expect(own["backbone.simfp_2.1.weight"]?.decays == true)
    #expect(own["roi_heads.box_head.conv1.norm.weight"]?.decays == true)
    let near = { (a: Double?, b: Double) in abs((a ?? 0) - b) < 1e-12 }
    #expect(near(own["backbone.net.pos_embed"]?.scale, 0.16807))
    #expect(near(own["backbone.net.blocks.3.mlp.fc1.weight"]?.scale, 0.7))
    #expect(near(own["backbone.simfp_4.0.weight"]?.scale, 1))
    let all = groups(.all)
    #expect(all.values.allSatisfy { $0.decays })
    recipe.optimizer.layerDecay = 1
    let table = groups(.table4)
    #expect(table["roi_heads.box_head.conv1.norm.weight"]?.decays == false)
    #expect(table["backbone.net.blocks.1.attn.qkv.bias"]?.decays == true)
    #expect(near(table["backbone.net.pos_embed"]?.scale, 1))
  }

  @Test func `mistakes are found with their field`() {
    var recipe = DetectionRecipe.tiny()
    #expect(recipe.problems.isEmpty)
    recipe.backbone.relativePositions = .tables
    recipe.heads.anchorSizes = [1, 2]
    recipe.rules.score = 2
    recipe.labels.fraction = 0
    recipe.backbone.globalBlocks = [1]
    recipe.heads.cascade = [0.6, 0.5]
    recipe.rate.decay = .steps
    recipe.optimizer.minimumLearningRate = 1e-6
    #expect(
      Set(recipe.problems.map { "\($0.path)" }) == [
        "backbone.relativePositions", "heads.anchorSizes", "rules.score", "labels.fraction",
        "backbone.globalBlocks", "heads.cascade", "optimizer.minimumLearningRate",
      ])
    for name in RecipeBooks.detection.summaries.map(\.name) {
      let recipe = try? RecipeBooks.detection.entry(named: name).recipe
      #expect(recipe?.problems.isEmpty == true, "\(name)")
    }
  }
}
