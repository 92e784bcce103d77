import Synchronization

/// The memory of one batch's pixels; returned to its loader's pool when the last reference
/// to it ends.
///
/// `@unchecked Sendable`: until the batch is delivered every part is written by the one worker that
/// claimed its slot; afterwards only the batch that holds it reads it.
public final class BatchStorage: @unchecked Sendable {
  /// The first byte; aligned to 64.
  public let baseAddress: UnsafeMutableRawPointer
  /// Number of bytes.
  public let byteCount: Int
  private let pool: BatchPool

  fileprivate init(_ address: UnsafeMutableRawPointer, _ pool: BatchPool) {
    baseAddress = address
    byteCount = pool.byteCount
    self.pool = pool
  }

  deinit { pool.recycle(baseAddress) }
}

/// Equal blocks of memory that are used again, so that a long run touches no fresh pages.
final class BatchPool: Sendable {
  let byteCount: Int
  private let kept: Int
  /// Addresses, because a pointer does not cross into a lock.
  private let free = Mutex<[UInt]>([])

  /// - Parameter kept: most blocks that are kept while unused.
  init(byteCount: Int, kept: Int) {
    self.byteCount = byteCount
    self.kept = kept
  }

  deinit {
    free.withLock { addresses in
      for address in addresses { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
    }
  }

  func take() -> BatchStorage {
    let address = free.withLock { $0.popLast() }
    return BatchStorage(
      address.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
        ?? UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64),
      self)
  }

  fileprivate func recycle(_ address: UnsafeMutableRawPointer) {
    let word = UInt(bitPattern: address)
    let isKept = free.withLock { addresses in
      guard addresses.count < kept else { return false }
      addresses.append(word)
      return true
    }
    if !isKept { address.deallocate() }
  }
}
