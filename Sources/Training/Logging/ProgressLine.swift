import FileSystem

/// Shows where a run stands: on a terminal one line that is rewritten in place, elsewhere a plain
/// line now and then.
///
/// It prints nothing itself: texts go to `sink`, and the caller says what time it is.
public struct ProgressLine {
  private let sink: (String) -> Void
  private let terminal: Terminal
  private let interval: Double
  private var lastShown: Double?
  private var live = ""
  private var pending: Progress?

  /// Creates a line.
  /// - Parameters:
  ///   - terminal: What the texts are shown on.
  ///   - plainInterval: Seconds between two lines at least, where there is no terminal.
  ///   - sink: Takes the texts, line ends and control sequences included.
  public init(
    terminal: Terminal, plainInterval: Double = 30, sink: @escaping (String) -> Void
  ) {
    self.terminal = terminal
    interval = terminal.isTerminal ? 0.1 : plainInterval
    self.sink = sink
  }

  /// Shows a position, unless another was shown a moment ago.
  /// - Parameter seconds: The time, on any clock that does not go backwards.
  public mutating func show(_ progress: Progress, at seconds: Double) {
    pending = progress
    if let lastShown, seconds - lastShown < interval { return }
    lastShown = seconds
    flush()
  }

  /// Says something that stays; the live line comes back below it.
  public mutating func say(_ text: String) {
    guard terminal.isTerminal, !live.isEmpty else {
      sink(text + "\n")
      return
    }
    sink("\r\u{1B}[K" + text + "\n" + live)
  }

  /// Shows the last position, if it was held back, and ends the live line.
  public mutating func finish() {
    flush()
    if terminal.isTerminal, !live.isEmpty { sink("\n") }
    live = ""
  }

  private mutating func flush() {
    guard let progress = pending else { return }
    pending = nil
    if terminal.isTerminal {
      live = String(progress.description.prefix(max(1, terminal.columns() - 1)))
      sink("\r" + live + "\u{1B}[K")
    } else {
      sink(progress.description + "\n")
    }
  }
}
