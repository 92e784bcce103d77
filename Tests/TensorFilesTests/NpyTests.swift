@testable import FileSystem
@testable import TensorFiles
import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite struct NpyTests {
  let folder = TemporaryFolder()

  /// A file of version 1 as NumPy pads it.
  static func npy(_ header: String, data: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
    let prefix = version == 1 ? 10 : 12
    let padding = 64 - (prefix + header.utf8.count + 1) % 64
    let count = header.utf8.count + padding + 1
    let length = version == 1 ? littleEndian(UInt16(count)) : littleEndian(UInt32(count))
    let text = header + String(repeating: " ", count: padding) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8) + data
  }

  /// What `numpy.save` of NumPy 2.4 writes, whose header has room for the number of rows.
  static let fromNumPy: [(name: String, bytes: [UInt8], tensor: @Sendable () -> Tensor)] = [
    (
      "float32 [2, 3]",
      npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" + room(1),
        data: bytes([0, 1, 2, 3, 4, 5])), { Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3]) }
    ),
    (
      "float64 []",
      npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
        data: littleEndian(2.5.bitPattern)),
      { Tensor(2.5) }
    ),
    (
      "bool [2]",
      npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }" + room(1), data: [1, 0]),
      { Tensor([true, false]) }
    ),
    (
      "float16 [0, 3]",
      npy("{'descr': '<f2', 'fortran_order': False, 'shape': (0, 3), }" + room(1)),
      { Tensor.zeros([0, 3], dtype: .float16) }
    ),
  ]

  /// Where a header ends on a multiple of 64 by itself, NumPy adds 64 bytes.
  @Test func padsAsNumPyDoes() throws {
    for (last, length) in [(1, 128), (10, 128), (100, 192)] {
      let shape = [0] + [Int](repeating: 1, count: 12) + [last]
      try NpyFile.write(Tensor.zeros(shape), to: folder["a"])
      #expect(folder.bytes("a").count == length, "\(shape)")
    }
  }

  static func room(_ digits: Int) -> String { String(repeating: " ", count: 21 - digits) }

  @Test func writesTheBytesOfNumPyAndReadsThem() throws {
    for (name, bytes, tensor) in Self.fromNumPy {
      try NpyFile.write(tensor(), to: folder["a"])
      #expect(folder.bytes("a") == bytes, "\(name)")
      let file = try NpyFile(folder["a"])
      #expect(file.shape == tensor().shape && file.dtype == tensor().dtype, "\(name)")
      #expect(try file.tensor().array(of: Double.self) == tensor().array(of: Double.self))
    }
  }

  @Test(arguments: DType.allCases)
  func roundTrips(dtype: DType) throws {
    let tensor = Tensor([0, 1, 0, 1, 1, 0] as [Float], shape: [3, 2]).to(dtype).transposed(0, 1)
    try NpyFile.write(tensor, to: folder["a"])
    let read = try NpyFile(folder["a"]).tensor()
    #expect(read.shape == [2, 3] && read.dtype == (dtype == .bfloat16 ? .float32 : dtype))
    #expect(read.array(of: Double.self) == [0, 0, 1, 1, 1, 0])
  }

  @Test func readsColumnsAndOtherVersions() throws {
    let columns = Self.npy(
      "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }",
      data: [0, 3, 1, 4, 2, 5].flatMap { littleEndian(Int16($0)) })
    let read = try NpyFile(folder.write(columns, to: "f")).tensor()
    #expect(read.shape == [2, 3] && read.array(of: Int16.self) == [0, 1, 2, 3, 4, 5])
    for version in [2, 3] as [UInt8] {
      let bytes = Self.npy(
        "{\"shape\":(2L,),'fortran_order':False,'descr':'|u1'}", data: [7, 8], version: version)
      #expect(try NpyFile(folder.write(bytes, to: "v")).tensor().array(of: UInt8.self) == [7, 8])
    }
  }

  @Test func writesRowsAsTheyCome() throws {
    let all = Tensor((0..<36).map(Float.init), shape: [6, 2, 3])
    let writer = try NpyWriter(folder["rows"], row: [2, 3])
    try writer.append(all.narrowed(0, to: 0..<1))
    try writer.append(all.narrowed(0, to: 1..<1))
    try writer.append(all.narrowed(0, to: 1..<4).to(.float64))
    try writer.append((24..<36).map(Float.init))
    #expect(writer.rows == 6 && !folder.names.contains("rows"))
    try writer.finish()
    try NpyFile.write(all, to: folder["whole"])
    #expect(folder.bytes("rows") == folder.bytes("whole"))
    #expect(folder.names == ["rows", "whole"])
  }

  @Test func leavesNothingWithoutAnEnd() throws {
    do {
      let writer = try NpyWriter(folder["rows"], row: [])
      try writer.append([1, 2, 3] as [Float])
    }
    #expect(folder.names == [])
  }

  static let refused: [([UInt8], String)] = [
    ([], "does not begin with the mark"),
    (Array("PK".utf8), "does not begin with the mark"),
    ([0x93] + Array("NUMPY\u{1}\0".utf8), "it has no header"),
    ([0x93] + Array("NUMPY\u{1}\0\u{ff}".utf8) + [0, 0, 0, 0], "its header has no end"),
    (npy("{}", version: 4), "is of version 4"),
    (npy(""), "is not understood"),
    (npy("{'descr': '<f4'}"), "is not understood"),
    (npy("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}"), "is not understood"),
    (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "is not understood"),
    (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}"), "is not understood"),
    (npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x"), "is not understood"),
    (
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
      "is not understood"
    ),
    (
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
      "impossible shape"
    ),
    (
      npy("{'descr': '>f4', 'fortran_order': False, 'shape': ()}", data: [0, 0, 0, 0]),
      "type '>f4', which is not supported; those that are: |u1, |i1, <i2"
    ),
    (npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}"), "type '|O'"),
    (npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}"), "type a record"),
    (
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data: [0, 0, 0, 0]),
      "is cut short: 4 bytes of data, where its shape [2] and type float32 need 8"
    ),
    (
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", data: [0, 0]),
      "has too many bytes: 2 bytes of data"
    ),
  ]

  @Test(arguments: refused)
  func refusesWithOneLine(bytes: [UInt8], reason: String) {
    let path = folder.write(bytes, to: "a")
    let error = fileError { () throws(FileError) in _ = try NpyFile(path) }
    #expect(error?.kind == .malformed)
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "none")")
    #expect(error?.message.contains("\n") == false)
  }

  @Test func noTruncationOrFlippedByteCrashes() {
    let bytes = Self.fromNumPy[0].bytes
    for count in 0..<bytes.count {
      let path = folder.write(Array(bytes.prefix(count)), to: "a")
      #expect(fileError { () throws(FileError) in _ = try NpyFile(path) } != nil, "\(count)")
    }
    for place in bytes.indices {
      for flip in [1, 0x10, 0x80, 0xff] as [UInt8] {
        var broken = bytes
        broken[place] ^= flip
        let path = folder.write(broken, to: "a")
        let error = fileError { () throws(FileError) in _ = try NpyFile(path).tensor().floats() }
        if let error { #expect(error.kind == .malformed) }
      }
    }
  }
}
