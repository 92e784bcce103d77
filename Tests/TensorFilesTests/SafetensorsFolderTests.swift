@testable import FileSystem
@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite struct SafetensorsFolderTests {
  let folder = TemporaryFolder()

  func writeShards(_ map: [String: String]) throws {
    try SafetensorsFile.write(["a": Tensor([1] as [Float])], to: folder["one.safetensors"])
    try SafetensorsFile.write(
      ["b": Tensor([2] as [Float])], metadata: ["format": "pt"], to: folder["two.safetensors"])
    let index = try JSONEncoder().encode(["weight_map": map])
    _ = folder.write(Array(index), to: "model.safetensors.index.json")
  }

  @Test func readsShards() throws {
    try writeShards(["a": "one.safetensors", "b": "two.safetensors"])
    let shards = try SafetensorsFolder(folder.path)
    #expect(shards.entries.map(\.name) == ["a", "b"])
    #expect(shards.metadata == ["format": "pt"])
    #expect(try shards.tensors().mapValues { $0.floats() } == ["a": [1], "b": [2]])
    #expect(try shards.tensor("b").floats() == [2])
  }

  @Test func readsASingleFileByItsNameOrItsFolder() throws {
    try SafetensorsFile.write(["a": Tensor([1] as [Float])], to: folder["model.safetensors"])
    for path in [folder.path, folder["model.safetensors"]] {
      #expect(try SafetensorsFolder(path).tensors().mapValues { $0.floats() } == ["a": [1]])
    }
  }

  @Test(arguments: [
    (["a": "one.safetensors", "c": "two.safetensors"], "tensor 'c' is not in two.safetensors"),
    (["a": "../one.safetensors"], "outside its folder"),
    (["a": ".."], "outside its folder"),
    (["a": ""], "outside its folder"),
    (["a": "none.safetensors"], "no such file"),
  ])
  func refusesAnIndexThatLies(map: [String: String], reason: String) throws {
    try writeShards(map)
    let error = fileError { () throws(FileError) in _ = try SafetensorsFolder(folder.path) }
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func refusesATensorInTwoFiles() throws {
    try writeShards(["a": "one.safetensors", "b": "two.safetensors"])
    try SafetensorsFile.write(
      ["a": Tensor([1] as [Float]), "b": Tensor([2] as [Float])], to: folder["two.safetensors"])
    let error = fileError { () throws(FileError) in _ = try SafetensorsFolder(folder.path) }
    #expect(error?.message == "tensor 'a' is in another file too")
  }

  @Test func refusesAFolderWithoutWeights() {
    let error = fileError { () throws(FileError) in _ = try SafetensorsFolder(folder.path) }
    #expect(error?.kind == .unreadable)
  }
}
