import TestSupport
import Testing
import Torch

@Suite struct OpErrorTests {
  let x = Tensor([1, 2, 3] as [Float])

  /// The message of what `body` throws.
  private func message(_ body: () throws(TorchError) -> Tensor) -> String? {
    do {
      _ = try body()
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `a schema is readable`() {
    #expect(Op("relu").schema == "aten::relu(Tensor self) -> Tensor")
    #expect(Op("add", "Tensor").name == "add.Tensor")
  }

  @Test func `arguments of the wrong kind are named`() {
    let cases: [(String, String?)] = [
      (
        "argument 'self' is an integer, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt(3) }
      ),
      (
        "argument 'self' is a floating-point number, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt(3.5) }
      ),
      (
        "argument 'dim' is a floating-point number, expected an integer",
        message { () throws(TorchError) in try Op("softmax", "int").attempt(x, 0.5) }
      ),
      (
        "argument 'dim' is a tensor, expected an integer",
        message { () throws(TorchError) in try Op("softmax", "int").attempt(x, x) }
      ),
      (
        "argument 'tensors' is a tensor, expected a list of tensors",
        message { () throws(TorchError) in try Op("cat").attempt(x) }
      ),
      (
        "argument 'self' is a list of tensors, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt([x]) }
      ),
      (
        "argument 'shape' is a list of floating-point numbers, expected a list of integers",
        message { () throws(TorchError) in try Op("reshape").attempt(x, [1.5]) }
      ),
      (
        "argument 'approximate' is a boolean, expected a string",
        message { () throws(TorchError) in
          try Op("gelu").attempt(x, Named("approximate", true))
        }
      ),
      (
        "argument 'dim' is a string, expected an integer",
        message { () throws(TorchError) in try Op("softmax", "int").attempt(x, "0") }
      ),
      (
        "argument 'dim' is a device, expected an integer",
        message { () throws(TorchError) in try Op("softmax", "int").attempt(x, Device.cpu) }
      ),
      (
        "argument 'self' is a generator, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt(Generator(seed: 1)) }
      ),
      (
        "argument 'self' is a list of integers, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt([1, 2]) }
      ),
      (
        "argument 'self' is a list of booleans, expected a tensor",
        message { () throws(TorchError) in try Op("relu").attempt([true]) }
      ),
    ]
    for (expected, found) in cases {
      #expect(found?.contains(expected) == true, "\(found ?? "no error")")
      #expect(found?.contains(", in aten::") == true)
    }
  }

  @Test func `the number of arguments is checked`() {
    let missing = message { () throws(TorchError) in try Op("softmax", "int").attempt(x) }
    #expect(missing?.hasPrefix("softmax.int: missing argument 'dim' in aten::softmax.int") == true)
    let many = message { () throws(TorchError) in try Op("relu").attempt(x, x) }
    #expect(many?.hasPrefix("relu: too many arguments for aten::relu") == true)
    let unknown = message { () throws(TorchError) in
      try Op("gelu").attempt(x, Named("aproximate", "tanh"))
    }
    #expect(unknown?.hasPrefix("gelu: no argument 'aproximate' in aten::gelu") == true)
    let several = message { () throws(TorchError) in try Op("topk").attempt(x, 1) }
    #expect(several?.contains("the result is not one tensor: aten::topk") == true)
  }

  @Test func `a mistake leaves nothing behind`() throws {
    for _ in 0..<100 {
      _ = message { () throws(TorchError) in try Op("relu").attempt(3) }
      _ = message { () throws(TorchError) in try Op("gelu").attempt(x, Named("no", 1)) }
      expectEqual(try Op("relu").attempt(x), x)
    }
  }

  @Test func `the first failure of a block is thrown`() throws {
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors {
        let a = Tensor.zeros([2, 3]).matmul(Tensor.zeros([2, 3]))
        let b = a.gelu() + 1.0
        return concatenated([b, b]).reshaped([7]).to(.float64)
      }
    }
    #expect(error?.operation == "matmul" && error?.kind == .other)
    #expect(error?.message == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
    #expect(error?.description.hasPrefix("matmul: ") == true)
    #expect(error?.message.contains("frame #") == false && error?.message.contains(".cpp") == false)
    let fine = try withTorchErrors { x + x }
    expectClose(fine, Tensor([2, 4, 6] as [Float]))
  }

  @Test func `the inner block keeps its own errors`() throws {
    let result = try withTorchErrors {
      let inner = try? withTorchErrors { x.reshaped([2, 2]) }
      return inner ?? x
    }
    expectEqual(result, x)
  }

  @Test func `every other trap of a block is thrown too`() {
    #expect(throws: TorchError.self) { try withTorchErrors { x.backward() } }
    #expect(throws: TorchError.self) { try withTorchErrors { x.backward(Tensor.ones([3])) } }
    #expect(throws: TorchError.self) { try withTorchErrors { x.item() } }
    #expect(throws: TorchError.self) { try withTorchErrors { x.split(sizes: [1], along: 0).count } }
    #expect(throws: TorchError.self) { try withTorchErrors { x.topK(9).values } }
    #expect(throws: TorchError.self) {
      try withTorchErrors { Tensor([1, 2]).requiresGradient = true }
    }
  }

  @Test func `an undefined tensor passes through a formula`() {
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors {
        let y = x.reshaped([2, 2])
        return (y.to(.float64).to(.cpu).detached().cloned() * y).mean().requiresGradient
      }
    }
    #expect(error?.operation == "reshape")
  }

  @Test func `running out of memory is told apart`() {
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors { Tensor.empty([1 << 50]) }
    }
    #expect(error?.kind == .outOfMemory, "\(String(describing: error))")
  }
}
