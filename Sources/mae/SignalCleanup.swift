import FileSystem
import Foundation
import Torch

/// What a command that writes files does when it is told to end: Ctrl-C, SIGTERM, a terminal that is
/// gone.
enum SignalCleanup {
  /// Removes files that are half written and ends the program, from now on. To be called before
  /// anything starts a thread: threads inherit whose signals are held back.
  static func install() {
    var awaited = sigset_t()
    sigemptyset(&awaited)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&awaited, number) }
    pthread_sigmask(SIG_BLOCK, &awaited, nil)
    let signals = awaited
    Thread.detachNewThread {
      var signals = signals
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { return }
      AtomicFile.discardAll {
        warn("interrupted; files that were not complete are gone")
        _exit(128 + number)
      }
    }
  }
}
