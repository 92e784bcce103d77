import FileSystem
import Imaging

/// Writes one shard: images and their classes as WebDataset samples in a tar archive.
struct ShardWriter {
  private let output: PartFile
  private var entries: [ShardIndex.Entry] = []
  private var sums: [UInt32] = []

  init(_ path: String) throws(FileError) { output = try PartFile(path) }

  /// Bytes written so far.
  var size: Int { output.size }
  /// Images written so far.
  var count: Int { entries.count }

  /// Appends an image as `key.ending`, and its class as `key.cls`.
  mutating func append(
    _ bytes: [UInt8], key: String, ending: String, label: Int?
  ) throws(FileError) {
    let name = key + "." + ending
    entries.append(
      ShardIndex.Entry(
        offset: size + TarHeader.blockBytes, size: bytes.count, label: Int32(label ?? -1),
        packing: .none, name: name))
    sums.append(checksum(bytes))
    try put(bytes, name: name)
    if let label { try put(Array(String(label).utf8), name: key + ".cls") }
  }

  private func put(_ bytes: [UInt8], name: String) throws(FileError) {
    try output.append(TarHeader.bytes(name: name, size: bytes.count))
    try output.append(bytes)
    let rest = bytes.count % TarHeader.blockBytes
    if rest > 0 {
      try output.append([UInt8](repeating: 0, count: TarHeader.blockBytes - rest))
    }
  }

  /// Ends the archive, reads it back and compares every image, writes the index beside it, and
  /// gives the archive its name last: an archive that is there is whole.
  func finish(as path: String, classes: [String]?) throws(FileError) {
    try output.append([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
    let written = try ReadableFile(output.path)
    let found = try ShardScan(FileStream(written)).entries
    guard found.map(\.name) == entries.map(\.name), found.map(\.offset) == entries.map(\.offset)
    else { throw differs }
    for (entry, sum) in zip(entries, sums)
    where try checksum(written.bytes(entry.size, at: entry.offset)) != sum { throw differs }
    let index = ShardIndex(
      entries, archiveSize: written.size,
      fingerprint: try ShardIndex.fingerprint(
        of: written, lastImage: entries.last?.offset ?? 0),
      classes: classes)
    try replaceFile(at: path + ShardIndex.suffix, with: index.bytes)
    try output.finish(as: path)
  }

  /// Removes what has been written.
  func discard() { output.discard() }

  private var differs: FileError {
    FileError(
      .malformed, of: output.path, "reads back other than it was written; check the disk")
  }
}
