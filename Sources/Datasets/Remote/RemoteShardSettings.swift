import Foundation

/// How shards are read over HTTP: what is kept on this machine, and how long a server is waited
/// for.
public struct RemoteShardSettings: Hashable, Sendable {
  /// The folder that whole shards, indexes and what is known of shards are kept in.
  public var cacheFolder: String
  /// Most bytes of shards that are kept; the shards that were not used for longest go first.
  public var cacheBytes: Int
  /// Times that a request is made before it counts as failed.
  public var attempts = 6
  /// Seconds before the second attempt; doubled for each further one, and made up to half as short
  /// by chance, so that many programs do not come back at once.
  public var firstDelay = 0.5
  /// Most seconds between two attempts, also where a server asks for more.
  public var longestDelay = 30.0
  /// Seconds in which a connection must be made.
  public var connectSeconds = 15.0
  /// Seconds in which a transfer may be slower than ``slowest`` on average before it is given up.
  public var stallSeconds = 30
  /// Bytes a second below which a transfer counts as stalled.
  public var slowest = 1024
  /// Seconds in which a part of a shard must have come.
  public var requestSeconds = 300.0
  /// How `s3://` and `gs://` addresses are read; what the environment says unless given.
  public var stores = ObjectStores()
  /// Images that are read one by one from a shard before it is fetched as a whole.
  public var readsBeforeFetching = 16

  /// Most bytes of a shard.
  static let largestShard = 1 << 42
  /// Most bytes of an index.
  static let largestIndex = 1 << 30
  /// Most redirections of one request.
  static let redirects = 5

  /// Creates settings.
  public init(cacheFolder: String, cacheBytes: Int) {
    self.cacheFolder = cacheFolder
    self.cacheBytes = cacheBytes
  }

  /// 50 GB under the user's cache folder, or what `MAE_SHARD_CACHE` (a folder) and
  /// `MAE_SHARD_CACHE_GB` in the environment say; 0 GB keeps nothing but indexes.
  public static var standard: RemoteShardSettings {
    let environment = ProcessInfo.processInfo.environment
    let folder = environment["MAE_SHARD_CACHE"].flatMap { $0.isEmpty ? nil : $0 }
    let size = environment["MAE_SHARD_CACHE_GB"].flatMap { Double($0) }
    let gigabytes = size.map { min(max($0, 0), 1e9) } ?? 50
    return RemoteShardSettings(
      cacheFolder: folder ?? userCacheFolder + "/remote",
      cacheBytes: Int(gigabytes * 1e9))
  }

  /// Seconds to wait after so many attempts, `chance` being a number of 0 ..< 1.
  func delay(after attempts: Int, chance: Double, asked: Double? = nil) -> Double {
    let grown =
      firstDelay * Double(sign: .plus, exponent: min(max(attempts - 1, 0), 30), significand: 1)
    return min(max(min(grown, longestDelay) * (1 - chance / 2), asked ?? 0), longestDelay)
  }
}
