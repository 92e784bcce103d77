import Foundation
public import Torch

/// Makes the folders that a file is to be in.
public func makeFolder(above path: String) throws(FileError) {
  try makeFolder(path.folderAndName.folder)
}

/// Makes a folder and those above it.
func makeFolder(_ path: String) throws(FileError) {
  var isFolder: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
    if isFolder.boolValue { return }
    throw FileError(path: path, kind: .unwritable, message: "is a file, expected a folder")
  }
  let parent = path.folderAndName.folder
  if parent != path { try makeFolder(parent) }
  if mkdir(path, 0o777) != 0, errno != EEXIST {
    throw .system("cannot be created", path, .unwritable)
  }
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
