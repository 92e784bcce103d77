public import Torch

/// The processes that share a batch while a loss is computed: what is taken over the batch, such as
/// the statistics of ``BatchNorm`` or the number of pixels that count, is then taken over all of
/// them.
///
/// Whoever trains says so once, around the forward and backward pass; layers and losses ask here.
public enum SharedBatch {
  @TaskLocal static var group: ProcessGroup?

  /// Runs `body`, in which a batch is the rows of all ranks of a group.
  public static func among<Output>(
    _ group: ProcessGroup?, _ body: () throws -> Output
  ) rethrows -> Output {
    guard let group else { return try body() }
    return try $group.withValue(group) { try body() }
  }

  /// The mean of a value over the ranks that share the batch; the value itself where one has all of
  /// it.
  ///
  /// A loss that is a sum over what counts, divided by how much counts, divides by this: the mean of
  /// the ranks' losses is then the loss of the whole batch.
  ///
  /// - Parameter count: How much counts here, of any shape; no gradient is followed.
  public static func mean(_ count: Tensor) -> Tensor {
    guard let group else { return count }
    return count.detached().summed(over: group) / Double(group.count)
  }

  /// Which of the processes that share the batch this is, from 0.
  public static var rank: Int { group?.rank ?? 0 }

  /// The rows of all ranks that share the batch, in their order: `[B, …]` → `[ranks · B, …]`; the
  /// rows themselves where one has all of it. All ranks have as many; no gradient is followed.
  public static func gathered(_ rows: Tensor) -> Tensor {
    guard let group else { return rows.detached() }
    return rows.gathered(over: group)
  }
}
