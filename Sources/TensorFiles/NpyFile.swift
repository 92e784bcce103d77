public import FileSystem
public import Torch

/// An array in NumPy's `.npy` format, over a mapped file.
///
/// Versions 1 to 3, little-endian; a column-major array is read as what it means, row by row.
public struct NpyFile: Sendable {
  /// The file as it was named.
  public var path: String { map.path }
  /// The type of the elements.
  public let dtype: DType
  /// The size of each dimension.
  public let shape: [Int]

  private let map: MappedFile
  private let range: Range<Int>
  private let isColumnMajor: Bool

  /// Maps a file and checks its header.
  ///
  /// - Throws: ``/FileSystem/FileError`` when the file is missing, is cut short, breaks the format,
  ///   or has elements of a type that is not supported.
  public init(_ path: String) throws(FileError) {
    let map = try MappedFile(path)
    let header = try map.withBytes { (bytes) throws(FileError) in
      try NpyHeader(bytes, path: path)
    }
    guard let size = byteCount(shape: header.shape, dtype: header.dtype) else {
      throw .malformed(path, "has the impossible shape \(brief(header.shape))")
    }
    let found = map.count - header.length
    guard found == size else {
      let fault = found < size ? "is cut short" : "has too many bytes"
      throw .malformed(
        path,
        "\(fault): \(found) bytes of data, where its shape \(brief(header.shape)) and type "
          + "\(header.dtype) need \(size)")
    }
    self.map = map
    dtype = header.dtype
    shape = header.shape
    isColumnMajor = header.isColumnMajor
    range = header.length..<map.count
  }

  /// The array as a tensor, without a copy where the bytes lie row by row and aligned.
  public func tensor() throws(FileError) -> Tensor {
    guard isColumnMajor, shape.count > 1 else {
      return try map.tensor(range, shape: shape, dtype: dtype)
    }
    let columns = try map.tensor(range, shape: shape.reversed(), dtype: dtype)
    return columns.permuted(shape.indices.reversed()).contiguous()
  }

  /// Writes a tensor, byte for byte as `numpy.save` does.
  ///
  /// NumPy has no bfloat16: such a tensor is written as float32, which holds the same values.
  ///
  /// - Throws: ``/FileSystem/FileError`` when the disk is full or the folder cannot be written.
  public static func write(_ tensor: Tensor, to path: String) throws(FileError) {
    let wide = tensor.dtype == .bfloat16 ? tensor.to(.float32) : tensor
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write(NpyHeader.encoded(dtype: wide.dtype, shape: wide.shape))
      try file.write(wide)
    }
  }
}

/// Writes an array of unknown length to an `.npy` file, some rows at a time, in flat memory.
///
/// ```swift
/// let file = try NpyWriter("embeddings.npy", row: [768])
/// for batch in batches { try file.append(embed(batch)) }  // [B, 768]
/// try file.finish()
/// ```
///
/// The file appears under its name in ``finish()``; without it nothing is left behind.
public final class NpyWriter {
  /// The size of each dimension of one row; empty for rows of one number.
  public let row: [Int]
  /// The type of the elements.
  public let dtype: DType
  /// Rows written so far.
  public private(set) var rows = 0

  private let file: AtomicFile

  /// Opens a file for rows of a shape.
  public init(_ path: String, row: [Int], dtype: DType = .float32) throws(FileError) {
    precondition(dtype != .bfloat16, "NumPy has no bfloat16; write float32")
    self.row = row
    self.dtype = dtype
    file = try AtomicFile(replacing: path)
    try file.write(NpyHeader.encoded(dtype: dtype, shape: [0] + row))
  }

  /// Adds rows `[R, row…]`; a tensor of another type is converted.
  ///
  /// - Precondition: The dimensions after the first are those of a row.
  public func append(_ rows: Tensor) throws(FileError) {
    let shape = rows.shape
    precondition(
      !shape.isEmpty && Array(shape.dropFirst()) == row,
      "rows of shape \(row) cannot take \(shape)")
    try file.write(rows.to(dtype))
    self.rows += shape[0]
  }

  /// Adds rows as numbers that lie one after the other.
  ///
  /// - Precondition: The values are of the file's type and fill whole rows.
  public func append<Element: TensorElement>(_ values: [Element]) throws(FileError) {
    let size = row.reduce(1, *)
    precondition(
      Element.dtype == dtype && size > 0 && values.count % size == 0,
      "\(values.count) values of \(Element.dtype) do not fill rows \(row) of \(dtype)")
    try values.withUnsafeBufferPointer { (values) throws(FileError) in
      try file.write(UnsafeRawBufferPointer(values))
    }
    rows += values.count / size
  }

  /// Writes the number of rows and gives the file its name.
  public func finish() throws(FileError) {
    try file.overwrite(NpyHeader.encoded(dtype: dtype, shape: [rows] + row), at: 0)
    try file.commit()
  }
}
