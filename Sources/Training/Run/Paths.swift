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
}
