import TestSupport
import Testing
import Torch

/// Subscripts against what PyTorch's documentation says of them, on numbers that name their own
/// place.
@Suite struct SubscriptTests {
  /// `x[i, j, k] = 100 i + 10 j + k`, of shape [3, 4, 5].
  let x: Tensor = {
    func axis(_ size: Int, _ factor: Int) -> Tensor { Tensor.arange(0..<size) * factor }
    return axis(3, 100)[.all, .newAxis, .newAxis] + axis(4, 10)[.all, .newAxis] + axis(5, 1)
  }()

  private func expect(
    _ actual: Tensor, _ shape: [Int], _ values: [Int],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectEqual(actual, Tensor(values, shape: shape), sourceLocation: sourceLocation)
  }

  @Test func `numbers take a slice and its dimension away`() {
    #expect(x[1].shape == [4, 5] && x[1, 2].shape == [5] && x[1, 2, 3].shape == [])
    #expect(x[1, 2, 3].item() == 123)
    #expect(x[-1, -2, -5].item() == 220)
    expect(x[2, 3], [5], [230, 231, 232, 233, 234])
  }

  @Test func `ranges keep the dimension`() {
    expect(x[0, 0, 1..<3], [2], [1, 2])
    expect(x[0, 0, 1...3], [3], [1, 2, 3])
    expect(x[0, 0, 3...], [2], [3, 4])
    expect(x[0, 0, ..<2], [2], [0, 1])
    expect(x[0, 0, ...2], [3], [0, 1, 2])
    expect(x[0, 0, (-2)...], [2], [3, 4])
    expect(x[0, 0, ..<(-3)], [2], [0, 1])
    expect(x[0, 0, ...(-1)], [5], [0, 1, 2, 3, 4])
    expect(x[0, 0, -3 ... -1], [3], [2, 3, 4])
    expect(x[0, 0, 2..<2], [0], [])
    expect(x[0...1, .all, 4][.all, 0], [2], [4, 104])
  }

  @Test func `new dimensions and whole ones stand where they are written`() {
    #expect(x[.newAxis].shape == [1, 3, 4, 5])
    #expect(x[0...1, .all, .newAxis].shape == [2, 4, 1, 5])
    #expect(x[0, 1..., .all, .newAxis].shape == [3, 5, 1])
    #expect(x[.all].shape == [3, 4, 5])
  }

  @Test func `an ellipsis stands for the dimensions in between`() {
    expect(x[..., 1, 2], [3], [12, 112, 212])
    expect(x[.ellipsis, 1, 2], [3], [12, 112, 212])
    expect(x[2, .ellipsis, 0], [4], [200, 210, 220, 230])
    #expect(x[0, 0, 0, .ellipsis].shape == [])
    #expect(x[..., .newAxis].shape == [3, 4, 5, 1])
  }

  @Test func `strides take every so many slices`() {
    expect(x[0, 0, .stride(by: 2)], [3], [0, 2, 4])
    expect(x[0, 0, .stride(from: 1, by: 3)], [2], [1, 4])
    expect(x[0, 0, .stride(from: 1, to: -1)], [3], [1, 2, 3])
    expect(x[0, 0, .stride(from: -4, to: 4, by: 2)], [2], [1, 3])
  }

  @Test func `tensors take slices in their order`() {
    expect(x[Tensor([2, 0]), 1, 1], [2], [211, 11])
    expect(x[1, .all, Tensor([4, -1, 0])][0], [3], [104, 104, 100])
    // Two tensors go together, place by place.
    expect(x[Tensor([0, 2]), Tensor([3, 1]), 0], [2], [30, 210])
    expect(x[Tensor([0, 2])[.all, .newAxis], Tensor([3, 1]), 0], [2, 2], [30, 10, 230, 210])
    expect(x[..., Tensor([1])][0, 0], [1], [1])
  }

  @Test func `masks take what is true`() {
    expect(x[x .> 230], [4], [231, 232, 233, 234])
    expect(x[x[.all, 0, 0] .> 150, 0, 0], [1], [200])
    #expect(x[x[..., 0] .>= 220].shape == [2, 5])
    #expect(x[0, x[0] .> 31].shape == [3])
  }

  @Test func `a part shares memory with the whole`() {
    let y = Tensor.zeros([2, 3])
    y[.all, 1].fill(5)
    #expect(y.floats() == [0, 5, 0, 0, 5, 0])
  }

  @Test func `assigning writes into the tensor`() {
    let y = Tensor.zeros([2, 3])
    y[0] = Tensor([1, 2, 3])  // another type
    y[..., 2] = Tensor(9 as Float)  // broadcast
    #expect(y.floats() == [1, 2, 9, 0, 0, 9])
    y[y .> 5] = Tensor(-1)
    #expect(y.floats() == [1, 2, -1, 0, 0, -1])
    y[.all, Tensor([1, 0])] = Tensor([7, 8] as [Float])
    #expect(y.floats() == [8, 7, -1, 8, 7, -1])
    y[1, .stride(by: 2)] = Tensor([4, 6] as [Float])
    #expect(y.floats() == [8, 7, -1, 4, 7, 6])
    y[.newAxis, 0] = Tensor.zeros([3])
    #expect(y.floats() == [0, 0, 0, 4, 7, 6])
  }

  @Test func `places outside are refused`() {
    func message(_ body: () -> Tensor) -> String? {
      do throws(TorchError) {
        _ = try withTorchErrors(body)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(message { x[3] }?.hasPrefix("select.int: ") == true)
    #expect(message { x[-4] }?.hasPrefix("select.int: ") == true)
    #expect(message { x[0, 0, 3..<6] }?.hasPrefix("narrow: ") == true)
    #expect(message { x[0, 0, (-6)...] }?.hasPrefix("narrow: ") == true)
    #expect(message { x[0, 0, .stride(to: 6, by: 2)] }?.hasPrefix("narrow: ") == true)
    #expect(message { x[0, 0, .stride(by: 0)] }?.hasPrefix("slice.Tensor: ") == true)
    #expect(message { x[Tensor([3])] }?.hasPrefix("index.Tensor: ") == true)
    #expect(
      message { x[.all, .all, .all, .all] }
        == "subscript: 4 indices for a tensor of 3 dimensions, [3, 4, 5]")
  }
}
