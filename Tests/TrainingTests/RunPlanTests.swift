import MaskedAutoencoders
import Recipes
import Runs
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import Training

/// Planned steps, memory and hours, against sums by hand, a model's own tensors, an independent
/// program and published hours.
@Suite struct RunPlanTests {
  private static let shapes: [(name: String, shape: TransformerShape, patch: Int)] = [
    ("base", .base, 16), ("large", .large, 16), ("huge", .huge, 14),
  ]

  private static func configuration(_ name: String) -> ModelConfiguration {
    let entry = shapes.first { $0.name == name } ?? shapes[0]
    return ModelConfiguration(patch: entry.patch, encoder: entry.shape)
  }

  /// A job of the paper's model whose decoder predicts every patch, as the reference counts it.
  private func job(_ name: String, batch: Int, accumulation: Int = 1) -> RunPlan.Job {
    let model = Self.configuration(name)
    return RunPlan.Job(
      name: name, model: name,
      cost: ModelCost(pretraining: model, kept: model.grid.count / 4, predictsAll: true),
      batch: batch, accumulation: accumulation, steps: 800 * 1_281_167 / (batch * accumulation),
      images: 1_281_167, isShort: true, stateBytes: 8, keepsAverage: false, checkpoints: 1)
  }

  private func machine(_ name: String) throws -> Machine {
    try #require(Machine.named.first { $0.name == name })
  }

  // MARK: costs

  @Test func `operations and values of the paper's models`() {
    for (name, gigaflops, values) in [
      ("base", 58.2, 111.7), ("large", 123.8, 329.2), ("huge", 290.5, 656.6),
    ] {
      let cost = job(name, batch: 8).cost
      #expect(abs(cost.operations / 1e9 - gigaflops) < 0.06, "\(name)")
      #expect(abs(Double(cost.parameters) / 1e6 - values) < 0.06, "\(name)")
      #expect(cost.backward == 2 * cost.forward && cost.trained == cost.parameters)
    }
  }

  @Test func `operations of a small model, by hand`() {
    // 4 patches of 2·2·1 numbers, one visible; encoder of one block, 8 wide; decoder of two, 4 wide.
    let model = ModelConfiguration(
      height: 4, width: 4, channels: 1, patch: 2,
      encoder: TransformerShape(width: 8, depth: 1, heads: 2, mlpRatio: 2),
      decoder: TransformerShape(width: 4, depth: 2, heads: 1))
    func block(_ n: Int, _ q: Int, _ d: Int, _ h: Int) -> Int {
      // keys and values, queries, two products of attention, projection, perceptron
      2 * n * d * 2 * d + 2 * q * d * d + 2 * (2 * n * q * d) + 2 * q * d * d + 2 * (2 * q * d * h)
    }
    let encoder = 2 * 1 * 4 * 8 + block(2, 2, 8, 16)
    let hidden = 2 * 2 * 8 * 4 + block(5, 5, 4, 16) + block(5, 3, 4, 16) + 2 * 3 * 4 * 4
    #expect(
      ModelCost(pretraining: model, kept: 1).forward == Double(encoder + hidden))
    let all = 2 * 2 * 8 * 4 + 2 * block(5, 5, 4, 16) + 2 * 4 * 4 * 4
    let whole = ModelCost(pretraining: model, kept: 1, predictsAll: true)
    #expect(whole.forward == Double(encoder + all))
    #expect(whole.blockValues == 2 * 8 + 2 * 5 * 4 && whole.pixels == 16)

    // With mask tokens the encoder and the decoder's first layer see all 5 tokens.
    var encoding = model
    encoding.encodesMaskTokens = true
    let masks = 2 * 1 * 4 * 8 + block(5, 5, 8, 16) + hidden + 2 * 3 * 8 * 4
    #expect(ModelCost(pretraining: encoding, kept: 1).forward == Double(masks))

