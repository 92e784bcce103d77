import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// Pooling, drop path and frozen parts of a classifier.
@Suite struct ClassifierTests {
  static let model = ModelConfiguration(
    height: 8, width: 12, channels: 2, patch: 4,
    encoder: TransformerShape(width: 16, depth: 3, heads: 2))

  private func classifier(
    _ pooling: ClassifierHead.Pooling = .normalizedMean, batchNorm: Bool = false, seed: UInt64 = 1
  ) -> (ImageClassifier, ParameterStore) {
    let store = ParameterStore(initializing: Generator(seed: seed))
    let head = ClassifierHead(pooling: pooling, classes: 5, normalizesBatches: batchNorm)
    return (ImageClassifier(Self.model, head: head, deviation: 0.5, in: store.root), store)
  }

  private let images = Tensor.randn([6, 2, 8, 12], using: Generator(seed: 4))

  struct Rates: Decodable { let dropPath: [[Double]] }

  @Test func dropPathRatesAreTimms() throws {
    let golden = try Golden("finetuning").manifest(as: Rates.self).dropPath
    #expect(golden.count == 4)
    for row in golden {
      let rates = DropPath.rates(upTo: row[0], depth: Int(row[1]))
      #expect(zip(rates, row.dropFirst(2)).allSatisfy { abs($0 - $1) < 1e-7 })
      #expect(rates.count == row.count - 2)
    }
  }

  @Test(arguments: ClassifierHead.Pooling.allCases)
  func scoresAreHeadOfPooledTokens(pooling: ClassifierHead.Pooling) throws {
    let (model, store) = classifier(pooling)
    let tokens = withoutGradients { model.encoder(patches(of: images, side: 4)) }
    #expect((store["norm.weight"] != nil) == (pooling != .normalizedMean))
    #expect((store["fc_norm.weight"] != nil) == (pooling == .normalizedMean))
    var row =
      pooling == .classToken
      ? tokens.selected(0, along: 1) : tokens.narrowed(1, to: 1..<7).mean([1])
    if let weight = store["fc_norm.weight"], let bias = store["fc_norm.bias"] {
      row = row.layerNorm(weight, bias, epsilon: 1e-6)
    }
    let weight = try #require(store["head.weight"])
    let expected = row.linear(weight, store["head.bias"])
    expectClose(withoutGradients { model(images) }, expected, absolute: 1e-5)
  }

  /// Over many draws the mean is the network's without drop path; a rate of 0 changes nothing.
  @Test func thinnedBranchesKeepTheirMean() {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let shape = TransformerShape(width: 8, depth: 1, heads: 2)
    let block = TransformerBlock(shape, normEpsilon: 1e-6, qkvBias: true, in: store.root)
    let x = Tensor.randn([1, 3, 8], using: Generator(seed: 2)).expanded([4000, 3, 8])
    let paths = DropPath(rate: 0.3, using: Generator(seed: 3))
    let results = withoutGradients { block(x, dropping: 0.3, using: paths) }
    // Each image has one of four outcomes: both branches, one, the other, none.
    let kinds = Set(results.sum([1, 2]).floats().map { ($0 * 1000).rounded() })
    #expect(kinds.count == 4)
    let untouched = ((results - x).abs().sum([1, 2]) .== 0).to(.float32).mean().item()
    #expect(abs(untouched - 0.09) < 0.02)
    expectEqual(
      withoutGradients { block(x) }, withoutGradients { block(x, dropping: 0, using: paths) })
  }

  @Test func frozenBlocksLeaveNothingOut() {
    let paths = DropPath(rate: 0.2, from: 2, using: Generator(seed: 1))
    #expect((0..<3).map { paths.rate(of: $0, depth: 3) } == [0, 0, 0.2])
    #expect(TrainableBlocks.lastBlocks(1).firstBlock(depth: 3) == 2)
    #expect(TrainableBlocks.halfBlock.firstBlock(depth: 3) == 2)
    #expect(TrainableBlocks.all.firstBlock(depth: 3) == 0)
  }

  @Test func partsAreTheLastBlocks() {
    func trained(_ part: TrainableBlocks, _ pooling: ClassifierHead.Pooling) -> Set<String> {
      let (model, store) = classifier(pooling)
      model.train(only: part)
      #expect(store.entries.allSatisfy { $0.tensor.requiresGradient == $0.isTrainable })
      return Set(store.trainable.map(\.name))
    }
    let head: Set = ["head.weight", "head.bias"]
    let norm: Set = ["norm.weight", "norm.bias"]
    let meanNorm: Set = ["fc_norm.weight", "fc_norm.bias"]
    #expect(trained(.lastBlocks(0), .classToken) == head)
    #expect(trained(.lastBlocks(0), .normalizedMean) == head.union(meanNorm))
    let half = Set(
      [
        "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight",
        "mlp.fc2.bias",
      ].map { "blocks.2." + $0 })
    #expect(trained(.halfBlock, .classToken) == head.union(norm).union(half))
    let last = trained(.lastBlocks(1), .classToken)
    #expect(last.isSuperset(of: half) && last.contains("blocks.2.attn.qkv.weight"))
    #expect(!last.contains { $0.hasPrefix("blocks.1") || $0.hasPrefix("patch") })
    #expect(trained(.lastBlocks(2), .classToken).contains("blocks.1.norm1.bias"))
    let blocks = trained(.lastBlocks(3), .classToken)
    #expect(blocks.contains("blocks.0.norm1.bias") && !blocks.contains("pos_embed"))
    #expect(
      trained(.all, .classToken).isSuperset(of: ["pos_embed", "cls_token", "patch_embed.proj.bias"])
    )
  }

  /// What is frozen gets no gradient; what is not gets the same as where everything is trained.
  @Test func gradientsOfAPartAreThoseOfTheWhole() throws {
    let (whole, all) = classifier(.classToken)
    let (part, some) = classifier(.classToken)
    part.train(only: .halfBlock)
    let labels = Tensor([0, 1, 2, 3, 4, 0])
    for model in [whole, part] { model(images).crossEntropy(with: labels).backward() }
    for entry in some.entries {
      #expect((entry.tensor.gradient != nil) == entry.isTrainable, "\(entry.name)")
      if let gradient = entry.tensor.gradient {
        expectClose(gradient, try #require(all[entry.name]?.gradient), absolute: 1e-6, entry.name)
      }
    }
  }

  @Test func batchNormIsTorchs() throws {
    let tensors = try Golden("layers").tensors("batch-norm.safetensors")
    let tolerance = try Golden("layers").tolerance()
    let store = ParameterStore(initializing: Generator(seed: 1))
    let norm = BatchNorm(5, epsilon: 1e-6, in: store.root)
    let input = try tensors["input"].cloned()
    input.requiresGradient = true
    let output = norm(input, isTraining: true)
    (output * (try tensors["upstream"])).sum().backward()
    expectClose(output, try tensors["output"], within: tolerance)
    expectClose(try #require(input.gradient), try tensors["grad.input"], within: tolerance)
    expectClose(norm.runningMean, try tensors["running.mean"], within: tolerance)
    expectClose(norm.runningVariance, try tensors["running.variance"], within: tolerance)
    expectClose(norm(input, isTraining: false), try tensors["eval"], within: tolerance)
    #expect(store.trainable.isEmpty)
  }
}
