package import Foundation

/// Makes the folders that a file is to be in.
public func makeFolder(above path: String) throws(FileError) {
  try makeFolder(path.folderAndName.folder)
}

extension String {
  /// The last name of a path.
  package var lastName: String { folderAndName.name }

  /// The last name of a path without its ending: `a.b` of `photos/a.b.jpg`; `.a` of `.a`.
  package var lastNameStem: String {
    let last = split(separator: "/").last ?? ""
    guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return String(last) }
    return String(last[..<dot])
  }

  /// A path's folder and last name; slashes at its end do not count.
  package var folderAndName: (folder: String, name: String) {
    var path = self[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return splitPath(String(path))
  }

  /// Whether a path is this one or below it; both are as ``canonicalPath(_:)`` gives them.
  package func holds(_ path: String) -> Bool {
    path == self || path.hasPrefix(self == "/" ? self : self + "/")
  }

  /// A word of a command line, quoted where a shell would make something else of it.
  package var forShell: String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/._-+,:=@%"))
    if !isEmpty, unicodeScalars.allSatisfy(plain.contains) { return self }
    return "'" + replacing("'", with: "'\\''") + "'"
  }
}

/// A path from the root, without `.`, `..` and symbolic links, whether or not something is there:
/// what is not there yet is added to the folder above it.
package func canonicalPath(_ path: String) -> String {
  if let resolved = resolvedPath(path.isEmpty ? "." : path) { return resolved }
  let (folder, name) = path.folderAndName
  guard folder != path else { return path }
  let above = canonicalPath(folder)
  switch name {
  case "", ".": return above
  case "..": return splitPath(above).folder
  default: return above == "/" ? "/" + name : above + "/" + name
  }
}

/// The path from the root, without `.`, `..` and symbolic links, of what is there; nil where
/// nothing is.
package func resolvedPath(_ path: String) -> String? {
  guard let resolved = path.withSystemPath({ realpath($0, nil) }) else { return nil }
  defer { free(resolved) }
  return resolved.withMemoryRebound(to: UInt8.self, capacity: strlen(resolved)) { start in
    String(pathBytes: UnsafeBufferPointer(start: start, count: strlen(resolved)))
  }
}

/// A path's folder, without a slash at its end unless it is the root's, and its last name.
package func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
  let folder = String(path[..<slash])
  return (folder.isEmpty ? "/" : folder, String(path[path.utf8.index(after: slash)...]))
}

/// Creates a folder and those above it, where they are not there yet.
public func makeFolder(_ path: String) throws(FileError) {
  func isMade() -> Bool { path.withSystemPath { mkdir($0, 0o777) } == 0 }
  if path.isEmpty || isFolder(path) || isMade() { return }
  if errno == ENOENT {
    try makeFolder(splitPath(path).folder)
    if isMade() { return }
  }
  if errno == EEXIST {
    // Another process may have made it just now.
    if isFolder(path) { return }
    throw FileError(path: path, kind: .unwritable, message: "is a file, expected a folder")
  }
  throw .system("cannot be created", path, .unwritable)
}

/// Whether there is a folder of that name; links are followed.
package func isFolder(_ path: String) -> Bool { fileStatus(path)?.isOf(S_IFDIR) ?? false }

/// Whether there is a file of that name; links are followed.
package func isFile(_ path: String) -> Bool { fileStatus(path)?.isOf(S_IFREG) ?? false }

/// Whether anything is at the path; links are followed.
package func exists(_ path: String) -> Bool { fileStatus(path) != nil }

/// Bytes of a regular file; nil where there is none.
package func fileSize(_ path: String) -> Int? {
  fileStatus(path).flatMap { $0.isOf(S_IFREG) ? Int($0.st_size) : nil }
}

/// What the file system knows of what is at a path; links are followed, and nil where nothing is.
package func fileStatus(_ path: String) -> stat? {
  var status = stat()
  return path.withSystemPath { stat($0, &status) } == 0 ? status : nil
}

extension stat {
  /// Whether it is of that kind: `S_IFREG`, `S_IFDIR`.
  package func isOf(_ kind: mode_t) -> Bool { st_mode & S_IFMT == kind }
}
