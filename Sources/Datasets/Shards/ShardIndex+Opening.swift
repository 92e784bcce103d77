import FileSystem
import Imaging

extension ShardIndex {
  /// What is added to a shard's name to name its index.
  static let suffix = ".index"

  /// The index of an archive that is not packed: the file beside it where that fits, else from
  /// reading the archive's headers.
  static func of(_ file: ReadableFile) throws(FileError) -> ShardIndex {
    if let index = try? ShardIndex(path: file.path + suffix), index.isOf(file) { return index }
    return try ShardIndex(scanning: file)
  }

  /// Whether an archive has the index's size and fingerprint.
  func isOf(_ archive: some ByteSource) -> Bool {
    archiveSize == archive.size
      && (try? Self.fingerprint(of: archive, lastImage: lastOffset)) == fingerprint
  }

  /// Reads an archive's headers.
  init(scanning file: ReadableFile) throws(FileError) {
    try self.init(scanning: file, FileStream(file))
  }

  /// Reads an archive's headers from a stream of its bytes.
  init(scanning archive: some ByteSource, _ stream: any ByteStream) throws(FileError) {
    do throws(FileError) {
      let scan = try ShardScan(stream)
      let (entries, classes) = numbered(scan)
      try self.init(
        entries, archiveSize: archive.size,
        fingerprint: Self.fingerprint(of: archive, lastImage: entries.last?.offset ?? 0),
        classes: classes)
      notes = scan.notes
      if let image = scan.entries.indices.first(where: { scan.labels[$0].isBelowNone }) {
        notes.append(
          "\(scan.entries[image].name.shownPath) has a class below 0, which is none, as others may")
      }
      if count == 0, let name = scan.oddName {
        let file = lastComponent(name)
        let stop = file.utf8.firstIndex(of: UInt8(ascii: ".")) ?? file.endIndex
        let (key, ending) = (file[..<stop], file[stop...])
        let last = fileExtension(file)
        let better =
          key + ending.dropLast(last.count + 1).map { $0 == "." ? "_" : String($0) }.joined()
        throw FileError(
          .malformed,
          "holds no images: in a shard a file's name ends at its first full stop, so \(file) is the file "
            + "\(ending) of a sample called \(key); call it \(better).\(last), or pack the images "
            + "with mae data pack")
      }
      if count == 0, let other = scan.others.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
        throw FileError(
          .malformed,
          "holds no images; most of its files are .\(other.key) (\(other.value) of them)")
      }
    } catch {
      throw error.named(archive.path)
    }
  }

  /// Tells archives apart that have the same size: a checksum of the first bytes and of the header
  /// of the last image.
  static func fingerprint(of file: some ByteSource, lastImage: Int) throws(FileError) -> UInt32 {
    var bytes = try file.bytes(min(4096, file.size), at: 0)
    let header = max(0, lastImage - TarHeader.blockBytes)
    bytes += try file.bytes(min(TarHeader.blockBytes, file.size - header), at: header)
    return checksum(bytes)
  }

  private var lastOffset: Int { count == 0 ? 0 : place(count - 1).offset }
}

/// The entries with their classes' numbers, and the classes' names where they are words.
private func numbered(
  _ scan: ShardScan
) -> (entries: [ShardIndex.Entry], classes: [String]?) {
  var entries = scan.entries
  var words: Set<String> = []
  var hasNumbers = false
  for (i, label) in scan.labels.enumerated() {
    switch label {
    case .word(let word)?: words.insert(word)
    case .number(let number)?:
      // Below 0 is no class; who needs one says that it is missing.
      entries[i].label = max(number, -1)
      if number >= 0 { hasNumbers = true }
    case nil: break
    }
  }
  if words.isEmpty { return (entries, nil) }
  // Where some are words, numbers are words too.
  func word(_ label: ShardScan.Label?) -> String? {
    switch label {
    case .word(let word)?: word
    case .number(let number)? where number >= 0: String(number)
    default: nil
    }
  }
  if hasNumbers { words.formUnion(scan.labels.compactMap(word)) }
  let classes = words.sorted()
  let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
  for (i, label) in scan.labels.enumerated() {
    entries[i].label = word(label).flatMap { numbers[$0] } ?? -1
  }
  return (entries, classes)
}

extension ShardScan.Label? {
  /// Whether it is a number below −1, the one that says that there is no class.
  fileprivate var isBelowNone: Bool {
    if case .number(let number)? = self { return number < -1 }
    return false
  }
}
