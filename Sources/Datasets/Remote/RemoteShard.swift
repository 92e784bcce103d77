import FileSystem
import Imaging
import Synchronization

/// A shard on a server, of which parts are read until the whole of it is on this machine.
final class RemoteShard: ByteSource {
  private let address: RemoteAddress
  /// Number of bytes: what the server says, or the index of the whole set.
  let size: Int
  private let client: HTTPClient
  private let cache: RemoteCache
  private let entry: RemoteCache.Entry
  private let state: Mutex<State>

  private struct State {
    /// What the server says of it; asked for when it is needed.
    var facts: RemoteFacts?
    /// Whether the whole shard was here when last looked for.
    var isKept: Bool
    /// Whether it is to be fetched as a whole; decided for the whole set.
    var mayBeKept = false
    /// The index that a whole shard must have, once it is known.
    var index: ShardIndex?
    /// Images that were read one by one.
    var reads = 0
    /// Bytes of it that are in the part's file, while it is fetched.
    var fetched = 0
    /// Why nothing more can be read.
    var failure: FileError?
  }

  /// Looks up or asks for what must be known of a shard.
  ///
  /// - Parameter index: where its images lie, by the index of the whole set; the server is then not
  ///   asked before something of the shard is read.
  init(
    _ address: RemoteAddress, client: HTTPClient, cache: RemoteCache, index: ShardIndex? = nil
  ) throws(FileError) {
    self.address = address
    self.client = client
    self.cache = cache
    entry = cache.entry(address.key)
    var facts = RemoteFacts(entry.facts)
    if facts == nil, index == nil { facts = try Self.ask(address, client, entry) }
    size = facts?.size ?? index?.archiveSize ?? 0
    let fits = index?.archiveSize == size
    state = Mutex(
      State(
        facts: facts, isKept: fileSize(entry.shard) == size, index: fits ? index : nil))
  }

  convenience init(_ url: String, client: HTTPClient, cache: RemoteCache) throws(FileError) {
    try self.init(RemoteAddress(url), client: client, cache: cache)
  }

  /// What it is called in messages.
  var path: String { HTTPClient.shown(address.url) }

  /// What the server says of the shard.
  ///
  /// - Throws: `FileError` of kind `malformed` where it is another one than the set's index is of.
  private func facts() throws(FileError) -> RemoteFacts {
    if let known = state.withLock({ $0.facts }) { return known }
    let facts = try Self.ask(address, client, entry)
    guard facts.size == size else {
      removeFile(entry.facts)
      throw FileError(
        .malformed, of: path,
        "has \(facts.size) bytes, and the index of its set (\(ShardSetIndex.suffix)) says \(size); pack "
          + "the set again, or remove that index and what \(cache.folder) keeps of it")
    }
    state.withLock { $0.facts = facts }
    return facts
  }

  /// Bytes that are read to learn of a shard; also those that its fingerprint is of.
  private static let head = 4096

  /// Asks for the beginning, which tells the size, the version and whether parts are sent.
  private static func ask(
    _ address: RemoteAddress, _ client: HTTPClient, _ entry: RemoteCache.Entry
  ) throws(FileError) -> RemoteFacts {
    guard let lock = try FileLock(entry.lock, waitingWhile: { true }) else {
      throw FileError(.unreadable, of: entry.lock, "cannot be locked")
    }
    defer { lock.release() }
    if let facts = RemoteFacts(entry.facts) { return facts }
    let facts = try client.attempting(address) { url throws(HTTPFailure) -> RemoteFacts in
      let start = Gathered(limit: head)
      let request = HTTPRequest(
        url: url, range: "0-\(head - 1)", seconds: client.settings.requestSeconds)
      let answer: HTTPHead
      do throws(HTTPFailure) {
        // Of a server that sends the whole, the beginning is enough.
        answer = try client.get(request) { head, bytes in
          start.add(.init(rebasing: bytes.prefix(Self.head - start.bytes.count)))
            && (head.status == 206 || start.bytes.count < Self.head)
        }
      } catch {
        // An empty file has no parts.
        guard error.status == 416 else { throw error }
        throw HTTPFailure(reason: "is empty; expected a tar archive", isTransient: false)
      }
      guard let total = answer.total, total <= RemoteShardSettings.largestShard else {
        let most = RemoteShardSettings.largestShard
        throw HTTPFailure(
          reason: answer.total == nil
            ? "does not say its size; a server of files does"
            : "has more than \(most) bytes; make shards of a few gigabytes",
          isTransient: false)
      }
      guard start.bytes.count == min(total, Self.head) else {
        throw HTTPFailure(reason: "the transfer was cut", isTransient: true)
      }
      return RemoteFacts(
        size: total, validator: answer.validator, hasRanges: answer.status == 206,
        packing: Packing(recognizing: start.bytes))
    }
    try facts.write(to: entry.facts)
    return facts
  }
}

