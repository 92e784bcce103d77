@testable import FileSystem
@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

/// Growing files of the safetensors format.
@Suite struct SafetensorsWriterTests {
  let folder = TemporaryFolder()

  @Test(arguments: [0, 1, 5, 130]) func rowsComeBack(count: Int) throws {
    let path = folder["x.safetensors"]
    let file = try SafetensorsWriter(
      path, name: "rows", row: [2, 3], metadata: ["kind": "a \"test\""], others: 1)
    let rows = Tensor.rand([130, 2, 3], using: Generator(seed: 1)).narrowed(0, to: 0..<count)
    for start in stride(from: 0, to: count, by: 40) {
      try file.append(rows.narrowed(0, to: start..<min(start + 40, count)))
    }
    #expect(file.rows == count && !folder.names.contains("x.safetensors"))
    let labels = Tensor((0..<count).map { $0 * 3 })
    try file.finish(adding: [("labels", labels)])
    let read = try SafetensorsFile(path)
    #expect(read.metadata == ["kind": "a \"test\""])
    #expect(Set(read.entries.map(\.name)) == ["rows", "labels"])
    #expect(read.entry("rows")?.shape == [count, 2, 3])
    #expect(try read.tensor("rows").floats() == rows.floats())
    #expect(try read.tensor("labels").array(of: Int.self) == (0..<count).map { $0 * 3 })
    #expect(folder.names == ["x.safetensors"])
  }

  @Test func otherTypesAreConverted() throws {
    let path = folder["x.safetensors"]
    let file = try SafetensorsWriter(path, name: "x", row: [], dtype: .float16)
    try file.append(Tensor([Float(0.5), 2]))
    try file.finish()
    let tensor = try SafetensorsFile(path).tensor("x")
    #expect(tensor.dtype == .float16 && tensor.floats() == [0.5, 2])
  }

  @Test func withoutAnEndNothingIsLeft() throws {
    do {
      let file = try SafetensorsWriter(folder["x.safetensors"], name: "x", row: [4])
      try file.append(Tensor.zeros([3, 4]))
    }
    #expect(folder.names.isEmpty)
    #expect(throws: FileError.self) {
      try SafetensorsWriter(folder["nowhere/x.safetensors"], name: "x", row: [4])
    }
  }
}
