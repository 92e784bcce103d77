import Foundation
import Synchronization
public import Torch

/// The processes that do one piece of work together, each on its part of the data; one alone is a
/// group as well, for which every collective is the identity.
///
/// Collectives are calls that all ranks make in the same order. Where one fails because a peer is
/// gone, the error says which and why.
///
/// For one thread. See ``Meeting`` for how a group comes together.
public final class DataParallelGroup {
  /// This process, from 0.
  public let rank: Int
  /// The number of processes.
  public let count: Int
  /// Each rank's host.
  public let hosts: [String]
  /// What the processes of this host share of it; nil for one process alone.
  public let share: HostShare?
  /// Seconds that ranks wait for each other.
  public let patience: Double
  /// The engine's group; nil for one process alone.
  public let processes: ProcessGroup?
  private let store: KeyStore?
  private let watch: PeerWatch?
  private var briefings = 0
  private var errorFile: String?

  /// One process alone.
  public static var single: DataParallelGroup { DataParallelGroup() }

  private init() {
    rank = 0
    count = 1
    hosts = [ProcessInfo.processInfo.hostName]
    share = nil
    patience = .infinity
    processes = nil
    store = nil
    watch = nil
  }

  init(
    _ processes: ProcessGroup, _ store: KeyStore, _ watch: PeerWatch, hosts: [String],
    share: HostShare, patience: Double, errorFile: String? = nil
  ) {
    rank = processes.rank
    count = processes.count
    self.hosts = hosts
    self.share = share
    self.patience = patience
    self.processes = processes
    self.store = store
    self.watch = watch
    self.errorFile = errorFile
  }

  deinit { watch?.stop() }

  /// Whether this process is the only one.
  public var isSingle: Bool { count == 1 }
  /// Whether this is the rank that writes, prints and decides.
  public var isFirst: Bool { rank == 0 }

  /// `rank 3, gpu-2`, for lines of other ranks than the first.
  public var label: String { "rank \(rank), \(hosts[rank])" }

  // MARK: Collectives

  /// Sums over all ranks, in float64 on the CPU.
  public func sum(_ values: [Double]) throws(RankFailure) -> [Double] {
    try reduced(values, .sum)
  }

  /// The greatest of all ranks' values, place by place.
  public func maximum(_ values: [Double]) throws(RankFailure) -> [Double] {
    try reduced(values, .maximum)
  }

  private func reduced(
    _ values: [Double], _ reduction: ProcessGroup.Reduction
  ) throws(RankFailure) -> [Double] {
    guard let processes, !values.isEmpty else { return values }
    return try explained { () throws(TorchError) in
      try processes.allReduce(Tensor(values), reduction).doubles()
    }
  }

  /// Sums of whole numbers, exact up to 2⁶³.
  public func sum(_ values: [Int]) throws(RankFailure) -> [Int] {
    guard let processes, !values.isEmpty else { return values }
    return try explained { () throws(TorchError) in
      try processes.allReduce(Tensor(values)).ints()
    }
  }

  /// The tensors of all ranks one after another along the first dimension, which may be of another
  /// length on each: `[n, …]` → `[Σ n, …]`.
  public func concatenated(_ tensor: Tensor) throws(RankFailure) -> Tensor {
    guard let processes else { return tensor }
    var counts = [Int](repeating: 0, count: count)
    counts[rank] = tensor.shape[0]
    counts = try sum(counts)
    let longest = counts.max() ?? 0
    guard longest > 0 else { return tensor }
    let (missing, rest) = (longest - tensor.shape[0], Array(tensor.shape.dropFirst()))
    let padded =
      missing == 0
      ? tensor
      : Torch.concatenated([tensor, Tensor.zeros([missing] + rest, dtype: tensor.dtype)])
    let all = try explained { () throws(TorchError) in try processes.allGather(padded) }
    return Torch.concatenated(
      counts.enumerated().map { rank, count in
        all.narrowed(0, to: rank * longest..<rank * longest + count)
      })
  }

  /// Overwrites tensors with those of rank 0.
  public func broadcast(_ tensors: [Tensor]) throws(RankFailure) {
    guard let processes, !tensors.isEmpty else { return }
    try explained { () throws(TorchError) in try processes.broadcast(tensors) }
  }

  /// Gives all ranks a text that rank 0 makes. What it throws there ends rank 0; the others are told
  /// by its last words.
  public func share(_ make: () throws -> String) throws -> String {
    guard let store else { return try make() }
    let key = "briefing/\(briefings)"
    briefings += 1
    if isFirst {
      let text = try make()
      try explained { () throws(TorchError) in try store.set(key, text) }
      return text
    }
    // Rank 0 may read a large set meanwhile; should it end instead, the watch says so.
    while true {
      let found = try explained { () throws(TorchError) in try store.has(key) }
      if found { break }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return try explained { () throws(TorchError) in try store.get(key, timeout: patience) }
  }

  /// Waits until all ranks have come here.
  public func barrier() throws(RankFailure) {
    guard let processes else { return }
    try explained { () throws(TorchError) in try processes.barrier(timeout: patience) }
  }

  /// Calls what speaks to other ranks, and turns a failure of it into what is known of its cause.
  public func explained<Result>(
    _ body: () throws(TorchError) -> Result
  ) throws(RankFailure) -> Result {
    do throws(TorchError) { return try body() } catch { throw failure(because: error) }
  }

  /// What ended a collective.
  public func failure(because error: TorchError) -> RankFailure {
    watch?.failure(because: error) ?? RankFailure("\(error)")
  }

  // MARK: What the others see of this rank

  /// Notes where this rank is, for what the others say when it is lost.
  public func note(step: Int, _ activity: RankActivity) { watch?.note(step: step, activity) }

  /// Notes the last checkpoint that is safe.
  public func note(checkpoint path: String) throws(RankFailure) {
    guard let store else { return }
    try explained { () throws(TorchError) in try store.set("checkpoint", path) }
  }

  /// Keeps the watch from ending this process while something is written.
  public func uninterrupted<Result>(_ body: () throws -> Result) rethrows -> Result {
    watch?.beginWriting()
    defer { watch?.endWriting() }
    return try body()
  }

  /// Leaves last words: this rank is about to end with `status`. The first rank that says so is
  /// what all of them report.
  public func leave(_ message: String, status: Int32) {
    watch?.leave(message, status: status)
    guard let errorFile, !isSingle else { return }
    TorchElasticErrorFile.write("\(label): \(message)", to: errorFile)
  }

  /// Ends the work of this rank: the rank that keeps the store goes last.
  ///
  /// - Parameter seconds: The longest that it waits.
  public func finish(waitingFor seconds: Double = 10) {
    watch?.finish(waitingFor: seconds)
  }
}

/// What a rank is at, for messages.
public enum RankActivity: String, Codable, Hashable, Sendable {
  /// Opening data and models.
  case opening = "opening data"
  /// Waiting for the loader.
  case reading = "reading data"
  /// Forward and backward passes.
  case computing = "computing"
  /// A checkpoint or results.
  case writing = "writing"
  /// Validation images.
  case validating = "validating"
}
