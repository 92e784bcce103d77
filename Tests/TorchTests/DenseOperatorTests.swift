import TestSupport
import Testing
import Torch

/// What dense heads and a discrete VAE need, against values by definition.
@Suite struct DenseOperatorTests {
  /// [[1, −2, 3], [−4, 5, −6]]
  let x = Tensor([1, -2, 3, -4, 5, -6] as [Float], shape: [2, 3])

  private func picture(_ values: [Float], _ rows: Int, _ columns: Int) -> Tensor {
    Tensor(values, shape: [1, values.count / rows / columns, rows, columns])
  }

  private func expect(
    _ actual: Tensor, _ values: [Float], _ shape: [Int], absolute: Double = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose(
      actual, Tensor(values, shape: shape), absolute: absolute, sourceLocation: sourceLocation)
  }

  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    Tensor.randn(shape, using: Generator(seed: seed))
  }

  /// A convolution by its definition, in plain loops over `[B, C, H, W]` and `[D, C, k, k]`.
  private func convolution(
    _ x: Tensor, _ weight: Tensor, stride: Int, padding: Int, dilation: Int
  ) -> Tensor {
    let (shape, kernel) = (x.shape, weight.shape)
    func size(_ n: Int, _ k: Int) -> Int {
      (n + 2 * padding - dilation * (k - 1) - 1) / stride + 1
    }
    let (rows, columns) = (size(shape[2], kernel[2]), size(shape[3], kernel[3]))
    let result = Tensor.zeros([shape[0], kernel[0], rows, columns])
    for b in 0..<shape[0] {
      for d in 0..<kernel[0] {
        for r in 0..<rows {
          for s in 0..<columns {
            var sum = 0.0
            for c in 0..<shape[1] {
              for i in 0..<kernel[2] {
                for j in 0..<kernel[3] {
                  let (y, z) = (
                    r * stride + i * dilation - padding, s * stride + j * dilation - padding
                  )
                  guard (0..<shape[2]).contains(y), (0..<shape[3]).contains(z) else { continue }
                  sum += x[b, c, y, z].item() * weight[d, c, i, j].item()
                }
              }
            }
            result[b, d, r, s].fill(sum)
          }
        }
      }
    }
    return result
  }

  @Test(arguments: [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
  func `a convolution is its definition`(stride: Int, padding: Int, dilation: Int) {
    let (x, weight) = (random([2, 3, 6, 5], 1), random([2, 3, 3, 2], 2))
    let bias = Tensor([10, 20] as [Float])
    expectClose(
      x.conv2d(weight, bias, stride: stride, padding: padding, dilation: dilation),
      convolution(x, weight, stride: stride, padding: padding, dilation: dilation)
        + bias.reshaped([2, 1, 1]),
      absolute: 1e-5)
  }

  @Test func `groups of a convolution see their own channels`() {
    let (x, weight) = (random([1, 4, 4, 4], 3), random([2, 2, 3, 3], 4))
    let parts = [0, 1].map { x[.all, (2 * $0)..<(2 * $0 + 2)].conv2d(weight[$0..<($0 + 1)]) }
    expectClose(x.conv2d(weight, groups: 2), concatenated(parts, along: 1), absolute: 1e-5)
  }

  /// `⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩` for every `x` and `y`.
  @Test func `a transposed convolution is the adjoint of a convolution`() {
    let weight = random([3, 2, 3, 3], 5)
    let (x, y) = (random([1, 2, 8, 8], 6), random([1, 3, 4, 4], 7))
    let forward = (x.conv2d(weight, stride: 2, padding: 1) * y).sum().item()
    let back = y.convTranspose2d(weight, stride: 2, padding: 1, outputPadding: 1)
    #expect(back.shape == x.shape)
    #expect(((back * x).sum().item() - forward).magnitude < 1e-4)
    let bias = Tensor([1, 2] as [Float])
    expectClose(
      y.convTranspose2d(weight, bias, stride: 2, padding: 1, outputPadding: 1),
      back + bias.reshaped([2, 1, 1]), absolute: 1e-5)
    let grouped = random([4, 1, 2, 2], 8)
    #expect(random([1, 4, 3, 3], 9).convTranspose2d(grouped, groups: 2).shape == [1, 2, 4, 4])
  }

  @Test func `pools take the largest and the mean of windows`() {
    let x = picture([1, 2, 5, 6, 3, 4, 7, 8, 0, 0, 1, 0, 0, 4, 0, 3], 4, 4)
    expect(x.maxPool2d(2), [4, 8, 4, 3], [1, 1, 2, 2])
    expect(x.avgPool2d(2), [2.5, 6.5, 1, 1], [1, 1, 2, 2])
    expect(x.maxPool2d(3, stride: 1), [7, 8, 7, 8], [1, 1, 2, 2])
    expect(x.maxPool2d(3, stride: 3, padding: 1), [4, 8, 4, 3], [1, 1, 2, 2])
    #expect(x.avgPool2d(3, stride: 1, padding: 1).shape == [1, 1, 4, 4])
    expect(x.adaptiveAvgPool2d(rows: 2, columns: 1), [4.5, 1], [1, 1, 2, 1])
    expect(x.adaptiveAvgPool2d(rows: 1, columns: 1), [2.75], [1, 1, 1, 1])
  }

  @Test func `padding adds what it is told to`() {
    let x = picture([1, 2, 3, 4, 5, 6], 2, 3)
    expect(x.padded([1, 0]), [0, 1, 2, 3, 0, 4, 5, 6], [1, 1, 2, 4])
    expect(
      x.padded([0, 0, 1, 0], mode: .constant(7)), [7, 7, 7, 1, 2, 3, 4, 5, 6], [1, 1, 3, 3])
    expect(x.padded([2, 0, 0, 0], mode: .reflect), [3, 2, 1, 2, 3, 6, 5, 4, 5, 6], [1, 1, 2, 5])
    expect(
      x.padded([2, 0, 0, 0], mode: .replicate), [1, 1, 1, 2, 3, 4, 4, 4, 5, 6], [1, 1, 2, 5])
    expect(x.padded([-1, -1]), [2, 5], [1, 1, 2, 1])
  }

  @Test func `pictures grow by the nearest and on lines`() {
    let x = picture([1, 2, 3, 4], 2, 2)
    expect(
      x.interpolated(rows: 4, columns: 2, mode: .nearest), [1, 2, 1, 2, 3, 4, 3, 4], [1, 1, 4, 2])
    expect(
      x.interpolated(rows: 1, columns: 2, mode: .nearest), [1, 2], [1, 1, 1, 2])
    // Pixels are areas: the new centres lie at −¼, ¼, ¾ and 1¼ of the old ones.
    expect(
      x[.all, .all, 0..<1].interpolated(rows: 1, columns: 4, mode: .bilinear),
      [1, 1.25, 1.75, 2], [1, 1, 1, 4])
    expectClose(
      picture([3, 3, 3, 3], 2, 2).interpolated(rows: 5, columns: 3, mode: .bicubic),
      Tensor.full([1, 1, 5, 3], 3), absolute: 1e-6)
  }

  @Test func `activations are their formulas`() {
    let x = Tensor([-1, 0, 2] as [Float])
    expect(x.relu(), [0, 0, 2], [3])
    expect(x.sigmoid(), [0.26894143, 0.5, 0.880797], [3], absolute: 1e-6)
    expectClose(x.silu(), x * x.sigmoid(), absolute: 1e-6)
    expectClose(x.tanh(), 2 * (x * 2.0).sigmoid() - 1.0, absolute: 1e-6)
  }

  @Test func `losses are their formulas`() {
    let (a, b) = (Tensor([0, 1, 5] as [Float]), Tensor([0.5, 1, 2] as [Float]))
    // ½·½²/1, 0, 3 − ½
    expect(a.smoothL1Loss(to: b), [(0.125 + 0 + 2.5) / 3], [], absolute: 1e-6)
    // ½²/(2·¼) would be above β: ½ − ⅛
    expect(a.smoothL1Loss(to: b, beta: 0.25), [(0.375 + 0 + 2.875) / 3], [], absolute: 1e-6)
    let flags = Tensor([1, 0, 0.25] as [Float])
    let p = a.sigmoid()
    let expected = -(flags * p.log() + (1 - flags) * (1 - p).log()).mean()
    expectClose(a.binaryCrossEntropy(with: flags), expected, absolute: 1e-5)
    // Pixels: [B, K, H] with [B, H]; 255 does not count.
    let scores = random([1, 3, 4], 1)
    let classes = Tensor([0, 255, 2, 255], shape: [1, 4])
    let logs = scores.logSoftmax(along: 1)
    expectClose(
      scores.crossEntropy(with: classes, ignoring: 255),
      -(logs[0, 0, 0] + logs[0, 2, 2]) / 2.0, absolute: 1e-6)
  }

  @Test func `norms are their definitions`() {
    let x = random([2, 4, 3], 2)
    let (weight, bias) = (random([4], 3), random([4], 4))
    func standard(_ x: Tensor, _ dimensions: [Int]) -> Tensor {
      let mean = x.mean(dimensions, keepingDimensions: true)
      let variance = x.variance(dimensions, correction: 0, keepingDimensions: true)
      return (x - mean) * (variance + 0.1).reciprocalSquareRoot()
    }
    let (w, b) = (weight[.all, .newAxis], bias[.all, .newAxis])
    expectClose(
      x.groupNorm(groups: 2, weight, bias, epsilon: 0.1),
      standard(x.reshaped([2, 2, 2, 3]), [2, 3]).reshaped([2, 4, 3]) * w + b, absolute: 1e-5)
    let (mean, variance) = (Tensor.zeros([4]), Tensor.ones([4]))
    expectClose(
      x.batchNorm(
        weight, bias, mean: mean, variance: variance, isTraining: true, momentum: 0.5,
        epsilon: 0.1),
      standard(x, [0, 2]) * w + b, absolute: 1e-5)
    expectClose(mean, 0.5 * x.mean([0, 2]), absolute: 1e-6)
  }

  @Test func `einsum sums over what the result leaves out`() {
    let (a, b) = (random([2, 3, 4], 1), random([2, 4, 5], 2))
    expectClose(Tensor.einsum("bij,bjk->bik", a, b), a.matmul(b), absolute: 1e-5)
    expectClose(Tensor.einsum("ij->j", x), x.sum([0]), absolute: 1e-5)
  }
}
