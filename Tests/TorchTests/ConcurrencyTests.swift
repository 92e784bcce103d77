import TestSupport
import Testing
import Torch

@Suite struct ConcurrencyTests {
  /// What one task computes with tensors of its own, modes and errors included.
  static func work(_ seed: Int) -> [Double] {
    let generator = Generator(seed: UInt64(seed))
    var results: [Double] = []
    for round in 0..<40 {
      let x = Tensor.randn([4, 8], using: generator)
      let w = Tensor.randn([3, 8], using: generator)
      w.requiresGradient = true
      x.linear(w).gelu().sum().backward()
      results.append(w.gradient?.sum().item() ?? .nan)
      if round % 3 == 0 {
        withoutGradients { results.append(x.linear(w).requiresGradient ? .nan : x.sum().item()) }
      }
      if round % 5 == 0 {
        let failed = (try? withTorchErrors { x.reshaped([seed + 100, 7]) }) == nil
        results.append(failed ? Double(seed) : .nan)
      }
      if round % 7 == 0 {
        let type = withAutocast(to: .bfloat16, on: .cpu) { x.linear(w).dtype }
        results.append(type == .bfloat16 ? 1 : .nan)
      }
      if x.linear(w).dtype != .float32 { results.append(.nan) }
    }
    return results
  }

  @Test func `tasks do not disturb each other`() async {
    let expected = (0..<12).map(Self.work)
    #expect(expected.allSatisfy { $0.allSatisfy { !$0.isNaN } })
    let found = await withTaskGroup(of: (Int, [Double]).self) { group in
      for seed in 0..<12 { group.addTask { @concurrent in (seed, Self.work(seed)) } }
      return await group.reduce(into: [Int: [Double]]()) { $0[$1.0] = $1.1 }
    }
    for seed in 0..<12 { #expect(found[seed] == expected[seed]) }
  }

  @Test func `errors belong to the task that made them`() async {
    let messages = await withTaskGroup(of: Bool.self) { group in
      for size in 2..<40 {
        group.addTask { @concurrent in
          (0..<20).allSatisfy { _ in
            do throws(TorchError) {
              _ = try withTorchErrors { Tensor.zeros([size]).reshaped([size + 1]) }
              return false
            } catch {
              return error.message
                == "shape '[\(size + 1)]' is invalid for input of size \(size)"
            }
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(messages.count == 38 && messages.allSatisfy { $0 })
  }
}
