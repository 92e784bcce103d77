import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Requests to end, noticed between two steps so that a checkpoint can be written first.
public enum Interrupts {
  private static let pending = Atomic<Int32>(0)

  /// Notices Ctrl-C and a request to end from now on. A second one ends the program at once.
  public static func install() {
    _ = pending.load(ordering: .relaxed)  // made before a handler can need it
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interrupts.pending.store(number, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  /// The signal that came, if one did.
  public static var requested: Int32? {
    let number = pending.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
