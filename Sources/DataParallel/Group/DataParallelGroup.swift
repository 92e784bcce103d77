import FileSystem
import Foundation
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
  private let errorFile: String?
  /// Bytes a second that an all-reduce of gradients moves; nil for one process alone.
  public private(set) var speed: Double?
  /// Texts that were told so far; the same on all ranks.
  private var briefings = 0

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
    errorFile = nil
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

  /// What the first lines of a run say of its processes; nil for one alone.
  ///
  /// - Parameter batch: Images of a batch, of all ranks.
  public func line(forBatch batch: Int, device: Device) -> String? {
    guard let share, let speed else { return nil }
    let names = hosts.reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
    let place =
      names.count == 1
      ? names[0]
      : "\(names.count) hosts: \(names.prefix(4).joined(separator: ", "))"
        + (names.count > 4 ? " …" : "")
    let engine = device.kind == .cuda ? "NCCL" : "Gloo"
    return "\(count) on \(place); \(engine), \(Formatted.bytes(Int(speed)))/s between ranks; "
      + "\(batch) = \(batch / count) × \(count) ranks; \(share.line)"
  }

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
      try processes.allReduce(Tensor(values), reduction).array(of: Double.self)
    }
  }

  /// Sums of whole numbers, exact up to 2⁶³.
  public func sum(_ values: [Int]) throws(RankFailure) -> [Int] {
    guard let processes, !values.isEmpty else { return values }
    return try explained { () throws(TorchError) in
      try processes.allReduce(Tensor(values)).array(of: Int.self)
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
    // Rank 0 may read a large set meanwhile.
    while true {
      let found = try explained { () throws(TorchError) in try store.has(key) }
      if found { break }
      if let words = watch?.words { throw words.failure }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return try explained { () throws(TorchError) in try store.get(key, timeout: patience) }
  }

  /// A text of each rank, on every rank.
  public func gather(_ text: String) throws(RankFailure) -> [String] {
    guard let store, !isSingle else { return [text] }
    let key = "texts/\(briefings)"
    briefings += 1
    try explained { () throws(TorchError) in try store.set("\(key)/\(rank)", text) }
    var texts: [String] = []
    for other in 0..<count {
      texts.append(
        try explained { () throws(TorchError) in
          try store.get("\(key)/\(other)", timeout: patience)
        })
    }
    return texts
  }

  /// Refuses tensors that are not the same on all ranks, to the last bit.
  ///
  /// - Parameters:
  ///   - name: What they are, for the message.
  ///   - step: Where, for the message.
  public func requireEqual(_ tensors: [Tensor], _ name: String, at step: Int) throws(RankFailure) {
    guard !isSingle, !tensors.isEmpty else { return }
    let own = tensors.map(\.checksum)
    let greatest = try maximumOfIntegers(own + own.map { 0 &- $0 })
    guard
      zip(greatest.prefix(own.count), greatest.dropFirst(own.count)).allSatisfy({ $0 == 0 &- $1 })
    else {
      throw RankFailure(
        "the \(name) differ between ranks at step \(step): a host computes or remembers wrongly. "
          + "Resume from the last checkpoint with --resume, on other hosts if it comes again",
        status: RankFailure.software)
    }
  }

  private func maximumOfIntegers(_ values: [Int]) throws(RankFailure) -> [Int] {
    guard let processes else { return values }
    return try explained { () throws(TorchError) in
      try processes.allReduce(Tensor(values), .maximum).array(of: Int.self)
    }
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

  /// What ended work that speaks to other ranks on its way: what is known of its cause where a peer
  /// is gone, else the error itself.
  public func cause(of error: TorchError) -> any Error {
    error.isOfCommunication ? failure(because: error) : error
  }

  /// Measures how fast gradients will travel.
  func measure(on device: Device) throws(RankFailure) {
    guard let processes else { return }
    let bytes = device.kind == .cuda ? 64 << 20 : 16 << 20
    let tensor = Tensor.zeros([bytes / 4]).to(device)
    try explained { () throws(TorchError) in
      _ = try processes.allReduce(tensor)  // the first one sets up connections
      let start = ContinuousClock.now
      _ = try processes.allReduce(tensor)
      device.synchronize()
      let parts = 2 * Double(count - 1) / Double(count)
      speed = parts * Double(bytes) / (ContinuousClock.now - start).seconds
    }
  }

  // MARK: What the others see of this rank

  /// Notes where this rank is, for what the others say when it is lost.
  public func note(step: Int, _ activity: RankActivity) { watch?.note(step: step, activity) }

  /// Notes the step of a checkpoint that all ranks have waited for.
  public func note(savedStep step: Int) { watch?.note(savedStep: step) }

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
  public func leave(_ message: String, status: Int32) { lastWords(message, status) }

  /// ``leave(_:status:)`` for another thread, or for a handler that outlives the group.
  public var lastWords: @Sendable (_ message: String, _ status: Int32) -> Void {
    let (watch, errorFile, label) = (watch, errorFile, label)
    return { message, status in
      watch?.leave(message, status: status)
      guard let errorFile, watch != nil else { return }
      TorchElasticErrorFile.write("\(label): \(message)", to: errorFile)
    }
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

extension TorchError {
  /// Whether it speaks of other processes, which c10d's own errors do in many words and no type.
  fileprivate var isOfCommunication: Bool {
    let words = ["gloo", "peer", "onnect", "imed out", "imeout", "NCCL", "socket", "rank"]
    return kind == .other && words.contains { message.contains($0) }
  }
}

extension Tensor {
  /// A whole number that two tensors of the same type and shape share where all their bits are the
  /// same, and most likely only there: the sum of their elements read as integers.
  var checksum: Int {
    let type: DType =
      switch dtype.size {
      case 1: .uint8
      case 2: .int16
      case 4: .int32
      default: .int64
      }
    let integers = detached().contiguous().viewed(as: type).to(.int64)
    return integers.sum().array(of: Int.self)[0]
  }
}
