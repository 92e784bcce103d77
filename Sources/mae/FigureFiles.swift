public import ArgumentParser
public import Figures
import FileSystem
import Imaging

/// Checks that a figure's name has the ending of a format, before work is done for it.
///
/// - Parameter others: Endings that the option takes beside those of figures, with their dots.
func checkFigure(_ path: String?, option: String, or others: [String] = []) throws {
  guard let path, FigureFormat(path: path) == nil, !others.contains(where: path.hasSuffix) else {
    return
  }
  let endings =
    others.isEmpty
    ? FigureFormat.endings : others.joined(separator: ", ") + ", " + FigureFormat.endings
  throw ValidationError("\(option) is \(path); expected a name ending in \(endings)")
}

/// Writes a figure in the format that its name's ending says, PNG where it says none.
func write(_ figure: some Figure, to path: String) throws { try figure.write(to: path) }

/// Writes a file whole or not at all, and the folders above it.
func writeFile(_ bytes: [UInt8], to path: String) throws {
  try makeFolder(above: path)
  try replaceFile(at: path) { (file) throws(FileError) in try file.write(bytes) }
}

extension FigureFormat: ExpressibleByArgument {}
