import TestSupport
import Testing

@testable import Torch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Products without gradients by the library that is faster for their shape.
@Suite struct ProductTimesTests {
  private static func shape(_ rows: Int, outputs: Int = 96) -> ProductTimes.Shape {
    .init(rows: rows, inputs: 64, outputs: outputs, hasGELU: false, threads: 2)
  }

  @Test func `oneDNN is taken where it is faster by more than noise`() {
    let cases: [(Double, Double, ProductKernel)] = [
      (1.06, 1, .onednn), (1.04, 1, .libtorch), (1, 1, .libtorch), (1, 2, .libtorch),
      (8, 1, .onednn),
    ]
    for (libtorch, onednn, expected) in cases {
      let times = ProductTimes(Self.shape(1), libtorch: libtorch, onednn: onednn)
      #expect(times.fastest == expected, "\(libtorch), \(onednn)")
    }
  }

  @Test func `rows count by powers of two`() {
    let found = [1, 2, 3, 197, 256, 257, 511, 512, 4000].map { Self.shape($0).rows }
    #expect(found == [1, 2, 2, 128, 256, 256, 256, 512, 512])
  }

  @Test func `the libraries take turns, and the first round is not counted`() {
    var (order, seconds): ([ProductKernel], [Double]) = ([], [1, 1, 5, 4, 3, 6, 7, 5])
    let times = ProductTimes.measured(Self.shape(1)) {
      order.append($0)
      return seconds.removeFirst()
    }
    #expect(order == (0..<4).flatMap { _ in [.libtorch, .onednn] })
    #expect(times == ProductTimes(Self.shape(1), libtorch: 3, onednn: 4))
  }

  @Test func `a shape is measured once, or never where an earlier process has`() async {
    await #expect(processExitsWith: .success) {
      nonisolated(unsafe) var (kept, loads) = ([[ProductTimes]](), 0)
      let known = ProductTimes(Self.shape(7), libtorch: 3, onednn: 1)
      let broken = ProductTimes(Self.shape(20), libtorch: 0, onednn: 1)
      ProductTimes.remember(
        loading: {
          loads += 1
          return [known, broken]
        }, keeping: { kept.append($0) })
      #expect(loads == 0)
      var measured = 0
      func kernel(_ shape: ProductTimes.Shape) -> ProductKernel {
        ProductTimes.kernel(for: shape) {
          measured += 1
          return ProductTimes(shape, libtorch: 1, onednn: 1)
        }
      }
      #expect(kernel(Self.shape(4)) == .onednn && measured == 0 && kept.isEmpty)
      #expect(kernel(Self.shape(4, outputs: 97)) == .libtorch && measured == 1)
      #expect(kernel(Self.shape(5, outputs: 97)) == .libtorch && measured == 1)
      #expect(kernel(Self.shape(20)) == .libtorch && measured == 2)
      #expect(loads == 1 && kept.map(\.count) == [2, 3])
    }
  }

  @Test(arguments: [ProductKernel.libtorch, .onednn])
  func `what was measured computes the product, the large ones alone`(
    fastest: ProductKernel
  ) async {
    await #expect(processExitsWith: .success) { [fastest = fastest.rawValue as String] in
      _ = OneDNN.isThere  // tries it
      // One library is found to be much faster, whatever the clock says.
      let isOneDNN = fastest == ProductKernel.onednn.rawValue
      let shapes = [false, true].map {
        ProductTimes.Shape(
          rows: 300, inputs: 64, outputs: 128, hasGELU: $0, threads: Engine.threads)
      }
      let times = shapes.map {
        ProductTimes($0, libtorch: isOneDNN ? 2 : 1, onednn: isOneDNN ? 1 : 2)
      }
      ProductTimes.remember(
        loading: { times }, keeping: { _ in Issue.record("a known shape was measured") })
      let generator = Generator(seed: 1)
      let x = Tensor.randn([3, 100, 64], using: generator)
      let (weight, bias) = (
        Tensor.randn([128, 64], using: generator), Tensor.randn([128], using: generator)
      )
      func names(_ body: () -> Tensor) -> Set<String> {
        var result: Tensor?
        let names = OperatorProfile.measured { result = body() }.entries.map(\.name)
        if let result, result.shape.last == 128, result.shape.count == 3 {
          let expected = x.matmul(weight.transposed(0, 1)) + bias
          expectClose(result.detached(), expected, ofLargest: 4e-6)
        }
        return Set(names)
      }
      let operation = "mkldnn::_linear_pointwise"
      withoutGradients {
        #expect(names { x.linear(weight, bias) }.contains(operation) == isOneDNN)
        #expect(
          names { x.linearWithGELU(weight, bias).sum() }.contains(operation) == isOneDNN)
        // Too small to be worth a measurement.
        #expect(!names { x.narrowed(1, to: 0..<1).linear(weight, bias).sum() }.contains(operation))
      }
      #expect(!names { x.linear(weight, bias) }.contains(operation))
    }
  }

  @Test func `a shape that nobody knows is timed on its own operands`() async {
    await #expect(processExitsWith: .success) {
      nonisolated(unsafe) var kept: [ProductTimes] = []
      ProductTimes.remember(loading: { [] }, keeping: { kept = $0 })
      let x = Tensor.randn([2, 150, 96], using: Generator(seed: 1))
      let weight = Tensor.randn([160, 96], using: Generator(seed: 2))
      withoutGradients { _ = x.transposed(0, 1).linear(weight) }
      let expected = ProductTimes.Shape(
        rows: 300, inputs: 96, outputs: 160, hasGELU: false, threads: Engine.threads)
      #expect(kept.map(\.shape) == [expected] && expected.rows == 256)
      #expect(kept.allSatisfy { $0.libtorch > 0 && $0.onednn > 0 && $0.libtorch < 10 })
    }
  }
}
