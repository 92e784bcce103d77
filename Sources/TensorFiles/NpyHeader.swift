import FileSystem
import Torch

/// The header of an `.npy` file: a Python dictionary with three known keys.
struct NpyHeader {
  let dtype: DType
  let shape: [Int]
  let isColumnMajor: Bool
  /// Bytes before the first element.
  let length: Int

  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) {
    let layout = try NpyLayout(bytes, path: path)
    guard let name = layout.typeName, let dtype = DType(npyName: name) else {
      throw .malformed(
        path,
        "has elements of type \(layout.typeName?.quoted() ?? "a record"), which is not supported; "
          + "those that are: " + DType.allCases.compactMap(\.npyName).joined(separator: ", "))
    }
    shape = layout.shape
    self.dtype = dtype
    isColumnMajor = layout.isColumnMajor
    length = layout.length
  }

  /// A header as NumPy writes it. Its length does not depend on the number of rows.
  static func encoded(dtype: DType, shape: [Int]) -> [UInt8] {
    let name = dtype.npyName ?? ""
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(name)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
    // NumPy leaves room for the number of rows to grow to 21 digits.
    let room = shape.first.map { 21 - String($0).count } ?? 0
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: room))
    for version in [1, 2] as [UInt8] {
      let prefix = version == 1 ? 10 : 12
      // With its line's end a multiple of 64; NumPy adds 64 where it is one already.
      let padding = 64 - (prefix + text.count + 1) % 64
      let count = text.count + padding + 1
      if version == 1, count > 65_535 { continue }
      var header = NpyLayout.magic + [version, 0]
      header += (0..<prefix - 8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
      header += text + [UInt8](repeating: UInt8(ascii: " "), count: padding)
      return header + [UInt8(ascii: "\n")]
    }
    return []
  }
}

extension DType {
  /// NumPy's name of the type; nil for bfloat16, which NumPy has not.
  fileprivate var npyName: String? {
    switch self {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .bfloat16: nil
    }
  }

  fileprivate init?(npyName name: String) {
    guard let type = DType.allCases.first(where: { $0.npyName == name }) else { return nil }
    self = type
  }
}
