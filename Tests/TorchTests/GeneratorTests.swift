import TestSupport
import Testing
import Torch

@Suite struct GeneratorTests {
  private func numbers(_ generator: Generator) -> [Float] {
    Tensor.rand([8], using: generator).floats()
  }

  /// The numbers of PyTorch 2.13:
  ///
  ///     g = lambda: torch.Generator().manual_seed(42)
  ///     torch.rand(3, generator=g()).tolist(), torch.randn(3, generator=g()).tolist()
  ///     torch.randperm(6, generator=g()).tolist()
  ///     [x.hex() for x in torch.rand(2, generator=torch.Generator().manual_seed(0)).tolist()]
  @Test func `numbers are py torchs`() {
    #expect(
      Tensor.rand([3], using: Generator(seed: 42)).floats()
        == [0.8822692632675171, 0.9150039553642273, 0.38286375999450684])
    #expect(
      Tensor.randn([3], using: Generator(seed: 42)).floats()
        == [0.33669036626815796, 0.12880940735340118, 0.23446236550807953])
    #expect(
      Tensor.randomPermutation(6, using: Generator(seed: 42)).array(of: Int.self)
        == [0, 3, 2, 4, 1, 5])
    #expect(
      Tensor.rand([2], using: Generator(seed: 0)).array(of: Double.self)
        == [0x1.fc2ab0p-2, 0x1.89545ep-1])
  }

  @Test func `equal seeds give equal numbers`() {
    let (a, b) = (Generator(seed: 7), Generator(seed: 7))
    #expect(numbers(a) == numbers(b))
    #expect(numbers(a) == numbers(b))
    #expect(numbers(a) != numbers(Generator(seed: 7)))
    #expect(numbers(Generator(seed: 7)) != numbers(Generator(seed: 8)))
    #expect(numbers(Generator(seed: .max)) != numbers(Generator(seed: 0)))
  }

  @Test func `streams and steps differ`() {
    func first(_ seed: UInt64, _ stream: UInt64, _ step: Int) -> [Float] {
      numbers(Generator(seed: seed, stream: stream, step: step))
    }
    #expect(first(1, 2, 3) == first(1, 2, 3))
    var seen: Set<[Float]> = []
    for seed in [0, 1, 2, .max] as [UInt64] {
      for stream in 0..<4 as Range<UInt64> {
        for step in [0, 1, 2, 1_000_000, -1] { seen.insert(first(seed, stream, step)) }
      }
    }
    #expect(seen.count == 4 * 4 * 5)
  }

  @Test func `fills are within their distribution`() {
    let generator = Generator(seed: 5)
    let uniform = Tensor.empty([20_000]).fillUniform(-2..<3, using: generator)
    #expect(uniform.min().item() >= -2 && uniform.max().item() < 3)
    #expect((uniform.mean().item() - 0.5).magnitude < 0.05)
    let normal = Tensor.empty([20_000])
      .fillNormal(mean: 1, std: 0.5, using: generator)
    #expect((normal.mean().item() - 1).magnitude < 0.02)
    #expect((normal.variance([0]).item() - 0.25).magnitude < 0.02)
    #expect(Tensor.rand([2], using: generator, dtype: .float64).dtype == .float64)
    #expect(Tensor.randn([2], using: generator, dtype: .float64).dtype == .float64)
  }
}
