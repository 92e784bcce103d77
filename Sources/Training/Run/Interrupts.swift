import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Requests to end, noticed between two steps so that a checkpoint can be written first.
public enum Interrupts {
  private static let pending = Atomic<Int32>(0)

  /// Notices Ctrl-C, a request to end and a terminal that goes away from now on. A second one of
  /// the first two ends the program at once; a terminal is often gone twice, by its shell and the
  /// system.
  ///
  /// A reader of the output that goes away does not end the program: writing to it fails.
  public static func install() {
    _ = pending.load(ordering: .relaxed)  // made before a handler can need it
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interrupts.pending.store(number, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    signal(SIGPIPE, SIG_IGN)
    // `nohup` asks for no notice of it.
    let before = signal(SIGHUP) { number in
      Interrupts.pending.store(number, ordering: .relaxed)
      signal(number, SIG_IGN)
    }
    if isIgnored(before) { signal(SIGHUP, SIG_IGN) }
  }

  #if canImport(Darwin)
    private typealias Handler = sig_t
  #else
    private typealias Handler = __sighandler_t
  #endif

  private static func isIgnored(_ handler: Handler?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// The signal that came, if one did.
  public static var requested: Int32? {
    let number = pending.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
