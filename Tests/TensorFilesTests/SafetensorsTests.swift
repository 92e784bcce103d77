@testable import FileSystem
@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite struct SafetensorsTests {
  let folder = TemporaryFolder()

  /// One tensor of every type, a scalar, an empty one, and a name that JSON must escape.
  static var everyType: [String: Tensor] {
    [
      "b": Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]),
      "a": Tensor([1, 2, 3] as [Int64]),
      "half": Tensor([1.5] as [Float]).to(.float16),
      "bf": Tensor([1.5, -2] as [Float]).to(.bfloat16),
      "d": Tensor(2.5),
      "i32": Tensor([7] as [Int32]),
      "i16": Tensor([-7] as [Int16]),
      "i8": Tensor([-1] as [Int8]),
      "u8": Tensor([255] as [UInt8]),
      "bool": Tensor([true, false]),
      "empty": Tensor.zeros([0, 3]),
      "nä\"\\\n": Tensor([9] as [Float]),
    ]
  }

  /// What the Python package `safetensors` 0.8.0 writes for `everyType` and `{"format": "pt"}`.
  static let fromPython: [UInt8] = safetensors(
    #"{"__metadata__":{"format":"pt"},"a":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"#
      + #""d":{"dtype":"F64","shape":[],"data_offsets":[24,32]},"#
      + #""b":{"dtype":"F32","shape":[2,2],"data_offsets":[32,48]},"#
      + #""empty":{"dtype":"F32","shape":[0,3],"data_offsets":[48,48]},"#
      + #""nä\"\\\n":{"dtype":"F32","shape":[1],"data_offsets":[48,52]},"#
      + #""i32":{"dtype":"I32","shape":[1],"data_offsets":[52,56]},"#
      + #""bf":{"dtype":"BF16","shape":[2],"data_offsets":[56,60]},"#
      + #""half":{"dtype":"F16","shape":[1],"data_offsets":[60,62]},"#
      + #""i16":{"dtype":"I16","shape":[1],"data_offsets":[62,64]},"#
      + #""i8":{"dtype":"I8","shape":[1],"data_offsets":[64,65]},"#
      + #""u8":{"dtype":"U8","shape":[1],"data_offsets":[65,66]},"#
      + #""bool":{"dtype":"BOOL","shape":[2],"data_offsets":[66,68]}} "#,
    data: littleEndian(Int64(1)) + littleEndian(Int64(2)) + littleEndian(Int64(3))
      + littleEndian(2.5.bitPattern) + bytes([1, 2, 3, 4, 9])
      + [7, 0, 0, 0, 0xc0, 0x3f, 0x00, 0xc0, 0x00, 0x3e, 0xf9, 0xff, 0xff, 0xff, 1, 0])

  @Test func `writes the bytes of the python package`() throws {
    try SafetensorsFile.write(Self.everyType, metadata: ["format": "pt"], to: folder["w"])
    #expect(folder.bytes("w") == Self.fromPython)
    #expect(folder.names == ["w"])
  }

  @Test func `reads every type`() throws {
    let file = try SafetensorsFile(folder.write(Self.fromPython, to: "w"))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.entries.map(\.name).prefix(3) == ["a", "d", "b"])
    let tensors = try file.tensors()
    #expect(tensors.count == Self.everyType.count)
    for (name, expected) in Self.everyType {
      let found = try #require(tensors[name])
      #expect(found.shape == expected.shape && found.dtype == expected.dtype)
      #expect(found.array(of: Double.self) == expected.array(of: Double.self), "\(name)")
    }
    #expect(fileError { () throws(FileError) in _ = try file.tensor("x") }?.kind == .malformed)
  }

  @Test func `writes any order of memory`() throws {
    let rows = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])
    let views = [
      "transposed": rows.transposed(0, 2), "narrowed": rows.narrowed(1, to: 1..<3),
      "expanded": rows.selected(0, along: 0).unsqueezed(0).expanded([5, 3, 4]),
    ]
    try SafetensorsFile.write(views, to: folder["w"])
    let read = try SafetensorsFile(folder["w"]).tensors()
    for (name, view) in views {
      #expect(read[name]?.shape == view.shape)
      #expect(read[name]?.floats() == view.floats())
    }
  }

  @Test func `tied tensors are written whole under each of their names`() throws {
    let shared = Tensor([1, -2, 0.5] as [Float]).to(.float16)
    try SafetensorsFile.write(
      ["a": shared, "b": shared, "c": shared.narrowed(0, to: 1..<3)], to: folder["tied"])
    let read = try SafetensorsFile(folder["tied"]).tensors()
    #expect(read["a"]?.floats() == [1, -2, 0.5] && read["b"]?.floats() == [1, -2, 0.5])
    #expect(read["c"]?.floats() == [-2, 0.5] && read["c"]?.dtype == .float16)
    read["a"]?.fill(7)
    #expect(read["b"]?.floats() == [1, -2, 0.5])
  }

  @Test func `tensors outlive the file and keep their writes to themselves`() throws {
    var tensor = Tensor()
    do {
      let path = folder.write(Self.fromPython, to: "w")
      tensor = try SafetensorsFile(path).tensor("b")
      tensor.add(Tensor([1] as [Float]))
      #expect(try SafetensorsFile(path).tensor("b").floats() == [1, 2, 3, 4])
      // The same name written anew is another file: the mapping stays whole.
      try SafetensorsFile.write(["b": Tensor([0] as [Float])], to: path)
    }
    #expect(tensor.floats() == [2, 3, 4, 5])
  }

  @Test func `copies where elements are not aligned`() throws {
    let header =
      #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]},"#
      + #""o":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let data = [7] + bytes([1.5, -2])
    let file = try SafetensorsFile(folder.write(safetensors(header, data: data), to: "w"))
    let x = try file.tensor("x")
    #expect(x.floats() == [1.5, -2])
    #expect(x.withMutableBytes { Int(bitPattern: $0.baseAddress) % 4 } == 0)
    #expect(try file.tensor("o").array(of: UInt8.self) == [7])
  }

  static let malformed: [([UInt8], String)] = [
    ([], "has 0 bytes; a safetensors file has at least 8"),
    ([1, 0, 0], "has 3 bytes; a safetensors file has at least 8"),
    (Array("not a file of tensors".utf8), "its first 8 bytes are no header length"),
    (littleEndian(UInt64.max) + [0x7b], "its first 8 bytes are no header length"),
    (littleEndian(UInt64(100)) + [0x7b], "is cut short: 9 bytes, where the header alone needs 108"),
    (safetensors(""), "does not begin with '{'"),
    (safetensors(" {}"), "does not begin with '{'"),
    (safetensors("{"), "it is not valid JSON"),
    (safetensors("{} x"), "it is not valid JSON"),
    (safetensors("{\"x\":1}"), "'x' is not a"),
    (safetensors("{\"x\":{}}"), "'x' → 'dtype' is missing"),
    (safetensors("{\"__metadata__\":{\"a\":1}}"), "'__metadata__' → 'a' is not a String"),
    (safetensors(String(repeating: "{\"a\":", count: 100_000)), "it is not valid JSON"),
    (safetensors("{}", data: [0]), "has 1 bytes after its last tensor"),
    (one("F8_E4M3", "[1]", "[0,1]", 1), "'x' has the type 'F8_E4M3', which is not supported"),
    (one("F32", "[-1]", "[0,4]", 4), "impossible shape [-1]"),
    (one("F32", "[4611686018427387904,4]", "[0,0]", 0), "impossible shape"),
    (one("F32", "[0,4611686018427387904,4]", "[0,0]", 0), "impossible shape"),
    (one("F32", "[99999999999999999999]", "[0,4]", 4), "a number in it is too large"),
    (one("F32", "[\(String(repeating: "1,", count: 64))1]", "[0,4]", 4), "impossible shape"),
    (one("F32", "[1]", "[0]", 4), "impossible offsets [0]"),
    (one("F32", "[1]", "[-4,0]", 4), "impossible offsets [-4, 0]"),
    (one("F32", "[1]", "[4,0]", 4), "impossible offsets [4, 0]"),
    (one("F32", "[2]", "[0,8]", 4), "is cut short: tensor 'x' ends at byte 8"),
    (one("F32", "[2]", "[0,4]", 4), "has 4 bytes; its shape [2] and type F32 need 8"),
    (one("F32", "[1]", "[0,8]", 8), "has 8 bytes; its shape [1] and type F32 need 4"),
    (one("F32", "[1]", "[4,8]", 8), "tensor 'x' follows a gap"),
    (two("[0,4]", "[2,6]", 6), "tensor 'y' overlaps the one before it"),
    (two("[0,4]", "[6,10]", 10), "tensor 'y' follows a gap"),
    (
      safetensors(
        #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"#
          + #""\u0078":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#),
      "names a tensor twice"
    ),
  ]

  @Test(arguments: malformed)
  func `refuses with one line`(bytes: [UInt8], reason: String) throws {
    let path = folder.write(bytes, to: "w")
    let error = try #require(fileError { () throws(FileError) in _ = try SafetensorsFile(path) })
    #expect(error.kind == .malformed)
    #expect(error.message.contains(reason), "\(error.message)")
    #expect(!error.message.contains("\n") && error.message.count < 250)
  }

  static func one(_ dtype: String, _ shape: String, _ offsets: String, _ size: Int) -> [UInt8] {
    safetensors(
      "{\"x\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}",
      data: [UInt8](repeating: 0, count: size))
  }

  static func two(_ x: String, _ y: String, _ size: Int) -> [UInt8] {
    safetensors(
      "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(x)},"
        + "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(y)}}",
      data: [UInt8](repeating: 0, count: size))
  }

  @Test func `refuses truth values other than zero and one`() throws {
    let file = try SafetensorsFile(folder.write(Self.one("BOOL", "[1]", "[0,1]", 1), to: "w"))
    #expect(try file.tensor("x").array(of: Bool.self) == [false])
    var bytes = Self.one("BOOL", "[1]", "[0,1]", 1)
    bytes[bytes.count - 1] = 2
    let odd = try SafetensorsFile(folder.write(bytes, to: "odd"))
    #expect(fileError { () throws(FileError) in _ = try odd.tensor("x") }?.kind == .malformed)
  }

  @Test func `missing files folders and pipes`() throws {
    for (name, reason) in [
      ("none", "cannot be opened: no such file or directory"), ("", "is a folder, not a file"),
      ("pipe", "is a device or a pipe, not a file"),
    ] {
      if name == "pipe" { #expect(mkfifo(folder[name], 0o600) == 0) }
      let error = fileError { () throws(FileError) in _ = try SafetensorsFile(folder[name]) }
      #expect(error?.kind == .unreadable && error?.message == reason, "\(name)")
    }
  }

  @Test func `every truncation is refused`() throws {
    let bytes = Self.fromPython
    for count in 0..<bytes.count {
      let path = folder.write(Array(bytes.prefix(count)), to: "w")
      #expect(
        fileError { () throws(FileError) in _ = try SafetensorsFile(path) } != nil, "\(count)")
    }
  }

  @Test func `no flipped byte crashes`() throws {
    let bytes = Self.fromPython
    for place in bytes.indices {
      for flip in [1, 0x20, 0x80, 0xff] as [UInt8] {
        var broken = bytes
        broken[place] ^= flip
        let path = folder.write(broken, to: "w")
        let error = fileError { () throws(FileError) in
          for (_, tensor) in try SafetensorsFile(path).tensors() { _ = tensor.floats() }
        }
        if let error { #expect(error.kind == .malformed && !error.message.contains("\n")) }
      }
    }
  }
}
