import TestSupport
import Testing
import Torch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct KernelChoiceTests {
  private func decided(
    _ variables: [String: String] = [:], oneDNN: Bool = true
  ) throws(EngineError) -> KernelChoice {
    try KernelChoice.decided(variable: { variables[$0] }, hasOneDNN: { oneDNN })
  }

  private func message(_ variables: [String: String], oneDNN: Bool = true) -> String? {
    do throws(EngineError) {
      _ = try decided(variables, oneDNN: oneDNN)
      return nil
    } catch {
      return error.message
    }
  }

  @Test func `nothing is chosen for products before they are timed`() throws {
    #expect(try decided().products == nil)
    #expect(try decided(oneDNN: false).products == nil)
    #expect(try decided().attention == nil)
  }

  @Test func `blocks are fused unless another kernel is named for one of their parts`() throws {
    #expect(try decided().blocks == .fused)
    #expect(try decided(["CTORCH_BLOCKS": "plain"]).blocks == .plain)
    #expect(try decided(["CTORCH_PRODUCTS": "libtorch"]).blocks == .plain)
    #expect(try decided(["CTORCH_ATTENTION": "plain"]).blocks == .plain)
    #expect(
      try decided(["CTORCH_ATTENTION": "plain", "CTORCH_BLOCKS": "fused"]).blocks == .fused)
    #expect(try decided().lines[0] == "transformer blocks are one operator on the CPU in float32")
    #expect(message(["CTORCH_BLOCKS": "one"]) == "CTORCH_BLOCKS is 'one'; expected plain or fused")
  }

  @Test func `variables put the choice aside`() throws {
    #expect(try decided(["CTORCH_PRODUCTS": "libtorch"]).products == .libtorch)
    #expect(try decided(["CTORCH_PRODUCTS": "onednn"]).products == .onednn)
    #expect(try decided(["CTORCH_PRODUCTS": ""]).products == nil)
    #expect(try decided(["CTORCH_ATTENTION": "fused"]).attention == .fused)
    #expect(try decided(["CTORCH_ATTENTION": "plain"]).attention == .plain)
  }

  @Test func `a variable that cannot be read is an error`() {
    #expect(
      message(["CTORCH_PRODUCTS": "MKL"])
        == "CTORCH_PRODUCTS is 'MKL'; expected libtorch or onednn")
    #expect(
      message(["CTORCH_ATTENTION": "flash"])
        == "CTORCH_ATTENTION is 'flash'; expected plain or fused")
    #expect(
      message(["CTORCH_PRODUCTS": "onednn"], oneDNN: false)
        == "CTORCH_PRODUCTS is onednn, and this libtorch has no oneDNN; unset it")
  }

  @Test func `the engine does not open with a variable that cannot be read`() async {
    await #expect(processExitsWith: .success) {
      setenv("CTORCH_ATTENTION", "flash", 1)
      let error = #expect(throws: EngineError.self) { try Engine.load() }
      #expect(error?.message == "CTORCH_ATTENTION is 'flash'; expected plain or fused")
    }
  }

  @Test(arguments: ["libtorch", "onednn"])
  func `products are the same by either kernel, and only without gradients another's`(
    kernel: String
  ) async {
    await #expect(processExitsWith: .success) { [kernel] in
      setenv("CTORCH_PRODUCTS", kernel, 1)
      #expect(KernelChoice.current.products?.rawValue == kernel)
      let generator = Generator(seed: 1)
      let x = Tensor.randn([3, 5, 7], using: generator)
      let (weight, bias) = (
        Tensor.randn([4, 7], using: generator), Tensor.randn([4], using: generator)
      )
      let expected = x.matmul(weight.transposed(0, 1)) + bias
      withoutGradients {
        expectClose(x.linear(weight, bias), expected, absolute: 1e-5)
        expectClose(x.linearWithGELU(weight, bias), expected.gelu(), absolute: 1e-5)
        // A bias that does not fit is libtorch's to refuse, in its own words.
        let error = #expect(throws: TorchError.self) {
          try withTorchErrors { x.linear(weight, Tensor.zeros([3])) }
        }
        #expect(error?.operation == "linear")
      }
      weight.requiresGradient = true
      x.linear(weight, bias).sum().backward()
      #expect(weight.gradient?.shape == [4, 7])
    }
  }

  @Test func `both kinds of choice are said in words`() throws {
    #expect(
      try decided(["CTORCH_PRODUCTS": "onednn"]).lines == [
        "transformer blocks are composed of libtorch's operators",
        "products are oneDNN's where no gradients are recorded, libtorch's in training",
        "attention is plain up to 96 tokens on the CPU, else fused",
      ])
    #expect(
      try decided(["CTORCH_ATTENTION": "fused", "CTORCH_PRODUCTS": "libtorch"]).lines == [
        "transformer blocks are composed of libtorch's operators",
        "products are libtorch's", "attention is fused",
      ])
    #expect(
      try decided().lines[1]
        == "products without gradients are by libtorch or oneDNN, whichever is faster for a shape")
  }
}
