@testable import Torch

/// Pickles and zip files put together by hand, to be wrong in one place at a time.
enum Forged {
  /// An entry of a zip file and what is to be wrong with it.
  struct Entry {
    var name: String
    var data: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var size: UInt32?
    var offset: UInt32?
    var localName: String?
  }

  /// A zip file of stored entries.
  static func zip(_ entries: [Entry], comment: [UInt8] = [], count: UInt16? = nil) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let size = entry.size ?? UInt32(entry.data.count)
      let sizes = littleEndian(size) + littleEndian(size)
      let head =
        littleEndian(entry.flags) + littleEndian(entry.method)
        + [UInt8](
          repeating: 0, count: 8)
      let name = Array(entry.name.utf8)
      let localName = Array((entry.localName ?? entry.name).utf8)
      directory += [0x50, 0x4b, 1, 2, 0, 0, 0, 0] + head + sizes
      directory += littleEndian(UInt16(name.count)) + [UInt8](repeating: 0, count: 12)
      directory += littleEndian(entry.offset ?? UInt32(file.count)) + name
      file += [0x50, 0x4b, 3, 4, 0, 0] + head + sizes
      file += littleEndian(UInt16(localName.count)) + [0, 0] + localName + entry.data
    }
    let start = UInt32(file.count)
    let number = littleEndian(count ?? UInt16(entries.count))
    file += directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + number + number
    file += littleEndian(UInt32(directory.count)) + littleEndian(start)
    return file + littleEndian(UInt16(comment.count)) + comment
  }

  /// A file of `torch.save` with the given pickle and a storage `0` of four floats.
  static func checkpoint(_ pickle: [UInt8], storage: [UInt8] = bytes([1, 2, 3, 4])) -> [UInt8] {
    zip([
      Entry(name: "archive/data.pkl", data: pickle),
      Entry(name: "archive/data/0", data: storage),
    ])
  }

  // Pieces of pickles.
  static func text(_ text: String) -> [UInt8] {
    [UInt8(ascii: "X")] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
  }
  static func int(_ value: Int) -> [UInt8] { [0x8a, 8] + littleEndian(Int64(value)) }
  static func global(_ name: String, _ module: String) -> [UInt8] {
    [UInt8(ascii: "c")] + Array("\(module)\n\(name)\n".utf8)
  }
  static func tuple(_ items: [[UInt8]]) -> [UInt8] { code("(") + items.flatMap(\.self) + code("t") }
  static func dictionary(_ pairs: [([UInt8], [UInt8])]) -> [UInt8] {
    code("}(") + pairs.flatMap { $0 + $1 } + code("u")
  }
  static func code(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// A tensor over storage `0`.
  static func tensor(
    shape: [Int] = [4], strides: [Int] = [1], offset: Int = 0, type: String = "FloatStorage",
    module: String = "torch", key: String = "0", count: Int = 4
  ) -> [UInt8] {
    let storage = tuple([
      text("storage"), global(type, module), text(key), text("cpu"), int(count),
    ])
    return global("_rebuild_tensor_v2", "torch._utils")
      + tuple([
        storage + code("Q"), int(offset), tuple(shape.map(int)), tuple(strides.map(int)), [0x89],
        global("OrderedDict", "collections") + code(")R"),
      ]) + code("R")
  }

  /// A pickle of protocol 2.
  static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + code(".") }

  /// A checkpoint whose dictionary has the tensor `w`.
  static func checkpoint(tensor: [UInt8]) -> [UInt8] {
    checkpoint(pickle(dictionary([(text("w"), tensor)])))
  }
}
