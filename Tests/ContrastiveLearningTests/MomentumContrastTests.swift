import DataParallel
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ContrastiveLearning

/// MoCo v3 against the paper's pseudo-code in PyTorch (`scripts/goldens/moco_v3.py`).
@Suite struct MomentumContrastTests {
  static let golden = Golden("moco-v3")

  struct Values: Decodable {
    var temperature: Double
    var m: Double
    var start: Double
    var total: Int
    var momenta: [Double]
  }

  static let tiny = ModelConfiguration(
    height: 8, width: 8, channels: 1, patch: 4,
    encoder: TransformerShape(width: 8, depth: 2, heads: 2), decoder: nil)
  static let heads = ContrastiveHeads(hidden: 12, output: 6)

  /// A model whose weights show.
  static func model(trainsPatchProjection: Bool = false) -> MomentumContrast {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let model = MomentumContrast(
      tiny, heads: heads, trainsPatchProjection: trainsPatchProjection, in: store.root)
    store.randomize(seed: 2)
    return model
  }

  static func views(_ count: Int = 6, seed: UInt64 = 3) -> (Tensor, Tensor) {
    let generator = Generator(seed: seed)
    return (
      Tensor.randn([count, 1, 8, 8], using: generator),
      Tensor.randn([count, 1, 8, 8], using: generator)
    )
  }