    let embedding = 2 * 4 * 4 * 8
    let forward = Double(embedding + block(5, 5, 8, 16) + 2 * 8 * 10)
    let tuned = ModelCost(classifying: model, classes: 10, training: .all)
    #expect(tuned.forward == forward && tuned.backward == 2 * forward)
    let head = ModelCost(classifying: model, classes: 10, training: .lastBlocks(0))
    #expect(head.forward == forward && head.backward == Double(2 * 2 * 8 * 10))
    #expect(head.blockValues == 0 && head.trained == 8 * 10 + 10)
  }

  @Test func `values are those of the models`() {
    let model = ModelConfiguration(
      height: 4, width: 4, channels: 1, patch: 2,
      encoder: TransformerShape(width: 8, depth: 3, heads: 2),
      decoder: TransformerShape(width: 4, depth: 2, heads: 1))
    func count(_ store: ParameterStore, _ isCounted: (String) -> Bool = { _ in true }) -> Int {
      store.trainable.filter { isCounted($0.name) }.reduce(0) {
        $0 + $1.tensor.shape.reduce(1, *)
      }
    }
    let store = ParameterStore(initializing: Generator(seed: 0))
    _ = MaskedAutoencoder(model, in: store.root)
    #expect(ModelCost(pretraining: model, kept: 1).parameters == count(store))
    let classifier = ParameterStore(initializing: Generator(seed: 0))
    _ = ImageClassifier(model, head: ClassifierHead(classes: 10), in: classifier.root)
    for (part, names) in [
      (TrainableBlocks.all, [""]), (.lastBlocks(2), ["head.", "blocks.1.", "blocks.2."]),
      (.halfBlock, ["head.", "blocks.2.norm2", "blocks.2.mlp"]), (.lastBlocks(0), ["head."]),
    ] {
      let cost = ModelCost(classifying: model, classes: 10, training: part)
      #expect(cost.parameters == count(classifier))
      #expect(
        cost.trained == count(classifier) { name in names.contains { name.hasPrefix($0) } },
        "\(part)")
    }
  }

  @Test func `memory of the paper's models`() throws {
    let gpu = try machine("h100-8x400g")
    for (name, fixed, image) in [
      ("base", 2.01, 43.7), ("large", 5.93, 69.8), ("huge", 11.82, 127.0),
    ] {
      let plan = try RunPlan(job(name, batch: 64), on: gpu, hosts: 1, gpus: 1)
      #expect(abs(plan.fixedBytes / 1e9 - fixed) < 0.02, "\(name): \(plan.fixedBytes)")
      #expect(abs(plan.imageBytes / 1e6 - image) < 0.5, "\(name): \(plan.imageBytes)")
      #expect(plan.imagesThatFit == Int((76e9 - plan.fixedBytes) / plan.imageBytes))
    }
  }

  // MARK: steps

  /// What another program of the same formula has: efficiency in percent with 256, 128 and 64
  /// images a GPU of ViT-B, -L and -H, on 8, 16, 64, 256 and 1024 GPUs.
  private static let weak: [(machine: String, rows: [[Double]])] = [
    (
      "h100-8x400g",
      [
        [97.9, 97.5, 96.9, 96.4, 96.0], [98.0, 97.6, 97.1, 96.6, 96.2],
        [98.0, 97.7, 97.1, 96.6, 96.1],
      ]
    ),
    (
      "a100-8x200g",
      [
        [97.9, 97.6, 97.0, 96.6, 96.2], [98.0, 97.7, 97.2, 96.7, 96.3],
        [98.0, 97.7, 97.2, 96.7, 96.3],
      ]
    ),
    (
      "a100-4x100g",
      [
        [97.9, 97.2, 96.6, 96.2, 95.8], [98.0, 97.4, 96.9, 96.5, 96.1],
        [98.1, 97.4, 96.8, 94.4, 91.9],
      ]
    ),
    (
      "h100-1x100g",
      [
        [97.9, 51.2, 48.8, 47.9, 47.3], [98.0, 22.2, 21.1, 20.6, 20.4],
        [98.0, 14.2, 13.4, 13.1, 12.9],
      ]
    ),
    (
      "h100-1x25g",
      [
        [97.9, 15.3, 14.6, 14.4, 14.3], [98.0, 6.0, 5.7, 5.6, 5.6], [98.0, 3.7, 3.5, 3.5, 3.5],
      ]
    ),
  ]

  @Test func `efficiency with so many images a GPU`() throws {
    for (name, rows) in Self.weak {
      for (row, (model, local)) in zip(rows, [("base", 256), ("large", 128), ("huge", 64)]) {
        for (expected, ranks) in zip(row, [8, 16, 64, 256, 1024]) {
          let plan = try RunPlan(
            job(model, batch: local * ranks), on: machine(name), hosts: ranks / 8, gpus: 8)
          #expect(
            abs(100 * plan.step.efficiency - expected) < 0.11, "\(name) \(model) \(ranks)")
        }
      }
    }
  }

  @Test func `the paper's batch divided`() throws {
    for (name, model, most, rates) in [
      ("h100-8x400g", "base", 512, [39_439.0, 283_503, 534_043, 542_031, 530_118]),
      ("h100-8x400g", "large", 256, [18_444, 129_580, 191_495, 190_675, 184_738]),
      ("h100-8x400g", "huge", 128, [7885, 56_400, 94_330, 94_897, 92_444]),
      ("h100-1x100g", "large", 256, [18_444, 15_609, 15_717, 15_684, 15_628]),
      ("a100-8x200g", "huge", 128, [2506, 18_794, 53_372, 58_394, 60_071]),
    ] {
      for (expected, ranks) in zip(rates, [8, 64, 256, 512, 1024]) {
        var assumptions = RunPlan.Assumptions()
        assumptions.perPass = most
        let plan = try RunPlan(
          job(model, batch: 4096), on: machine(name), hosts: ranks / 8, gpus: 8,
          assuming: assumptions)
        #expect(abs(plan.rate / expected - 1) < 0.001, "\(name) \(model) \(ranks): \(plan.rate)")
      }
    }
  }

  @Test func `gradients in 16 bits and more passes, on a slow network`() throws {
    for (name, model, local, expected) in [
      ("h100-1x25g", "base", 256, [14.6, 27.3, 39.8, 58.8]),
      ("h100-1x100g", "base", 256, [48.8, 78.8, 77.6, 91.7]),
      ("h100-1x100g", "large", 128, [21.1, 38.5, 49.8, 69.4]),
      ("h100-1x100g", "huge", 64, [13.4, 25.3, 35.9, 54.7]),
    ] {
      for (index, efficiency) in expected.enumerated() {
        var assumptions = RunPlan.Assumptions()
        assumptions.gradientBytes = index % 2 == 0 ? 4 : 2
        let plan = try RunPlan(
          job(model, batch: 64 * local, accumulation: index < 2 ? 1 : 4), on: machine(name),
          hosts: 8, gpus: 8, assuming: assumptions)
        // Buckets are cut in float32, as the reducer cuts them; the other program cuts what is
        // sent, so that its last bucket in 16 bits holds twice as many gradients.
        #expect(
          abs(100 * plan.step.efficiency - efficiency) < (index % 2 == 0 ? 0.2 : 1.5),
          "\(name) \(model) \(index)")
      }
    }
  }

  @Test func `one GPU exchanges nothing and waits for nobody`() throws {
    let plan = try RunPlan(
      job("base", batch: 64), on: machine("h100-8x400g"), hosts: 1, gpus: 1)
    #expect(plan.step.exposed == 0 && plan.step.waiting == 0 && plan.step.efficiency == 1)
  }

  @Test func `a measured rate takes the place of the sheet`() throws {
    var assumptions = RunPlan.Assumptions()
    assumptions.imagesPerSecond = 100
    assumptions.perPass = 8
    let plan = try RunPlan(
      job("base", batch: 64, accumulation: 2), on: machine("h100-8x400g"), hosts: 1, gpus: 2,
      assuming: assumptions)
    #expect(plan.passes == 4 && abs(plan.step.compute - 0.64) < 1e-9 && plan.step.update == 0)
  }

  /// Two network namespaces, one thread each, 32 images a step: seconds of a step without a limit and
  /// at a rate (scripts/check-processes rates). Headers and acknowledgements take 6.4 % of a rate.
  @Test func `steps that were measured at limited rates, within 10 %`() throws {
    let model = ModelConfiguration(
      height: 16, width: 16, channels: 1, patch: 4,
      encoder: TransformerShape(width: 192, depth: 4, heads: 4),
      decoder: TransformerShape(width: 32, depth: 1, heads: 4))
    for (gigabits, free, measured) in [
      (1.0, 0.108, 0.158), (0.4, 0.084, 0.228), (0.2, 0.088, 0.371), (0.1, 0.092, 0.680),
    ] {
      var job = job("base", batch: 32)
      job.cost = ModelCost(pretraining: model, kept: 4)
      var link = try machine("h100-1x100g")
      link.card = gigabits * 1e9 / 8
      link.wire = 0.936
      link.latency = (0.0015, 0)
      var assumptions = RunPlan.Assumptions()
      assumptions.imagesPerSecond = 16 / free
      let plan = try RunPlan(job, on: link, hosts: 2, gpus: 1, assuming: assumptions)
      #expect(abs(plan.step.seconds / measured - 1) < 0.1, "\(gigabits): \(plan.step)")
    }
  }

  @Test func `ranks that cannot share a micro-batch are told which can`() throws {
    let gpu = try machine("h100-8x400g")
    let error = #expect(throws: RunFailure.self) {
      try RunPlan(job("base", batch: 4096), on: gpu, hosts: 6, gpus: 8)
    }
    #expect(
      error?.message
        == "batch.size is 4096, which 48 ranks cannot share equally; 32 and 64 can")
    var mixed = job("base", batch: 96)
    mixed.unit = 2
    let pairs = #expect(throws: RunFailure.self) {
      try RunPlan(mixed, on: gpu, hosts: 4, gpus: 8)
    }
    #expect(
      pairs?.message == "batch.size is 96, which 32 ranks cannot share equally in pairs, as mixing "
        + "needs them; 24 and 48 can")
    #expect(throws: RunFailure.self) {
      try RunPlan(job("base", batch: 4), on: gpu, hosts: 1, gpus: 8)
    }
  }

  // MARK: recipes

  @Test func `every recipe can be planned`() throws {
    let gpu = try machine("a100-8x200g")
    for entry in RecipeBooks.pretraining.entries {
      let plan = try RunPlan(
        RunPlan.Job(entry.recipe, images: 100_000), on: gpu, hosts: 1, gpus: 2)
      #expect(plan.hours > 0 && !plan.lines().isEmpty, "\(entry.name)")
    }
    for entry in RecipeBooks.classification.entries {
      let job = RunPlan.Job(
        entry.recipe, encoder: Self.configuration("base"), classes: 10, images: 100_000)
      let plan = try RunPlan(job, on: gpu, hosts: 1, gpus: 2)
      #expect(plan.hours > 0 && !plan.lines(price: 1).isEmpty, "\(entry.name)")
    }
    let probe = try RecipeBooks.classification.resolve("paper-table10-linear-probe")
    let job = RunPlan.Job(
      probe, encoder: Self.configuration("large"), classes: 1000, images: 1_281_167)
    #expect(job.stateBytes == 4 && job.cost.trained == 1000 * 1024 + 1000)
    let mixing = try RecipeBooks.classification.resolve("finetune-vit-base")
    #expect(
      RunPlan.Job(mixing, encoder: Self.configuration("base"), classes: 2, images: 10_000).unit == 2
    )
  }

  // MARK: published times

  /// He et al. (2022), Table 2: one share of the peak for all rows.
  @Test func `rows of Table 2 are to each other as published, within 10 %`() {
    let rows = PublishedTime.all.filter { $0.source == "Table 2" }
    #expect(rows.count == 6)
    for one in rows {
      for other in rows {
        let ratio = (one.plan.hours / other.plan.hours) / (one.hours / other.hours)
        #expect(ratio < 1.1, "\(one.title) to \(other.title): \(ratio)")
      }
    }
  }

  @Test func `the published 42 hours on 64 V100, within 25 %`() throws {
    let time = try #require(PublishedTime.all.first { $0.source == "published code" })
    #expect(abs(time.plan.hours / 42 - 1) < 0.25, "\(time.plan.hours)")
    #expect(time.plan.ranks == 64 && time.plan.rows == 64)
  }
}
