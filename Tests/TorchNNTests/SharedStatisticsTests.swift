import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

/// Batch normalisation whose statistics are those of several processes, here of threads.
@Suite struct SharedStatisticsTests {
  /// Adds up what threads bring, and gives each of them the sum: a process group of threads.
  private final class Meeting: @unchecked Sendable {  // every access holds the condition's lock
    private let condition = NSCondition()
    private let members: Int
    private var brought: [Tensor] = []
    private var sum = Tensor()
    private var left = 0

    init(of members: Int) { self.members = members }

    func sum(_ own: Tensor) -> Tensor {
      condition.lock()
      defer { condition.unlock() }
      while left > 0 { condition.wait() }  // the last sum is being fetched
      brought.append(own.detached())
      if brought.count == members {
        sum = brought.dropFirst().reduce(brought[0], +)
        brought = []
        left = members
        condition.broadcast()
      } else {
        while left == 0 { condition.wait() }
      }
      left -= 1
      if left == 0 { condition.broadcast() }
      return sum.cloned()
    }
  }

  /// A rank's part and what came of it; one thread at a time touches it.
  private final class Share: @unchecked Sendable {
    let input: Tensor
    let store = ParameterStore(initializing: Generator(seed: 0))
    var output = Tensor()
    init(_ input: Tensor) { self.input = input }
  }

  @Test func `two ranks with unequal parts equal one with the whole batch`() {
    let whole = Tensor.randn([5, 3, 4, 2], using: Generator(seed: 1)) * 2 + 1
    let upstream = Tensor.randn(whole.shape, using: Generator(seed: 2))
    @Sendable func run(_ share: Share, _ upstream: Tensor, _ sum: ((Tensor) -> Tensor)?) {
      let norm = BatchNorm2d(3, in: share.store.root)
      withoutGradients {
        norm.weight.copy(Tensor([1, 2, -0.5] as [Float]))
        norm.bias.copy(Tensor([0.5, 0, 1] as [Float]))
      }
      share.input.requiresGradient = true
      share.output = norm(share.input, isTraining: true, summing: sum)
      share.output.backward(upstream)
    }
    let one = Share(whole.cloned())
    run(one, upstream, nil)
    let parts = [0..<2, 2..<5].map { Share(whole[$0].cloned()) }
    let meeting = Meeting(of: 2)
    let group = DispatchGroup()
    let gradients = Share(upstream)
    for (part, range) in zip(parts, [0..<2, 2..<5]) {
      group.enter()
      Thread.detachNewThread {
        run(part, gradients.input[range], meeting.sum)
        group.leave()
      }
    }
    group.wait()
    let tolerance = Golden.Tolerance(absolute: 2e-5, relative: 2e-5)
    expectClose(concatenated(parts.map(\.output)), one.output, within: tolerance, "output")
    expectClose(
      concatenated(parts.map { $0.input.gradient ?? Tensor() }), one.input.gradient ?? Tensor(),
      within: tolerance, "input's gradient")
    for name in ["running_mean", "running_var"] {
      for part in parts {
        expectClose(
          part.store[name] ?? Tensor(), one.store[name] ?? Tensor(), within: tolerance,
          name)
      }
    }
    for name in ["weight", "bias"] {  // gradients of weights are added up as all others are
      let sum = parts.map { $0.store[name]?.gradient ?? Tensor() }
      expectClose(
        sum[0] + sum[1], one.store[name]?.gradient ?? Tensor(), within: tolerance, name)
    }
  }

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
    let dropped = channelDropout(x, rate: 0.25, using: Generator(seed: 5))
    let sums = dropped.sum([2, 3]).floats()
    #expect(Set(sums.map { ($0 * 1000).rounded() }) == [0, 12000])
    #expect(dropped.floats() == channelDropout(x, rate: 0.25, using: Generator(seed: 5)).floats())
    #expect(channelDropout(x, rate: 0.25, using: nil).floats() == x.floats())
  }
}