  @Test func `heads are the pseudo-code's, forward and backward, with their statistics`() throws {
    let golden = try Self.golden.tensors("heads.safetensors")
    let tolerance = try Self.golden.tolerance()
    let store = ParameterStore(initializing: nil)
    let shape = ContrastiveHeads(hidden: 7, output: 5)
    let projector = ContrastiveHead(
      8, hidden: shape.hidden, output: shape.output, layers: shape.projectionLayers,
      in: store.root["projector"])
    let predictor = ContrastiveHead(
      shape.output, hidden: shape.hidden, output: shape.output, layers: shape.predictionLayers,
      in: store.root["predictor"])
    try store.load(
      golden.starting(with: "weight.").merging(golden.starting(with: "before.")) { a, _ in a })
    let input = try golden["input"].cloned()
    input.requiresGradient = true
    let projected = projector(input, isTraining: true)
    let predicted = predictor(projected, isTraining: true)
    expectClose(projected, try golden["projected"], within: tolerance, "projected")
    expectClose(predicted, try golden["predicted"], within: tolerance, "predicted")
    for (name, expected) in golden.starting(with: "after.") {
      expectClose(try #require(store[name]), expected, within: tolerance, name)
    }
    predicted.backward(try golden["upstream"])
    var gradients = store.takeGradients()
    gradients["input"] = input.gradient ?? Tensor()
    // Sums over the batch that the normalisation makes cancel.
    expectGradients(
      gradients, golden.starting(with: "grad."),
      within: .init(absolute: 2e-6, relative: 1e-5, ofLargest: 1e-5))
    let evaluated = predictor(projector(input, isTraining: false), isTraining: false)
    expectClose(evaluated, try golden["evaluated"], within: tolerance, "evaluated")
  }

  @Test func `the loss of both directions is the pseudo-code's, and the queries' gradients`()
    throws
  {
    let golden = try Self.golden.tensors("loss.safetensors")
    let tolerance = try Self.golden.tolerance()
    let temperature = try Self.golden.manifest(as: Values.self).temperature
    let (q1, q2) = (try golden["q1"].cloned(), try golden["q2"].cloned())
    let (k1, k2) = (try golden["k1"].cloned(), try golden["k2"].cloned())
    for leaf in [q1, q2, k1, k2] { leaf.requiresGradient = true }
    let losses = [
      contrastiveLoss(q1, k2, temperature: temperature),
      contrastiveLoss(q2, k1, temperature: temperature),
    ]
    expectClose(losses[0], try golden["loss.0"], within: tolerance, "loss.0")
    expectClose(losses[1], try golden["loss.1"], within: tolerance, "loss.1")
    let loss = losses[0] + losses[1]
    expectClose(loss, try golden["loss"], within: tolerance, "loss")
    loss.backward()
    expectClose(try #require(q1.gradient), try golden["grad.q1"], within: tolerance, "grad.q1")
    expectClose(try #require(q2.gradient), try golden["grad.q2"], within: tolerance, "grad.q2")
    #expect(k1.gradient == nil && k2.gradient == nil)
  }

  @Test func `a step of the momentum encoder is the pseudo-code's`() throws {
    let golden = try Self.golden.tensors("momentum.safetensors")
    let values = try Self.golden.manifest(as: Values.self)
    let store = ParameterStore(initializing: Generator(seed: 1))
    let model = MomentumContrast(
      Self.tiny, heads: ContrastiveHeads(hidden: 7, output: 5), in: store.root)
    func place(_ tensors: [String: Tensor], _ prefix: String) throws {
      for (name, tensor) in tensors {
        let weight = try #require(store[prefix + name], "\(prefix)\(name)")
        withoutGradients { _ = weight.copy(tensor) }
      }
    }
    try place(golden.starting(with: "weight."), "projector.")
    try place(golden.starting(with: "average."), "momentum.projector.")
    model.updateMomentumEncoder(momentum: values.m)
    let updated = golden.starting(with: "updated.")
    #expect(updated.count == 7)
    for (name, expected) in updated {
      expectClose(
        try #require(store["momentum.projector." + name]), expected,
        within: try Self.golden.tolerance(), name)
    }
    for (step, expected) in values.momenta.enumerated() {
      let momentum = MomentumContrast.momentum(at: step, of: values.total, from: values.start)
      #expect(abs(momentum - expected) < 1e-15)
    }
  }

  @Test func `the momentum encoder starts as the encoder and follows all of it`() throws {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let model = MomentumContrast(Self.tiny, heads: Self.heads, in: store.root)
    let followed = store.entries.filter { $0.name.hasPrefix("momentum.") && !$0.isBuffer }
    let names = store.entries.filter { !$0.isBuffer }.map(\.name)
    let expected = names.filter { !$0.hasPrefix("momentum.") && !$0.hasPrefix("predictor.") }
    #expect(followed.map { String($0.name.dropFirst(9)) } == expected)
    func expectMoved(_ weight: Double) throws {
      for entry in followed {
        let own = try #require(store[String(entry.name.dropFirst(9))])
        #expect(!entry.isTrainable)
        expectClose(entry.tensor, own.detached() * weight, absolute: 1e-6, relative: 1e-6)
      }
    }
    try expectMoved(1)
    // 0.75 · w + 0.25 · 2 w = 1.25 w, of 2 w.
    withoutGradients {
      for entry in store.entries where !entry.isBuffer && !entry.name.hasPrefix("momentum.") {
        entry.tensor.multiply(by: 2)
      }
    }
    model.updateMomentumEncoder(momentum: 0.75)
    try expectMoved(0.625)
  }

  @Test func `each view's queries meet the other's keys, and keys follow no gradient`() throws {
    let model = Self.model()
    let (first, second) = Self.views()
    let loss = model.loss(first, second, temperature: 0.3, isTraining: false)
    let expected =
      contrastiveLoss(
        model.queries(of: first, isTraining: false), model.keys(of: second, isTraining: false),
        temperature: 0.3)
      + contrastiveLoss(
        model.queries(of: second, isTraining: false), model.keys(of: first, isTraining: false),
        temperature: 0.3)
    expectClose(loss, expected, absolute: 1e-6, relative: 1e-6)
    let swapped = model.loss(second, first, temperature: 0.3, isTraining: false)
    expectClose(loss, swapped, absolute: 1e-6, relative: 1e-6)
    model.loss(first, second).backward()
    for entry in model.parameters.entries {
      let learns =
        !entry.isBuffer && !entry.name.hasPrefix("momentum.")
        && !entry.name.hasPrefix("patch_embed.")
      #expect((entry.tensor.gradient != nil) == learns, "\(entry.name)")
    }
  }

  @Test func `the patch projection is trained where that is asked for`() throws {
    let model = Self.model(trainsPatchProjection: true)
    let (first, second) = Self.views()
    model.loss(first, second).backward()
    for name in ["patch_embed.proj.weight", "patch_embed.proj.bias"] {
      #expect(model.parameters[name]?.gradient != nil, "\(name)")
      #expect(model.parameters["momentum." + name]?.gradient == nil, "\(name)")
    }
  }

  @Test func `only the encoder's weights are the encoder's`() {
    let store = Self.model().parameters
    let kept = store.entries.map(\.name).filter { !MomentumContrast.isBesideEncoder($0) }
    let alone = ParameterStore(initializing: nil)
    _ = PatchEncoder(Self.tiny, in: alone.root)
    #expect(kept == alone.entries.map(\.name))
  }

  @Test func `heads that cannot be are named`() {
    #expect(ContrastiveHeads().problems.isEmpty)
    let wrong = ContrastiveHeads(hidden: 0, output: 1, projectionLayers: 0, predictionLayers: 17)
    #expect(
      wrong.problems.map(\.path) == ["hidden", "output", "projectionLayers", "predictionLayers"])
  }

  /// Rows of two ranks: the mean of their losses and gradients is that of one process with all rows.
  @Test func `ranks tell images from those of all ranks`() throws {
    let (first, second) = Self.views(8)
    func gradients(_ model: MomentumContrast) -> [String: [Float]] {
      model.parameters.takeGradients().mapValues { $0.floats() }
    }
    let alone = Self.model()
    let loss = alone.loss(first, second)
    loss.backward()
    let expected = gradients(alone)
    let statistics = alone.parameters["momentum.projector.7.running_var"]?.floats()

    let folder = TemporaryFolder()
    let store = folder["store"]
    let ranks = try onThreads(2) { rank in
      let launch = Launch(
        launcher: .maeLaunch, rank: rank, ranks: 2, meeting: .file(store))
      let (group, _) = try Meeting(
        launch, patienceAtStart: 60, patience: 60, onFailure: { _ in }
      ).join()
      defer { group.finish() }
      let model = Self.model()
      let (first, second) = Self.views(8)
      let loss = SharedBatch.among(group.processes) {
        let rows = rank * 4..<rank * 4 + 4
        let loss = model.loss(first[rows], second[rows])
        loss.backward()
        return loss
      }
      return (
        loss.item(), model.parameters.takeGradients().mapValues { $0.floats() },
        model.parameters["momentum.projector.7.running_var"]?.floats()
      )
    }
    #expect(abs((ranks[0].0 + ranks[1].0) / 2 - loss.item()) < 1e-5)
    #expect(abs(ranks[0].0 - ranks[1].0) > 1e-3)
    for (name, values) in expected {
      let (a, b) = (try #require(ranks[0].1[name]), try #require(ranks[1].1[name]))
      let size = values.map(abs).max() ?? 0
      for (i, value) in values.enumerated() {
        #expect(abs((a[i] + b[i]) / 2 - value) <= 1e-5 + 1e-4 * size, "\(name)[\(i)]")
      }
    }
    let found = try #require(ranks[1].2)
    for (a, b) in zip(found, try #require(statistics)) { #expect(abs(a - b) < 1e-5) }
  }
}
