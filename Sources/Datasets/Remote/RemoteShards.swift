import Dispatch
import FileSystem
import Imaging
import Synchronization

/// The shards of one set that are on servers.
///
/// Of the shards as many as there is room for are kept, in their order or that of the lanes that
/// this process reads: an image is read from the
/// server by itself until its shard has been fetched, which begins in the background when several
/// images of it have been read.
final class RemoteShards: Sendable {
  /// The shards.
  let shards: [RemoteShard]
  /// Where the images of each lie.
  let indexes: [ShardIndex]
  /// For each shard the file that a packed one was unpacked to.
  let unpacked: [String?]
  private let crew = FetchingCrew()
  /// Most bytes that are kept.
  private let limit: Int

  /// Requests that are made at once while a set is opened.
  private static let requests = 16

  /// Learns where the images of all shards lie.
  ///
  /// - Parameter set: where the index of the whole set may be.
  init(
    _ addresses: [RemoteAddress], set: RemoteAddress? = nil, settings: RemoteShardSettings
  ) throws(FileError) {
    let client = HTTPClient(settings: settings)
    let cache = try RemoteCache(settings)
    let indexes = try set.flatMap { set throws(FileError) in
      try Self.setIndex(set, of: addresses, client, cache)?.indexes
    }
    let shards = try inParallel(addresses.count, width: Self.requests) { i throws(FileError) in
      let name = lastComponent(HTTPClient.shown(addresses[i].key))
      return try RemoteShard(
        addresses[i], client: client, cache: cache, index: indexes?[name])
    }
    var room = cache.limit
    for shard in shards where shard.size <= room {
      shard.allowKeeping()
      room -= shard.size
    }
    let found = try inParallel(shards.count, width: Self.requests) { i throws(FileError) in
      try shards[i].index()
    }
    limit = cache.limit
    self.shards = shards
    self.indexes = found.map(\.index)
    unpacked = found.map(\.unpacked)
  }

  deinit { crew.stop() }

  /// Lets some shards be kept and no others: as many of them, in their order, as there is room for
  /// where that is shared by several processes with shards of their own.
  func keep(_ wanted: [Int], sharedBy processes: Int) {
    var room = limit / max(1, processes)
    var kept: Set<Int> = []
    for shard in wanted where !kept.contains(shard) && shards[shard].size <= room {
      kept.insert(shard)
      room -= shards[shard].size
    }
    for shard in shards.indices { shards[shard].allowKeeping(kept.contains(shard)) }
  }

  /// The index of the whole set: what is kept, or the server has; of the processes of a host one
  /// asks for it. nil where there is none, or every shard's own is kept.
  private static func setIndex(
    _ address: RemoteAddress, of shards: [RemoteAddress], _ client: HTTPClient, _ cache: RemoteCache
  ) throws(FileError) -> ShardSetIndex? {
    let entry = cache.entry(address.key)
    func kept() -> ShardSetIndex? {
      guard let bytes = try? wholeFile(entry.set, limit: RemoteShardSettings.largestIndex) else {
        return nil
      }
      return try? ShardSetIndex(bytes)
    }
    if let kept = kept() { return kept }
    let isKnown = shards.allSatisfy { shard in
      let entry = cache.entry(shard.key)
      return fileSize(entry.index) != nil && fileSize(entry.facts) != nil
    }
    if isKnown { return nil }
    guard let lock = try FileLock(entry.lock, waitingWhile: { true }) else { return nil }
    defer { lock.release() }
    if let kept = kept() { return kept }
    // Asked for once: the shards tell what is wrong with a server, and can do without.
    var client = client
    client.settings.attempts = 1
    guard let bytes = try? client.small(address, limit: RemoteShardSettings.largestIndex),
      let index = try? ShardSetIndex(bytes)
    else { return nil }
    try replaceFile(at: entry.set, with: bytes)
    return index
  }

  /// Reads an image of a shard that is not kept.
  func bytes(_ count: Int, at offset: Int, of shard: Int) throws(FileError) -> [UInt8] {
    let bytes = try shards[shard].bytes(count, at: offset)
    if shards[shard].isWantedWhole() { crew.fetch(shards[shard]) }
    return bytes
  }
}

/// Threads that fetch shards in the background, in the order in which they were asked for.
private final class FetchingCrew: Sendable {
  private let state = Mutex(State())

  private struct State {
    var waiting: [RemoteShard] = []
    var running = 0
    var isStopped = false
  }

  /// Shards that are fetched at once.
  private static let most = 2

  func fetch(_ shard: RemoteShard) {
    let isNeeded = state.withLock { state in
      state.waiting.append(shard)
      guard state.running < Self.most, !state.isStopped else { return false }
      state.running += 1
      return true
    }
    if isNeeded { DispatchQueue.global(qos: .utility).async { self.run() } }
  }

  /// Ends after what is being received just now.
  func stop() {
    state.withLock { state in
      state.isStopped = true
      state.waiting = []
    }
  }

  private func next() -> RemoteShard? {
    state.withLock { state in
      if state.waiting.isEmpty || state.isStopped {
        state.running -= 1
        return nil
      }
      return state.waiting.removeFirst()
    }
  }

  private func run() {
    while let shard = next() {
      do throws(FileError) {
        try shard.fetch { self.state.withLock { $0.isStopped } }
      } catch {
        // Images are still read one by one; what makes that wrong the shard has noted.
        shard.forgetReads()
      }
    }
  }
}

/// The results of `body` for `0 ..< count`, made by so many threads at once, which may wait for
/// input.
///
/// - Throws: the error of the lowest number.
func inParallel<Result: Sendable, Failure: Error>(
  _ count: Int, width: Int, _ body: @escaping @Sendable (Int) throws(Failure) -> Result
) throws(Failure) -> [Result] {
  let results = Mutex<[Swift.Result<Result, Failure>?]>(Array(repeating: nil, count: count))
  let next = Atomic(0)
  let queue = DispatchQueue(label: "swift-mae.remote", attributes: .concurrent)
  let group = DispatchGroup()
  for _ in 0..<min(width, count) {
    queue.async(group: group) {
      while true {
        let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard i < count else { return }
        let result = Swift.Result { () throws(Failure) -> Result in try body(i) }
        results.withLock { $0[i] = result }
        // The rest is of no use.
        if case .failure = result { next.store(count, ordering: .relaxed) }
      }
    }
  }
  group.wait()
  var all: [Result] = []
  for result in results.withLock({ $0 }) {
    if let result { all.append(try result.get()) }
  }
  return all
}
