import Testing
import Torch

@Suite struct TensorTests {
  @Test func linearGeluBackward() {
    let x = Tensor((0..<6).map { Float($0) / 3 - 1 }, shape: [2, 3])
    let w = Tensor((0..<12).map { Float($0 % 5) / 4 - 0.5 }, shape: [4, 3])
    w.requiresGradient = true
    let y = x.linear(w).gelu().sum()
    y.backward()
    #expect(w.gradient?.shape == [4, 3])
    #expect(y.item.isFinite)
  }
}
