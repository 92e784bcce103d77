import FileSystem
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is kept of remote shards: a folder that many programs use at once, without a server of its
/// own.
///
/// For each shard up to five files begin with the same name: the shard, `….index` (where its images
/// lie), `….facts` (its size and version), `….part` (what has come of it so far) and `….lock`,
/// which the one who writes the others holds. Files get their name when they are whole.
struct RemoteCache: Sendable {
  let folder: String
  /// Most bytes of shards.
  let limit: Int
  private let stores: ObjectStores

  /// The files of one shard.
  struct Entry: Hashable, Sendable {
    /// The shard as a whole.
    var shard: String
    /// The indexes of all shards of a set, where this is its address.
    var set: String { shard + ShardSetIndex.suffix }
    var index: String { shard + ShardIndex.suffix }
    var facts: String { shard + ".facts" }
    var part: String { shard + ".part" }
    var lock: String { shard + ".lock" }
  }

  init(_ settings: RemoteShardSettings) throws(FileError) {
    folder = settings.cacheFolder
    limit = settings.cacheBytes
    stores = settings.stores
    try makeFolder(folder)
  }

  /// The files for an address; a name and password in it do not matter, nor does a signature.
  func entry(_ address: String) -> Entry {
    let url = Self.unsigned(RemoteTarget(address, stores).url)
    var plain = url
    if let slashes = url.firstRange(of: "://") {
      let host = url[slashes.upperBound...].prefix { $0 != "/" }
      if let at = host.lastIndex(of: "@") {
        plain = String(url[..<slashes.upperBound] + url[url.index(after: at)...])
      }
    }
    let name = lastComponent(HTTPClient.shown(url)).utf8.suffix(60).map { byte in
      let letter = Character(Unicode.Scalar(byte))
      return byte < 128 && (letter.isLetter || letter.isNumber || letter == ".") ? letter : "-"
    }
    return Entry(shard: "\(folder)/\(ContentHash(Array(plain.utf8)).text)-\(String(name))")
  }

  /// An address without the parameters of a signature, which are others each time it is signed.
  static func unsigned(_ url: String) -> String {
    guard let mark = url.firstIndex(of: "?") else { return url }
    let end = url[mark...].firstIndex(of: "#") ?? url.endIndex
    let query = url[url.index(after: mark)..<end].split(
      separator: "&", omittingEmptySubsequences: false)
    let names = query.map { $0.prefix { $0 != "=" }.lowercased() }
    let isAzure = names.contains("sig")
    let kept = zip(query, names).filter { _, name in
      !(name.hasPrefix("x-amz-") || name.hasPrefix("x-goog-") || signing.contains(name)
        || isAzure && azureSigning.contains(name))
    }.map(\.0)
    if kept.count == query.count { return url }
    return url[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&")) + url[end...]
  }

  /// Parameters of signatures of S3 (version 2), CloudFront and Google.
  private static let signing: Set<String> = [
    "awsaccesskeyid", "googleaccessid", "signature", "expires", "policy", "key-pair-id",
  ]
  private static let azureSigning: Set<String> = [
    "sv", "ss", "srt", "sp", "st", "se", "spr", "sig", "sr", "sip", "skoid", "sktid", "skt", "ske",
    "sks", "skv",
  ]

  /// Says that a shard has been used.
  func touch(_ entry: Entry) { _ = entry.shard.withSystemPath { utimes($0, nil) } }

  /// Makes room for a shard that is about to come, by removing those that were not used for
  /// longest.
  ///
  /// - Returns: whether there is room, under the limit and on the disk.
  func makeRoom(_ bytes: Int, for entry: Entry) throws(FileError) -> Bool {
    guard bytes <= limit else { return false }
    guard let lock = try FileLock(folder + "/lock", waitingWhile: { true }) else { return false }
    defer { lock.release() }
    var kept = try files().filter { $0.entry != entry }.sorted { $0.used < $1.used }
    var total = kept.reduce(0) { $0 + $1.bytes }
    let here = fileSize(entry.part) ?? 0
    while total > limit - bytes || !isFree(bytes - here) {
      guard !kept.isEmpty else { return false }
      let oldest = kept.removeFirst()
      // A shard that is being fetched stays; processes that have a removed one open can still read
      // it.
      guard let lock = try FileLock(oldest.entry.lock) else { continue }
      removeFile(oldest.isPart ? oldest.entry.part : oldest.entry.shard)
      lock.release()
      total -= oldest.bytes
    }
    return true
  }

  private struct Kept {
    var entry: Entry
    var isPart: Bool
    var bytes: Int
    var used: Int
  }

  /// Shards and parts of shards; a part counts as the whole that it will be.
  private func files() throws(FileError) -> [Kept] {
    let all: [String]
    do throws(DatasetError) {
      all = try names(in: folder)
    } catch {
      throw FileError(.unreadable, of: folder, error.reason)
    }
    let others = [ShardIndex.suffix, ShardSetIndex.suffix, ".facts", ".lock"]
    return all.compactMap { name in
      guard name != "lock", !others.contains(where: name.hasSuffix) else { return nil }
      let path = folder + "/" + name
      let isPart = name.hasSuffix(".part")
      let entry = Entry(shard: isPart ? String(path.dropLast(5)) : path)
      guard let status = fileStatus(path), status.isOf(S_IFREG) else { return nil }
      let bytes = isPart ? RemoteFacts(entry.facts)?.size : nil
      return Kept(
        entry: entry, isPart: isPart, bytes: max(bytes ?? 0, Int(status.st_size)),
        used: modified(status))
    }
  }

  /// Whether the disk has room for so many bytes, and some to spare.
  private func isFree(_ bytes: Int) -> Bool {
    var status = statvfs()
    guard folder.withSystemPath({ statvfs($0, &status) }) == 0 else { return true }
    let (free, overflow) = Int(status.f_bavail).multipliedReportingOverflow(
      by: Int(status.f_frsize))
    return overflow || free >= bytes + 256 << 20
  }
}

/// What is known of a remote shard before any image of it is read.
struct RemoteFacts: Hashable, Sendable {
  var size: Int
  /// What tells its version.
  var validator: String?
  /// Whether its server sends parts of it.
  var hasRanges: Bool
  /// How it is packed as a whole.
  var packing: Packing

  init(size: Int, validator: String?, hasRanges: Bool, packing: Packing) {
    self.size = size
    self.validator = validator
    self.hasRanges = hasRanges
    self.packing = packing
  }

  private static let title = "swift-mae remote shard 1"

  /// Reads what was written; nil where it is not there or not whole.
  init?(_ path: String) {
    guard let bytes = try? wholeFile(path, limit: 1 << 12) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 5, lines[0] == Self.title, let size = Int(lines[1]), size >= 0,
      let packing = UInt8(lines[3]).flatMap(Packing.init(rawValue:))
    else { return nil }
    self.init(
      size: size, validator: lines[4].isEmpty ? nil : String(lines[4]),
      hasRanges: lines[2] == "parts",
      packing: packing)
  }

  func write(to path: String) throws(FileError) {
    let lines = [
      Self.title, String(size), hasRanges ? "parts" : "whole", String(packing.rawValue),
      validator ?? "", "",
    ]
    try replaceFile(at: path, with: Array(lines.joined(separator: "\n").utf8))
  }
}

/// When a file was last changed, in nanoseconds.
private func modified(_ status: stat) -> Int {
  #if canImport(Darwin)
    status.st_mtimespec.tv_sec * 1_000_000_000 + status.st_mtimespec.tv_nsec
  #else
    status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  #endif
}
