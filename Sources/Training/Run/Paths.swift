import Foundation
public import Torch

/// Makes the folders that a file is to be in.
public func makeFolder(above path: String) throws(FileError) {
  try makeFolder(path.folderAndName.folder)
}

extension String {
  /// The last name of a path.
  var lastName: String { folderAndName.name }

  /// A path's folder and last name; slashes at its end do not count.
  var folderAndName: (folder: String, name: String) {
    var path = self[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return splitPath(String(path))
  }

  /// Whether a path is this one or below it; both are as ``canonicalPath(_:)`` gives them.
  func holds(_ path: String) -> Bool {
    path == self || path.hasPrefix(self == "/" ? self : self + "/")
  }

  /// A word of a command line, quoted where a shell would make something else of it.
  package var forShell: String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/._-+,:=@%"))
    if !isEmpty, unicodeScalars.allSatisfy(plain.contains) { return self }
    return "'" + replacing("'", with: "'\\''") + "'"
  }
}

/// A path from the root, without `.`, `..` and symbolic links, whether or not something is there: what
/// is not there yet is added to the folder above it.
func canonicalPath(_ path: String) -> String {
  if let resolved = realpath(path.isEmpty ? "." : path, nil) {
    defer { free(resolved) }
    return String(cString: resolved)
  }
  let (folder, name) = path.folderAndName
  guard folder != path else { return path }
  let above = canonicalPath(folder)
  switch name {
  case "", ".": return above
  case "..": return splitPath(above).folder
  default: return above == "/" ? "/" + name : above + "/" + name
  }
}
