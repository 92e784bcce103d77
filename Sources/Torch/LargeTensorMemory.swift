internal import CTorch

/// The memory of large tensors, which the bridge keeps and counts apart from that of small ones.
package enum LargeTensorMemory {
  /// Bytes from which on a tensor is large.
  package static let leastBytes = 1 << 20

  /// The most bytes that large tensors in main memory held at once while `body` ran, above what they
  /// held before it; 0 where the system has no memory apart for them.
  ///
  /// - Precondition: No other thread makes or releases tensors meanwhile: all are counted.
  package static func peak<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure)
    -> Int
  {
    let before = ct_large_memory(true)
    try body()
    return Int(ct_large_memory(false) - before)
  }
}
