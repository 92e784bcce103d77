package import Torch

/// How fast a device multiplies matrices.
package enum ProductRate {
  /// Floating-point operations a second in a product of large square matrices, the best of a few; a
  /// multiplication and an addition are two. Some hundredths of a second are spent.
  package static func measured(_ type: DType, on device: Device) -> Double {
    let (side, rounds) =
      device.kind == .cpu || device.kind == .simulated ? (1024, 5) : (4096, 20)
    let generator = Generator(seed: 0)
    let a = Tensor.randn([side, side], using: generator).to(type).to(device)
    let b = Tensor.randn([side, side], using: generator).to(type).to(device)
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = ContinuousClock.now
      _ = a.matmul(b)
      device.synchronize()
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    return 2 * Double(side * side * side) / best
  }
}
