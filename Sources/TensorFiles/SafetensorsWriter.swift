public import FileSystem
public import Torch

/// Writes a tensor of unknown length to a safetensors file, some rows at a time, in flat memory.
///
/// ```swift
/// let file = try SafetensorsWriter("embeddings.safetensors", name: "embeddings", row: [768])
/// for batch in batches { try file.append(embed(batch)) }  // [B, 768]
/// try file.finish()
/// ```
///
/// The file appears under its name in ``finish(adding:)``; without it nothing is left behind.
public final class SafetensorsWriter {
  /// The tensor's name.
  public let name: String
  /// The size of each dimension of one row; empty for rows of one number.
  public let row: [Int]
  /// The type of the elements.
  public let dtype: DType
  /// Rows written so far.
  public private(set) var rows = 0

  private let file: AtomicFile
  private let metadata: [String: String]
  /// Bytes that are kept free for the header, whose numbers are known at the end only.
  private let room: Int

  /// Opens a file for rows of a shape.
  ///
  /// - Parameter tensors: How many others are added at the end, with short names.
  public init(
    _ path: String, name: String, row: [Int], dtype: DType = .float32,
    metadata: [String: String] = [:], others tensors: Int = 0
  ) throws(FileError) {
    self.name = name
    self.row = row
    self.dtype = dtype
    self.metadata = metadata
    let header = SafetensorsHeader.encoded([(name, dtype, [0] + row)], metadata: metadata)
    room = header.count + 64 + 256 * tensors
    file = try AtomicFile(replacing: path)
    try file.write([UInt8](repeating: UInt8(ascii: " "), count: room))
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

  /// Adds tensors that are known now, writes the header and gives the file its name.
  public func finish(adding others: [(name: String, tensor: Tensor)] = []) throws(FileError) {
    for (_, tensor) in others { try file.write(tensor) }
    let entries = [(name, dtype, [rows] + row)] + others.map { ($0, $1.dtype, $1.shape) }
    var header = SafetensorsHeader.encoded(entries, metadata: metadata)
    precondition(header.count <= room, "the header takes \(header.count) bytes of \(room)")
    // The format allows blanks after the header's text.
    header.append(
      contentsOf: repeatElement(UInt8(ascii: " "), count: room - header.count))
    let length = UInt64(room - MemoryLayout<UInt64>.size).littleEndian
    header.replaceSubrange(0..<8, with: withUnsafeBytes(of: length, Array.init))
    try file.overwrite(header, at: 0)
    try file.commit()
  }
}
