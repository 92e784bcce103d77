import FileSystem
import Foundation
import Synchronization
import TestSupport
import Testing
import Torch

@Suite struct MemoryTests {
  /// Memory of floats that counts its own end.
  final class Owner: Sendable {
    nonisolated(unsafe) let memory: UnsafeMutablePointer<Float>
    private let released: ReleaseCount

    init(_ values: [Float], counting released: ReleaseCount) {
      memory = .allocate(capacity: values.count)
      memory.initialize(from: values, count: values.count)
      self.released = released
    }

    deinit {
      memory.deallocate()
      released.count.add(1, ordering: .sequentiallyConsistent)
    }
  }

  final class ReleaseCount: Sendable {
    let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
  }

  private func wrapped(_ released: ReleaseCount) -> (tensor: Tensor, memory: UnsafePointer<Float>) {
    let owner = Owner([1, 2, 3, 4, 5, 6], counting: released)
    let tensor = Tensor(wrapping: owner.memory, shape: [2, 3], dtype: .float32, owner: owner)
    return (tensor, UnsafePointer(owner.memory))
  }

  @Test func `wrapped memory is not copied`() {
    let released = ReleaseCount()
    do {
      let (tensor, memory) = wrapped(released)
      #expect(tensor.shape == [2, 3])
      #expect(tensor.withElements(of: Float.self) { $0.baseAddress == memory })
      tensor.multiply(by: 2)
      #expect(memory[5] == 12)
      #expect(released.value == 0)
    }
    #expect(released.value == 1)
  }

  @Test func `the owner lasts as long as any view`() {
    let released = ReleaseCount()
    var view: Tensor? = wrapped(released).tensor.selected(1, along: 0)
    #expect(released.value == 0)
    #expect(view?.floats() == [4, 5, 6])
    view = nil
    #expect(released.value == 1)
  }

  @Test func `the owner lasts as long as the graph`() {
    let released = ReleaseCount()
    let w = Tensor.ones([1, 3])
    w.requiresGradient = true
    var loss: Tensor? = wrapped(released).tensor.linear(w).sum()
    #expect(released.value == 0)
    loss?.backward()
    #expect(w.gradient?.floats() == [5, 7, 9])
    loss = nil
    #expect(released.value == 1)
  }

  @Test func `a copy is the tensors own`() {
    var values: [Float] = [1, 2]
    let tensor = Tensor(values)
    values[0] = 9
    tensor.add(Tensor([1, 1] as [Float]))
    #expect(values == [9, 2] && tensor.floats() == [2, 3])
  }

  @Test func `arrays of every type come back`() {
    func check<Element: TensorElement & Equatable>(_ values: [Element]) {
      let tensor = Tensor(values, shape: [1, values.count])
      #expect(tensor.dtype == Element.dtype && tensor.shape == [1, values.count])
      #expect(tensor.array(of: Element.self) == values)
      #expect(tensor.withElements(of: Element.self) { Array($0) } == values)
      #expect(tensor.dtype.size == MemoryLayout<Element>.stride)
      #expect(Tensor(values[0]).array(of: Element.self) == [values[0]])
      #expect(Tensor([] as [Element]).array(of: Element.self) == [])
      // Through the other order of memory.
      let square = Tensor(values + values, shape: [2, values.count])
      #expect(
        square.transposed(0, 1).array(of: Element.self) == values.flatMap { [$0, $0] })
    }
    check([0, 1, 255] as [UInt8])
    check([-128, 0, 127] as [Int8])
    check([.min, 0, .max] as [Int16])
    check([.min, 0, .max] as [Int32])
    check([.min, 0, .max] as [Int64])
    check([.min, 0, .max] as [Int])
    check([-1.5, 0, .greatestFiniteMagnitude, .infinity] as [Float])
    check([-1.5, 0, .greatestFiniteMagnitude, .infinity] as [Double])
    check([true, false, true])
    for type in DType.allCases where type != .bool {
      let tensor = Tensor([0, 1, 2] as [Float]).to(type)
      #expect(tensor.dtype == type && tensor.floats() == [0, 1, 2])
      #expect(tensor.withMutableBytes { $0.count } == 3 * type.size)
    }
    #expect(Tensor([Float.nan]).floats()[0].isNaN)
  }

  /// A tiny step, repeated: neither tensors nor graphs, frames or errors are left behind.
  @Test func `memory stays flat`() async {
    await #expect(processExitsWith: .success) {
      let w = Tensor.ones([64, 64])
      w.requiresGradient = true
      let relu = Op("relu")
      func work(_ times: Int) {
        for _ in 0..<times {
          let x = Tensor([Float](repeating: 1, count: 64 * 64), shape: [64, 64])
          let parts = x.linear(w).gelu().split(16, along: 0)
          concatenated(parts).mean().backward()
          w.gradient = nil
          _ = try? relu.attempt(3)
          _ = try? withTorchErrors { x.reshaped([7]) }
          _ = w.gradient
          withAutocast(to: .bfloat16, on: .cpu) { _ = x.linear(w) }
        }
      }
      work(300)
      let before = try #require(residentMemory())
      work(3_000)
      let grown = try #require(residentMemory()) - before
      #expect(grown < 4 << 20, "\(grown) bytes more after 3,000 iterations")
    }
  }
}

/// The bytes of memory that this process holds, on Linux.
private func residentMemory() -> Int? {
  guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
    return 0  // nothing to look at: not Linux
  }
  return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4096 }
}
