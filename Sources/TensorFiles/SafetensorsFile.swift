public import FileSystem
public import Torch

/// Named tensors in the safetensors format, over a mapped file.
///
/// The format is an 8-byte little-endian header length, a JSON header, and the elements of every
/// tensor row by row without gaps: https://github.com/huggingface/safetensors.
///
/// ```swift
/// let file = try SafetensorsFile("weights.safetensors")
/// let weight = try file.tensor("norm.weight")
/// ```
public struct SafetensorsFile: Sendable {
  /// What the header says of one tensor.
  public struct Entry: Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The type of its elements.
    public let dtype: DType
    /// The size of each dimension.
    public let shape: [Int]
    /// Where its bytes lie in the file.
    let range: Range<Int>
  }

  /// The file as it was named.
  public var path: String { map.path }
  /// The tensors in the order of their bytes.
  public let entries: [Entry]
  /// The free text of the header.
  public let metadata: [String: String]

  private let map: MappedFile
  private let index: [String: Int]

  /// Maps a file and checks its header; elements are read when they are used.
  ///
  /// - Throws: ``/FileSystem/FileError`` when the file is missing, is cut short, or breaks the
  ///   format.
  public init(_ path: String) throws(FileError) {
    map = try MappedFile(path)
    let header = try SafetensorsHeader(map)
    entries = header.entries
    metadata = header.metadata
    index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
  }

  /// What the header says of a tensor.
  public func entry(_ name: String) -> Entry? { index[name].map { entries[$0] } }

  /// A tensor over the mapped bytes, without a copy where their place in the file allows it.
  ///
  /// Writing to it changes neither the file nor tensors of another `SafetensorsFile`.
  ///
  /// - Throws: ``/FileSystem/FileError`` when there is none of that name.
  public func tensor(_ name: String) throws(FileError) -> Tensor {
    guard let entry = entry(name) else {
      throw .malformed(path, "holds no tensor \(name.quoted()) among its \(entries.count)")
    }
    return try map.tensor(entry.range, shape: entry.shape, dtype: entry.dtype)
  }

  /// All tensors by name.
  public func tensors() throws(FileError) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for entry in entries { tensors[entry.name] = try tensor(entry.name) }
    return tensors
  }
}

extension SafetensorsFile {
  /// Writes named tensors; the same tensors give the same bytes, those of the Python package.
  ///
  /// Tensors may lie on any device and in any order of memory. One at a time is copied where it
  /// does not lie row by row on the CPU.
  ///
  /// - Throws: ``/FileSystem/FileError`` when the disk is full or the folder cannot be written; the
  ///   file that was there before is then left as it was.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
  ) throws(FileError) {
    // The order of the Python package: the widest elements first, so that all are aligned.
    let ordered = tensors.map { (name: $0, tensor: $1, dtype: $1.dtype) }.sorted { a, b in
      let (left, right) = (a.dtype.safetensorsRank, b.dtype.safetensorsRank)
      return left != right ? left > right : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    let header = SafetensorsHeader.encoded(
      ordered.map { ($0.name, $0.dtype, $0.tensor.shape) }, metadata: metadata)
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write(header)
      for (_, tensor, _) in ordered { try file.write(tensor) }
    }
  }
}

extension AtomicFile {
  /// Adds the elements of a tensor, row by row.
  public func write(_ tensor: Tensor) throws(FileError) {
    let flat = tensor.detached().to(.cpu).contiguous()
    let result = flat.withMutableBytes { bytes in
      Result { () throws(FileError) in try write(UnsafeRawBufferPointer(bytes)) }
    }
    try result.get()
  }
}
