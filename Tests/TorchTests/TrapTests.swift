import Foundation
import TestSupport
import Testing
import Torch

/// Mistakes that stop the process, each tried in a process of its own.
@Suite struct TrapTests {
  // Outside the macro, where a line is a line of this file.
  static let multiplyLine = #line + 1
  static func multiply() { _ = Tensor.zeros([2, 3]).matmul(Tensor.zeros([2, 3])) }
  static let reshapeLine = #line + 1
  static func reshape() { _ = Tensor.zeros([2]).reshaped([5]) }

  @Test func `a trap says what and where`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      Self.multiply()
    }
    let text = standardError(of: result)
    #expect(text.contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"))
    #expect(text.contains("TrapTests.swift:\(Self.multiplyLine)"))
  }

  @Test func `a handler speaks instead`() async {
    let result = await #expect(
      processExitsWith: .exitCode(70), observing: [\.standardErrorContent]
    ) {
      TorchFailure.setHandler { error, file, line in
        FileHandle.standardError.write(Data("handled \(error) at \(file):\(line)".utf8))
        exit(70)
      }
      // Errors that are thrown do not reach it.
      _ = try? withTorchErrors { Tensor.zeros([2]).reshaped([3]) }
      Self.reshape()
    }
    let text = standardError(of: result)
    #expect(text.contains("handled reshape: shape '[5]' is invalid for input of size 2"))
    #expect(text.contains("TrapTests.swift:\(Self.reshapeLine)"))
  }

  @Test func `an operator that does not exist`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Op("no_such_operator") }
    #expect(standardError(of: result).contains("no_such_operator"))
  }

  @Test func `values that do not fill a shape`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Tensor([1, 2, 3], shape: [2, 2]) }
    #expect(standardError(of: result).contains("3 values do not fill the shape [2, 2]"))
  }

  @Test func `elements of another type`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { Tensor([1, 2]).withElements(of: Float.self) { _ in } }
    #expect(standardError(of: result).contains("elements are int64, not float32"))
  }

  @Test func `elements that are not in one piece`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { Tensor.zeros([2, 3]).transposed(0, 1).withMutableBytes { _ in } }
    #expect(
      standardError(of: result).contains("only a contiguous tensor has its elements in one piece"))
  }
}
