internal import CTorch

/// Averages gradients over all ranks while a backward pass computes them: c10d's `Reducer`, the
/// engine of PyTorch's `DistributedDataParallel` (Li et al., 2020, arXiv:2006.15704).
///
/// Gradients lie in buckets, filled from the last layer on; a full bucket is on its way while the
/// layers before it are still at work. Every parameter needs a gradient in a pass that is averaged.
public final class GradientReducer {
  private let raw: ct_reducer
  private let group: ProcessGroup

  /// The type in which gradients travel.
  public enum Wire: String, CaseIterable, Codable, Hashable, Sendable {
    /// Their own.
    case float32
    /// Half the bytes; changes results.
    case bfloat16
  }

  /// Takes over the gradients of some parameters.
  ///
  /// - Parameters:
  ///   - parameters: The same on every rank, in the order of the forward pass.
  ///   - bucketBytes: Bytes of a bucket; the first that is full is smaller.
  public init(
    _ parameters: [(name: String, tensor: Tensor)], over group: ProcessGroup,
    wire: Wire = .float32, firstBucketBytes: Int = 1 << 20, bucketBytes: Int = 25 << 20
  ) throws(TorchError) {
    let tensors = parameters.map(\.tensor)
    try group.requireSameShapes(tensors)
    let handles: [ct_tensor?] = tensors.map { $0.handle.raw }
    var raw: ct_reducer?
    let status = withExtendedLifetime(tensors) {
      withCStrings(parameters.map(\.name)) { names in
        ct_reducer_new(
          group.raw, handles, names, handles.count, Int64(firstBucketBytes), Int64(bucketBytes),
          wire == .bfloat16, &raw)
      }
    }
    guard status == 0, let raw else { throw TorchError.last("reducer") }
    self.raw = raw
    self.group = group
  }

  deinit { ct_reducer_free(raw) }

  /// Makes the backward pass that follows average the gradients, those of earlier passes included.
  /// Passes without this add up on each rank.
  public func averageNextPass() throws(TorchError) {
    guard ct_reducer_begin(raw) == 0 else { throw TorchError.last("reducer") }
  }
}

private func withCStrings<Result>(
  _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  let starts = texts.map { Array($0.utf8CString) }
  let all = starts.flatMap(\.self)
  return all.withUnsafeBufferPointer { bytes in
    var pointers: [UnsafePointer<CChar>?] = []
    var offset = 0
    for text in starts {
      pointers.append(bytes.baseAddress.map { $0 + offset })
      offset += text.count
    }
    return body(pointers)
  }
}
