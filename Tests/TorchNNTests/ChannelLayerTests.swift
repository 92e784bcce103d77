import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct ChannelLayerTests {
  @Test func `a channel norm is a layer norm of each pixel`() {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let norm = ChannelNorm(4, in: store.root)
    store.randomize(seed: 1)
    let x = Tensor.randn([2, 4, 3, 5], using: Generator(seed: 2))
    let rows = x.permuted([0, 2, 3, 1]).reshaped([30, 4])
    let mean = rows.mean([1], keepingDimensions: true)
    let variance = rows.variance([1], correction: 0, keepingDimensions: true)
    let expected = (rows - mean) / (variance + 1e-6).squareRoot() * norm.weight + norm.bias
    expectClose(
      norm(x).permuted([0, 2, 3, 1]).reshaped([30, 4]), expected,
      within: .init(absolute: 1e-5, relative: 1e-5))
  }

  @Test func `channel dropout leaves out whole channels, as its generator draws`() {
    let x = Tensor.ones([8, 16, 3, 3])
    func dropped(batch: Int? = nil, rows: [Int] = []) -> (Tensor) -> Tensor {
      let dropout = ChannelDropout(batch: batch, rows: rows, using: Generator(seed: 5))
      return { dropout($0, rate: 0.25) }
    }
    let whole = dropped()(x)
    #expect(Set(whole.sum([2, 3]).floats().map { ($0 * 1000).rounded() }) == [0, 12000])
    #expect(whole.floats() == dropped()(x).floats())
    #expect(ChannelDropout(using: Generator(seed: 5))(x, rate: 0).floats() == x.floats())
    // Rows of a batch that several processes share.
    let rows = [1, 4, 6]
    #expect(
      dropped(batch: 8, rows: rows)(x[0..<3]).floats()
        == whole.selected(Tensor(rows), along: 0).floats())
  }
}
