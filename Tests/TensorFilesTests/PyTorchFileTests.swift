@testable import FileSystem
@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite struct PyTorchFileTests {
  let folder = TemporaryFolder()
  static let goldens =
    #filePath.components(separatedBy: "/").dropLast(3).joined(separator: "/")
    + "/Goldens/pytorch-files/"

  @Test(
    arguments: [
      ("state", nil, []), ("mae", "model", []), ("views", nil, []), ("protocol5", "state_dict", []),
    ] as [(String, String?, [String])])
  func readsWhatPyTorchWrote(name: String, key: String?, others: [String]) throws {
    let file = try PyTorchFile(Self.goldens + name + ".pth")
    let expected = try SafetensorsFile(Self.goldens + name + ".safetensors").tensors()
    #expect(file.key == key && file.others == others)
    #expect(Set(file.names) == Set(expected.keys))
    let tensors = try file.tensors()
    for (name, tensor) in expected {
      let found = try #require(tensors[name])
      #expect(found.shape == tensor.shape && found.dtype == tensor.dtype, "\(name)")
      #expect(found.array(of: Double.self) == tensor.array(of: Double.self), "\(name)")
      #expect(try file.tensor(name).array(of: Double.self) == tensor.array(of: Double.self))
    }
  }

  /// A checkpoint whose keys hold a dictionary of one tensor each, of as many elements as its place.
  private func keyed(_ keys: [String]) -> String {
    let states = keys.enumerated().map { place, key in
      (
        Forged.text(key),
        Forged.dictionary([(Forged.text("a.w"), Forged.tensor(shape: [place + 1]))])
      )
    }
    return folder.write(
      Forged.checkpoint(Forged.pickle(Forged.dictionary(states))), to: "keys.pth")
  }

  @Test(arguments: [
    "student", "teacher", "model_ema", "state_dict_ema", "module", "model_state_dict", "net",
    "params",
    "weights", "anything",
  ])
  func `weights under the only key there is are read, and the key is said`(key: String) throws {
    let file = try PyTorchFile(keyed([key]))
    #expect(file.key == key && file.names == ["a.w"])
    #expect(file.keyNote == "the weights are those under the key '\(key)'")
  }

  @Test func `of several keys the customary one is taken and said, or one is to be chosen`() throws
  {
    let path = keyed(["state_dict_ema", "state_dict"])
    let file = try PyTorchFile(path)
    #expect(file.key == "state_dict")
    #expect(
      file.keyNote
        == "the weights are those under the key 'state_dict'; there are others under "
        + "'state_dict_ema' (--key)")
    #expect(try PyTorchFile(path, key: "state_dict_ema").tensor("a.w").shape == [1])
    #expect(try NamedTensors(path, key: "state_dict_ema").tensors["a.w"]?.shape == [1])

    let two = keyed(["student", "teacher"])
    let error = fileError { () throws(FileError) in _ = try PyTorchFile(two) }
    #expect(
      error?.message == "holds tensors under the keys 'student', 'teacher'; choose one with --key")
    #expect(try PyTorchFile(two, key: "teacher").tensor("a.w").shape == [2])
    let odd = fileError { () throws(FileError) in _ = try PyTorchFile(two, key: "ema") }
    #expect(
      odd?.message.contains("there are some under 'student', 'teacher'") == true)
    // The customary key alone needs no word.
    #expect(try PyTorchFile(keyed(["model"])).keyNote == nil)
  }

  @Test func `dictionaries in dictionaries have keys with dots`() throws {
    let inner = Forged.dictionary([
      (Forged.text("state_dict"), Forged.dictionary([(Forged.text("a.w"), Forged.tensor())]))
    ])
    // The state of a generator is a tensor too, and no weight.
    let path = folder.write(
      Forged.checkpoint(
        Forged.pickle(
          Forged.dictionary([
            (Forged.text("net"), inner), (Forged.text("rng"), Forged.tensor(shape: [2])),
          ]))), to: "nested.pth")
    #expect(try PyTorchFile(path).key == "net.state_dict")
    #expect(try PyTorchFile(path, key: "net.state_dict").names == ["a.w"])
  }

  @Test(arguments: [0, 8] as [UInt16])
  func `a TorchScript archive is called that`(method: UInt16) {
    let path = folder.write(
      Forged.zip([
        .init(name: "m/data.pkl", data: Forged.pickle(Forged.code("N"))),
        .init(name: "m/constants.pkl", data: Forged.pickle(Forged.code(")"))),
        .init(name: "m/code/__torch__.py", data: [], method: method),
      ]), to: "script.pt")
    let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
    #expect(error?.message.hasPrefix("is a TorchScript archive (torch.jit.save)") == true)
  }

  @Test func `a file that asks for anything else is refused with the line that cleans it`() {
    let path = folder.write(
      Forged.checkpoint(
        Forged.pickle(
          Forged.dictionary([
            (Forged.text("args"), Forged.global("Config", "my.code")),
            (Forged.text("model"), Forged.dictionary([(Forged.text("w"), Forged.tensor())])),
          ]))), to: "foreign.pth")
    let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
    #expect(error?.message.contains("asks for 'my.code.Config'") == true)
    #expect(error?.message.contains("torch.save(s['model'], 'new.pth')") == true)
  }

  @Test func viewsShareTheirMemory() throws {
    let tensors = try PyTorchFile(Self.goldens + "views.pth").tensors()
    let (whole, part) = (try #require(tensors["whole"]), try #require(tensors["narrowed"]))
    part.fill(-1)
    #expect(whole.floats().count { $0 == -1 } == 6)
    // Another reading does not see it.
    let again = try PyTorchFile(Self.goldens + "views.pth").tensor("narrowed")
    #expect(again.floats() == [8, 9, 10, 14, 15, 16])
  }

  /// A storage that does not lie aligned is copied, once for all tensors over it.
  @Test(arguments: 0..<4)
  func copiesShareTheirMemoryToo(padding: Int) throws {
    let pickle = Forged.pickle(
      Forged.dictionary([
        (Forged.text("v"), Forged.tensor()), (Forged.text("w"), Forged.tensor(shape: [2])),
        (Forged.text(String(repeating: "x", count: padding)), Forged.code("N")),
      ]))
    let file = try PyTorchFile(folder.write(Forged.checkpoint(pickle), to: "f"))
    let tensors = try file.tensors()
    let (v, w) = (try #require(tensors["v"]), try #require(tensors["w"]))
    #expect(v.floats() == [1, 2, 3, 4] && w.floats() == [1, 2])
    #expect(v.withMutableBytes { Int(bitPattern: $0.baseAddress) % 4 } == 0)
    v.fill(7)
    #expect(w.floats() == [7, 7])
  }

  @Test func tellsFormatsByTheirFirstBytes() throws {
    let expected = try SafetensorsFile(Self.goldens + "state.safetensors").tensors()
    for name in ["state.pth", "state.safetensors"] {
      let read = try NamedTensors(Self.goldens + name).tensors
      #expect(read.mapValues { $0.floats() } == expected.mapValues { $0.floats() })
    }
    let state = try Data(contentsOf: URL(filePath: Self.goldens + "state.pth"))
    _ = folder.write(Array(state), to: "pytorch_model.bin")
    #expect(try NamedTensors(folder.path).tensors.count == expected.count)
    // A header of 19,280 bytes begins with the letters of a zip file.
    let name = String(repeating: "n", count: 19_280 - 53)
    try SafetensorsFile.write([name: Tensor([1] as [Float])], to: folder["PK"])
    #expect(Array(folder.bytes("PK").prefix(2)) == Array("PK".utf8))
    #expect(try NamedTensors(folder["PK"]).tensors.keys.first == name)
  }

  @Test(arguments: [
    ("legacy", "is in PyTorch's format from before version 1.6, or a plain pickle. Convert it"),
    ("module", "asks for 'torch.nn.modules.linear.Linear', which is neither a tensor"),
  ])
  func refusesWithWhatToDo(name: String, reason: String) throws {
    let path = Self.goldens + name + ".pth"
    if name == "module" {
      let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
      #expect(error?.message.contains("asks for 'torch.nn.modules") == true)
    } else {
      let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
      #expect(error?.message.hasPrefix(reason) == true, "\(error?.message ?? "")")
    }
  }

  @Test func forgedFileIsWhatTheCasesBelowBreak() throws {
    let tensor = Forged.tensor(shape: [2, 2], strides: [1, 2])
    let path = folder.write(Forged.checkpoint(tensor: tensor), to: "f")
    #expect(try PyTorchFile(path).tensor("w").floats() == [1, 3, 2, 4])
    let empty = Forged.tensor(shape: [0, 9], strides: [9, 1], offset: 4)
    let second = folder.write(Forged.checkpoint(tensor: empty), to: "g")
    #expect(try PyTorchFile(second).tensor("w").shape == [0, 9])
  }

  static let notInStorage: [[UInt8]] = [
    Forged.tensor(shape: [5]), Forged.tensor(offset: 1), Forged.tensor(offset: -1),
    Forged.tensor(offset: .max), Forged.tensor(shape: [2], strides: [4]),
    Forged.tensor(shape: [2], strides: [-1]), Forged.tensor(shape: [-1]),
    Forged.tensor(shape: [2, 2], strides: [1]),
    Forged.tensor(shape: [.max, .max], strides: [0, 0]),
    Forged.tensor(shape: [2, 2], strides: [.max, .max]),
    // A terabyte that repeats one element.
    Forged.tensor(shape: [1 << 38], strides: [0]),
    Forged.tensor(shape: [0, .max, .max], strides: [0, 0, 0]),
    Forged.tensor(shape: [0], offset: 5),
  ]

  @Test(arguments: notInStorage)
  func refusesTensorsOutsideTheirStorage(tensor: [UInt8]) {
    let path = folder.write(Forged.checkpoint(tensor: tensor), to: "f")
    let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
    #expect(error?.kind == .malformed)
    #expect(error?.message.contains("does not hold") == true, "\(error?.message ?? "")")
  }

  static let wrongStorages: [([UInt8], String)] = [
    (Forged.tensor(key: "1"), "its storage '1' is missing"),
    (Forged.tensor(key: "../data.pkl"), "its storage '../data.pkl' is missing"),
    (Forged.tensor(count: 5), "has 16 bytes; 5 elements of type float32 are expected"),
    (Forged.tensor(count: .max), "has 16 bytes"),
    (Forged.tensor(count: -1), "a storage that is none"),
    (Forged.tensor(type: "HalfStorage"), "has 16 bytes; 4 elements of type float16 are expected"),
    (Forged.tensor(type: "ComplexFloatStorage"), "asks for 'torch.ComplexFloatStorage'"),
    (Forged.tensor(type: "OrderedDict", module: "collections"), "a storage of no type"),
    (Forged.tensor(shape: .init(repeating: 1, count: 65), strides: []), "65 dimensions"),
  ]

  @Test(arguments: wrongStorages)
  func refusesWrongStorages(tensor: [UInt8], reason: String) {
    let path = folder.write(Forged.checkpoint(tensor: tensor), to: "f")
    let error = fileError { () throws(FileError) in _ = try PyTorchFile(path) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test func everyTruncationIsRefused() throws {
    let state = try Data(contentsOf: URL(filePath: Self.goldens + "state.pth"))
    for count in 0..<state.count {
      let path = folder.write(Array(state.prefix(count)), to: "f")
      let error = fileError { () throws(FileError) in _ = try PyTorchFile(path).tensors() }
      #expect(error != nil && error?.message.contains("\n") == false, "\(count)")
    }
  }

  @Test(arguments: ["state", "protocol5"])
  func noFlippedByteCrashes(name: String) throws {
    let bytes = Array(try Data(contentsOf: URL(filePath: Self.goldens + name + ".pth")))
    // What PyTorch fills gaps with is read by nobody.
    for place in bytes.indices where bytes[place] != UInt8(ascii: "Z") {
      var broken = bytes
      broken[place] ^= 1 << UInt8(place % 8)
      let path = folder.write(broken, to: "f")
      let error = fileError { () throws(FileError) in
        for (_, tensor) in try PyTorchFile(path).tensors() { _ = tensor.array(of: Double.self) }
      }
      if let error { #expect(error.kind == .malformed && !error.message.contains("\n")) }
    }
  }
}
