/// How a process ended.
enum ProcessEnd: Hashable, CustomStringConvertible {
  /// By itself, with a status.
  case exit(Int32)
  /// By a signal.
  case signal(Int32)

  /// Reads what `waitpid` gives.
  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7F
    self = signal == 0 ? .exit(waitStatus >> 8 & 0xFF) : .signal(signal)
  }

  /// What a shell makes of it: 128 + n for signal n.
  var status: Int32 {
    switch self {
    case .exit(let status): status
    case .signal(let number): 128 + number
    }
  }

  var isSignal: Bool { if case .signal = self { true } else { false } }

  var description: String {
    switch self {
    case .exit(let status): "ended with status \(status)"
    case .signal(let number): "was ended by signal \(number)"
    }
  }
}
