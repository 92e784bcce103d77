import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// bfloat16 against torch's own autocast: the same operators run in the same types.
///
/// Arrays are compared by ‖ours − golden‖ / ‖golden‖; the golden says how far leaving autocast out
/// would be.
@Suite struct AutocastTests {
  static let golden = Golden("autocast")

  struct Block: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let width, heads: Int
    let qkvBias: Bool
    let mlpRatio, float32Difference, greatestDifference: Double
    var testDescription: String { name }
  }

  struct Model: Decodable {
    let configuration: ModelConfiguration
    let maskRatio, float32Difference, greatestDifference: Double
  }

  private func difference(of found: Tensor?, from wanted: Tensor) -> Double {
    guard let found, found.shape == wanted.shape else { return .infinity }
    return ((found.to(.float32) - wanted).norm() / wanted.norm()).item()
  }

  private func expectClose(
    _ found: [String: Tensor], _ wanted: [String: Tensor], within greatest: Double
  ) {
    #expect(found.keys.sorted() == wanted.keys.sorted())
    for (name, golden) in wanted {
      let difference = difference(of: found[name], from: golden)
      #expect(difference <= greatest, "\(name)")
      #expect(found[name]?.dtype == .float32, "\(name)")
    }
  }

  /// The output and all gradients of a block.
  private func run(_ test: Block, to type: DType?) throws -> [String: Tensor] {
    let golden = try Self.golden.tensors(test.name + ".safetensors")
    let store = ParameterStore(initializing: nil)
    let block = TransformerBlock(
      TransformerShape(width: test.width, depth: 1, heads: test.heads, mlpRatio: test.mlpRatio),
      normEpsilon: 1e-6, qkvBias: test.qkvBias, in: store.root)
    try store.load(golden.starting(with: "weight."))
    let input = try golden["input"].cloned()
    input.requiresGradient = true
    let output = withAutocast(to: type, on: .cpu) { block(input) }
    output.backward(try golden["upstream"])
    var found = store.takeGradients()
    found["input"] = input.gradient ?? Tensor()
    return Dictionary(uniqueKeysWithValues: found.map { ("grad." + $0, $1) })
      .merging(["output": output.detached()]) { $1 }
  }

  @Test(arguments: try golden.cases(of: Block.self))
  func `a block under autocast is timm's, with every gradient`(_ test: Block) throws {
    let wanted = try Self.golden.tensors(test.name + ".safetensors").all.filter {
      $0.key == "output" || $0.key.hasPrefix("grad.")
    }
    expectClose(try run(test, to: .bfloat16), wanted, within: test.greatestDifference)
    // A block in float32 is told from it.
    let exact = try run(test, to: nil)
    let apart = wanted.map { difference(of: exact[$0.key], from: $0.value) }.sorted()
    #expect(apart[apart.count / 2] > 2 * test.greatestDifference, "\(apart)")
  }

  @Test func `the loss and every gradient of a model under autocast are transformers'`() throws {
    struct Manifest: Decodable { let model: Model }
    let test = try Self.golden.manifest(as: Manifest.self).model
    let golden = try Self.golden.tensors("model.safetensors")
    let model = TestModel(test.configuration)
    try model.store.load(golden.starting(with: "weight."))
    let mask = PatchMask(
      noise: try golden["noise"],
      keeping: RandomMasking(ratio: test.maskRatio).kept(of: test.configuration.grid))
    let images = try golden["pixel_values"]
    let gradients = golden.starting(with: "grad.")
    withEvery("lean", in: [false, true]) { isLean in
      let loss = withAutocast(to: .bfloat16, on: .cpu) {
        isLean ? model.model.loss(images, mask: mask) : model.model(images, mask: mask).loss
      }
      loss.backward()
      var found = model.store.takeGradients()
      found["loss"] = loss.detached()
      expectClose(
        found, gradients.merging(["loss": golden.all["loss"] ?? Tensor()]) { $1 },
        within: test.greatestDifference)
    }
  }

  struct Trajectory: Decodable {
    struct Differences: Decodable {
      let losses, norms: Double
    }
    let float32Difference, float16Difference, greatestDifference: Differences
  }

  @Test func `twenty losses and gradient norms under autocast are transformers'`() throws {
    struct Manifest: Decodable { let trajectory: Trajectory }
    let test = try Self.golden.manifest(as: Manifest.self).trajectory
    let golden = try Self.golden.tensors("trajectory.safetensors")
    func differences(_ type: DType?) throws -> (losses: Double, norms: Double) {
      let run = try TrainingTrajectoryTests.train(
        .init(name: "autocast", accumulate: 1, clip: nil), from: golden.starting(with: "weight."),
        rates: golden["rates"], autocast: type)
      func difference(_ found: [Double], _ name: String) throws -> Double {
        self.difference(of: Tensor(found), from: try golden[name].to(.float64))
      }
      return (try difference(run.losses, "losses"), try difference(run.norms, "norms"))
    }
    let found = try differences(.bfloat16)
    #expect(found.losses <= test.greatestDifference.losses, "\(found)")
    #expect(found.norms <= test.greatestDifference.norms, "\(found)")
    // Products in another type are told from them, as far away as transformers' are.
    for (type, theirs) in [
      (DType?.none, test.float32Difference), (.float16, test.float16Difference),
    ] {
      let other = try differences(type)
      #expect(abs(other.losses / theirs.losses - 1) < 0.2, "\(other), \(theirs)")
      #expect(other.losses > test.greatestDifference.losses, "\(other)")
      #expect(other.norms > 2 * test.greatestDifference.norms, "\(other)")
    }
  }
}