// MARK: reading

extension RemoteShard {
  /// The whole shard's file; nil where it is not on this machine.
  var keptFile: String? { state.withLock { $0.isKept } ? entry.shard : nil }

  /// Opens the whole shard's file, if it is on this machine.
  func openKept() -> ReadableFile? {
    guard let path = keptFile, let file = try? ReadableFile(path), file.size == size else {
      state.withLock { $0.isKept = false }
      return nil
    }
    cache.touch(entry)
    return file
  }

  /// Reads a part: from what is here, else from the server.
  func bytes(_ count: Int, at offset: Int) throws(FileError) -> [UInt8] {
    try check(count, at: offset)
    let (fetched, failure) = state.withLock { ($0.fetched, $0.failure) }
    if let failure { throw failure }
    if let file = openKept() { return try file.bytes(count, at: offset) }
    if offset + count <= fetched, let part = try? ReadableFile(entry.part),
      part.size >= offset + count
    {
      return try part.bytes(count, at: offset)
    }
    let facts = try facts()
    guard facts.hasRanges else {
      try fetch()
      return try ReadableFile(entry.shard).bytes(count, at: offset)
    }
    return try client.bytes(
      count, at: offset, of: address, size: size, validator: facts.validator)
  }

  /// Counts an image that was read from the server; true once, when it is time to fetch the whole.
  func isWantedWhole() -> Bool {
    state.withLock { state in
      guard state.mayBeKept, !state.isKept else { return false }
      state.reads += 1
      return state.reads == client.settings.readsBeforeFetching
    }
  }

  /// Lets the shard be fetched as a whole when enough of it is read, or not.
  func allowKeeping(_ isAllowed: Bool = true) { state.withLock { $0.mayBeKept = isAllowed } }

  /// Lets the count of images begin anew, as after a fetching that failed.
  func forgetReads() { state.withLock { $0.reads = 0 } }
}

// MARK: the whole

extension RemoteShard {
  /// Fetches the whole shard and checks it; another thread or program that is at it is waited for.
  ///
  /// - Throws: `FileError`: of kind `tooLarge` where there is no room for it, `malformed` where
  ///   what came is not what was published.
  func fetch(until isCancelled: @escaping @Sendable () -> Bool = { false }) throws(FileError) {
    // Has the lock itself where it has to ask.
    _ = try facts()
    guard let lock = try FileLock(entry.lock, waitingWhile: { !isCancelled() }) else { return }
    defer { lock.release() }
    if fileSize(entry.shard) == size {
      state.withLock { $0.isKept = true }
      return
    }
    guard try cache.makeRoom(size, for: entry) else {
      throw FileError(
        .tooLarge, of: path,
        "has \(size) bytes, for which there is no room in \(cache.folder) (at most "
          + "\(cache.limit) bytes, MAE_SHARD_CACHE_GB)")
    }
    do throws(FileError) {
      try complete(isCancelled)
    } catch  where error.kind == .malformed {
      // Once more from the beginning: bytes may have been mixed up on their way.
      try removePart()
      do throws(FileError) {
        try complete(isCancelled)
      } catch  where error.kind == .malformed {
        try removePart()
        state.withLock { $0.failure = error }
        throw error
      }
    }
    state.withLock { state in
      state.isKept = true
      state.fetched = 0
    }
  }

  private func removePart() throws(FileError) {
    state.withLock { $0.fetched = 0 }
    _ = try PartFile(entry.part)
  }

  private func complete(_ isCancelled: @escaping @Sendable () -> Bool) throws(FileError) {
    let download = ShardDownload(
      client: client, address: address, facts: try facts(), part: entry.part,
      isCancelled: isCancelled
    ) { [self] bytes in state.withLock { $0.fetched = bytes } }
    try download.run()
    try verify()
    try renameFile(entry.part, to: entry.shard)
  }

