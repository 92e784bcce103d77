internal import CTorch

/// Processes that compute together, each with a rank: c10d's process group, with Gloo for tensors
/// of the CPU and NCCL for those of a CUDA device.
///
/// Collectives are calls that every rank makes in the same order. They throw when a peer is lost or
/// the time-out has passed; a group that has thrown is of no more use.
public final class ProcessGroup: @unchecked Sendable {  // c10d's groups lock themselves.
  /// The rank of this process, from 0.
  public let rank: Int
  /// The number of processes.
  public let count: Int
  /// The name under which operators find the group.
  public let name: String
  let raw: ct_group

  /// Where Gloo listens for the other ranks.
  public enum Address: Hashable, Sendable {
    /// Where this host's name leads.
    case hostName
    /// At an address of this host, by which the others reach it.
    case address(String)
    /// On a network interface, such as `eth0`.
    case interface(String)
  }

  /// Whether this libtorch has process groups: on Linux.
  public static var isAvailable: Bool { ct_has_distributed() }

  /// Joins a group; returns when all of it are there.
  ///
  /// - Parameters:
  ///   - store: A store in which no other group has left anything.
  ///   - name: A name that is new in this process.
  ///   - address: Where Gloo listens.
  ///   - device: The CUDA device of this rank, for collectives of its tensors.
  ///   - timeout: Seconds that a collective may take.
  public init(
    _ store: KeyStore, name: String, rank: Int, count: Int, address: Address = .hostName,
    device: Device = .cpu, timeout: Double
  ) throws(TorchError) {
    var raw: ct_group?
    let number = device.kind == .cuda ? Int32(device.index) : -1
    func make(_ interface: String?, _ address: String?) -> Int32 {
      ct_group_new(
        store.raw, name, Int32(rank), Int32(count), interface, address, number,
        milliseconds(timeout), &raw)
    }
    let status =
      switch address {
      case .hostName: make(nil, nil)
      case .address(let address): make(nil, address)
      case .interface(let interface): make(interface, nil)
      }
    guard status == 0, let raw else { throw TorchError.last("process group") }
    self.raw = raw
    self.rank = rank
    self.count = count
    self.name = name
  }

  deinit { ct_group_free(raw) }

  /// How a reduction combines the ranks' values.
  public enum Reduction: String, Sendable {
    /// Their sum.
    case sum
    /// Their mean.
    case average = "avg"
    /// The greatest.
    case maximum = "max"
    /// The least.
    case minimum = "min"
  }

  /// The values of all ranks combined, on every rank.
  ///
  /// - Parameter tensor: Of the same shape and type on all ranks.
  public func allReduce(_ tensor: Tensor, _ reduction: Reduction = .sum) throws(TorchError)
    -> Tensor
  {
    // Gloo knows no mean of its own.
    let combined = reduction == .average ? Reduction.sum : reduction
    let sum = try wait(Self.reduce.attempt(tensor.detached(), combined.rawValue, name))
    return reduction == .average ? sum / Double(count) : sum
  }

  /// The tensors of all ranks, one after another along the first dimension: `[n, …]` →
  /// `[ranks · n, …]`.
  public func allGather(_ tensor: Tensor) throws(TorchError) -> Tensor {
    try wait(Self.gather.attempt(tensor.detached().contiguous(), count, name))
  }

  /// Rows of the sum over all ranks, divided among them: `[ranks · n, …]` → `[n, …]`.
  public func reduceScatter(_ tensor: Tensor) throws(TorchError) -> Tensor {
    try wait(Self.scatter.attempt(tensor.detached().contiguous(), "sum", count, name))
  }

  private func wait(_ pending: Tensor) throws(TorchError) -> Tensor {
    try Self.wait.attempt(pending)
  }

  /// Overwrites tensors with those of rank 0.
  public func broadcast(_ tensors: [Tensor]) throws(TorchError) {
    try call("broadcast", tensors, ct_group_broadcast)
  }

  /// Throws on every rank unless all have as many tensors of the same shapes.
  public func requireSameShapes(_ tensors: [Tensor]) throws(TorchError) {
    try call("same shapes", tensors, ct_group_same_shapes)
  }

  private func call(
    _ operation: String, _ tensors: [Tensor],
    _ function: (ct_group?, UnsafePointer<ct_tensor?>?, Int) -> Int32
  ) throws(TorchError) {
    let handles: [ct_tensor?] = tensors.map { $0.handle.raw }
    let status = withExtendedLifetime(tensors) { function(raw, handles, handles.count) }
    guard status == 0 else { throw TorchError.last(operation) }
  }

  /// Waits until all ranks have come here.
  ///
  /// - Parameter timeout: Seconds.
  public func barrier(timeout: Double) throws(TorchError) {
    guard ct_group_barrier(raw, milliseconds(timeout)) == 0 else {
      throw TorchError.last("barrier")
    }
  }

  private static let reduce = Op("all_reduce", namespace: "_c10d_functional")
  fileprivate static let gather = Op("all_gather_into_tensor", namespace: "_c10d_functional")
  private static let scatter = Op("reduce_scatter_tensor", namespace: "_c10d_functional")
  fileprivate static let wait = Op("wait_tensor", namespace: "_c10d_functional")
}

extension Tensor {
  /// The sum over all ranks of a group; its gradient is the sum of all ranks' gradients.
  public func summed(
    over group: ProcessGroup, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Self.allSum(self, group.name, file: file, line: line)
  }

  /// The tensors of all ranks, one after another along the first dimension: `[n, …]` →
  /// `[ranks · n, …]`, as ``ProcessGroup/allGather(_:)``, for the inside of a loss; no gradient is
  /// followed.
  public func gathered(
    over group: ProcessGroup, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let pending = ProcessGroup.gather(
      detached().contiguous(), group.count, group.name, file: file, line: line)
    return ProcessGroup.wait(pending, file: file, line: line)
  }

  private static let allSum = Op("all_sum", namespace: "mae")
}
