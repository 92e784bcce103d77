import Foundation
import Synchronization

/// Writes to standard output, in place of the standard library's function, which does not tell of a
/// full disk: then the program has failed, and says so.
func print(_ text: String, terminator: String = "\n") {
  do {
    try FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
  } catch {
    warn("error: standard output cannot be written: \(String(cString: strerror(errno)))")
    ExitStatus.inputOutput.end()
  }
}

/// Who speaks, before each line on standard error: of several processes those that are not the
/// first.
let speaker = Mutex("")

/// Writes a line to standard error.
func warn(_ line: String) { show(speaker.withLock { $0 } + line + "\n") }

/// Writes to standard error; where that cannot be done there is nobody to be told.
func show(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
