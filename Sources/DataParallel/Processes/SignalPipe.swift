import Foundation
import Synchronization

/// Signals as bytes of a pipe, which can be waited for beside other files.
enum SignalPipe {
  private static let writer = Atomic<Int32>(-1)

  /// Takes note of SIGINT, SIGTERM, SIGHUP, SIGUSR1 and ended children from now on, instead of what
  /// they do; of SIGHUP not where it is ignored, as under `nohup`. A reader of the output that is
  /// gone ends nothing.
  ///
  /// - Returns: The file that gives a byte for each signal, its number; nil where the system has no
  ///   file left.
  static func install() -> Int32? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
    }
    writer.store(ends[1], ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGUSR1, SIGCHLD] { signal(number, note) }
    let before = signal(SIGHUP, note)
    if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
      signal(SIGHUP, SIG_IGN)
    }
    signal(SIGPIPE, SIG_IGN)
    return ends[0]
  }

  private static let note: @convention(c) (Int32) -> Void = { number in
    let failure = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(SignalPipe.writer.load(ordering: .relaxed), &byte, 1)
    errno = failure
  }

  /// The signals that came since the last call.
  static func read(_ file: Int32) -> [Int32] {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = Foundation.read(file, &bytes, bytes.count)
    return bytes.prefix(max(0, count)).map(Int32.init)
  }
}
