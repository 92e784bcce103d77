import Foundation

/// Ends a process whose `mae launch` is gone.
///
/// A launcher that is killed outright cannot pass anything on, and its processes would go on
/// without anybody who could end them together.
public enum LauncherWatch {
  /// Sends this process SIGTERM, as the launcher would have, once the launcher has ended; does
  /// nothing in a process that `mae launch` did not start.
  public static func start(environment: [String: String]) {
    guard let launcher = environment["MAE_LAUNCH_PID"].flatMap({ pid_t($0) }), getppid() == launcher
    else { return }
    // A thread inherits what is held back: no signal of the process is delivered to this one.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    Thread.detachNewThread {
      while getppid() == launcher { sleep(1) }
      kill(getpid(), SIGTERM)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