  /// Compares what came with a digest beside the shard, `….sha256`, and with its index.
  private func verify() throws(FileError) {
    let digestAddress = address.beside(".sha256")
    if let text = try client.small(digestAddress, limit: 1 << 16) {
      guard let expected = digest(in: String(decoding: text, as: UTF8.self)) else {
        throw FileError(
          .unreadable, of: HTTPClient.shown(digestAddress.url),
          "is no SHA-256 of 64 hexadecimal digits; correct or remove it")
      }
      let found = try sha256(of: entry.part)
      guard found == expected else {
        throw FileError(
          .malformed, of: path,
          "arrived twice with the SHA-256 \(found.prefix(12))…; its .sha256 says "
            + "\(expected.prefix(12))…")
      }
    }
    if let index = state.withLock({ $0.index }), try !index.isOf(ReadableFile(entry.part)) {
      throw FileError(
        .malformed, of: path, "is another archive than the one its index was made of")
    }
  }
}

// MARK: the index

extension RemoteShard {
  /// Where the images lie: by the index that is kept, or is on the server beside the shard, or by
  /// reading the shard's headers, for which all of it is fetched.
  ///
  /// - Returns: the index, and the file to read images from where that is not this shard: what a
  ///   packed archive was unpacked to.
  func index() throws(FileError) -> (index: ShardIndex, unpacked: String?) {
    if let known = state.withLock({ $0.index }) { return (known, nil) }
    let facts = try facts()
    if facts.packing != .none { return try unpackedIndex() }
    let index: ShardIndex
    if let kept = keptIndex() {
      index = kept
    } else if let remote = try remoteIndex() {
      index = remote
    } else {
      index = try scannedIndex()
    }
    state.withLock { $0.index = index }
    if !facts.hasRanges, openKept() == nil { try fetch() }
    return (index, nil)
  }

  private func unpackedIndex() throws(FileError) -> (index: ShardIndex, unpacked: String?) {
    if openKept() == nil { try fetch() }
    let file = try UnpackedShards.open(entry.shard, cache: cache.folder + "/unpacked")
    let index = try ShardIndex.of(file)
    try? replaceFile(at: file.path + ShardIndex.suffix, with: index.bytes)
    return (index, file.path)
  }

  private func keptIndex() -> ShardIndex? {
    guard let index = try? ShardIndex(path: entry.index), index.archiveSize == size else {
      return nil
    }
    return index
  }

  /// The index beside the shard; of the processes of a host one asks for it.
  private func remoteIndex() throws(FileError) -> ShardIndex? {
    // Whether it is the shard's can only be seen where parts are sent, or in the shard.
    let hasRanges = try facts().hasRanges
    let file = openKept()
    guard hasRanges || file != nil else { return nil }
    guard let lock = try FileLock(entry.lock, waitingWhile: { true }) else { return nil }
    defer { lock.release() }
    if let kept = keptIndex() { return kept }
    guard
      let bytes = try client.small(
        address.beside(ShardIndex.suffix), limit: RemoteShardSettings.largestIndex),
      let index = try? ShardIndex(bytes),
      file.map({ index.isOf($0) }) ?? index.isOf(self)
    else { return nil }
    try replaceFile(at: entry.index, with: index.bytes)
    return index
  }

  private func scannedIndex() throws(FileError) -> ShardIndex {
    let mayBeKept = state.withLock { $0.mayBeKept }
    let hasRanges = try facts().hasRanges
    if mayBeKept || !hasRanges, openKept() == nil { try fetch() }
    let index: ShardIndex
    if let file = openKept() {
      index = try ShardIndex(scanning: self, FileStream(file))
    } else {
      index = try ShardIndex(scanning: self, BlockStream(self))
    }
    try keep(index)
    return index
  }

  private func keep(_ index: ShardIndex) throws(FileError) {
    guard let lock = try FileLock(entry.lock, waitingWhile: { true }) else { return }
    defer { lock.release() }
    try replaceFile(at: entry.index, with: index.bytes)
  }
}

/// A source from its beginning, read in blocks; what is skipped is not read.
final class BlockStream: ByteStream {
  private let source: any ByteSource
  private let blockBytes: Int
  private var block: [UInt8] = []
  private var blockStart = 0
  private var position = 0

  init(_ source: any ByteSource, blockBytes: Int = 4 << 20) {
    self.source = source
    self.blockBytes = blockBytes
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    if position >= source.size { return 0 }
    if position < blockStart || position >= blockStart + block.count {
      block = try source.bytes(min(blockBytes, source.size - position), at: position)
      blockStart = position
    }
    let rest = block[(position - blockStart)...].prefix(buffer.count)
    buffer.copyBytes(from: rest)
    position += rest.count
    return rest.count
  }

  func skip(_ count: Int) throws(FileError) -> Int {
    let skipped = min(count, source.size - position)
    position += skipped
    return skipped
  }
}
