import FileSystem
import Reports
import Runs
import Torch
import Training

/// Keeps a result in a run's folder and makes its page anew. A folder that may not be written, such
/// as that of a model which several people share, is no reason to fail: the result has been
/// printed.
func record(in run: String, _ change: (inout RunResults) -> Void) throws {
  for note in try RunPage.record(in: run, change) { warn(note) }
}

/// Writes lines to a file, whole or not at all, and the folders above it; nothing where there is no
/// file.
func writeLines(_ lines: some Sequence<String>, to path: String?) throws {
  guard let path else { return }
  try makeFolder(above: path)
  try replaceFile(at: path) { (file) throws(FileError) in
    for line in lines { try file.write(line + "\n") }
  }
}
