import FileSystem
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One of the things that a folder holds.
struct FolderEntry: Hashable {
  /// What it is; links are followed.
  enum Kind: Hashable {
    case file
    /// The two numbers tell folders apart that are met twice through links.
    case folder(device: UInt64, file: UInt64)
    /// A link that leads nowhere.
    case nothing
    /// A device or pipe.
    case other
  }

  /// The name, with the bytes that are no text as ``String/init(pathBytes:)`` keeps them.
  let name: String
  let kind: Kind

  /// Whether the name is that of an image that is read.
  var isImage: Bool {
    (kind == .file || kind == .nothing)
      && ImageFormat.allExtensions.contains(fileExtension(name))
  }

  /// Whether the name is that of an array, which is an image where there are no others.
  var isArray: Bool {
    kind == .file && ImageFormat.npy.extensions.contains(fileExtension(name))
  }

  var isFolder: Bool {
    if case .folder = kind { return true }
    return false
  }

  /// Everything in a folder but what is hidden, sorted byte by byte, and the names of the system's
  /// own folders, which are not looked into.
  static func all(
    in folder: String
  ) throws(DatasetError) -> (entries: [FolderEntry], system: [String]) {
    guard let stream = folder.withSystemPath({ opendir($0) }) else {
      throw DatasetError(
        .unreadable, path: folder, "cannot be listed: \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    var entries: [FolderEntry] = []
    var system: [String] = []
    while let next = readdir(stream) {
      let name = entryName(next)
      if systemFolders.contains(name.lowercased()) {
        system.append(name)
      } else if name.utf8.first != UInt8(ascii: ".") {
        // Only links and file systems that do not say need a question of their own.
        let isFile = Int32(next.pointee.d_type) == Int32(DT_REG)
        entries.append(
          FolderEntry(name: name, kind: isFile ? .file : Kind(joined(folder, name))))
      }
    }
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return (entries, system.sorted())
  }

  /// Folders that systems and programs make beside people's files: copies of attributes,
  /// thumbnails, bins. In lower case.
  static let systemFolders: Set<String> = [
    "__macosx", "@eadir", ".@__thumb", "@recycle", "#recycle", "#snapshot", "@recently-snapshot",
    "lost+found", "$recycle.bin", "recycler", "system volume information", ".ipynb_checkpoints",
    "__pycache__", ".trashes", ".spotlight-v100",
  ]
}

extension FolderEntry.Kind {
  /// Asks the file system.
  init(_ path: String) {
    guard let status = fileStatus(path) else {
      self = .nothing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR:
      self = .folder(
        device: UInt64(truncatingIfNeeded: status.st_dev),
        file: UInt64(truncatingIfNeeded: status.st_ino))
    default: self = .other
    }
  }
}

/// The name of an entry, whatever its length.
private func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
  let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
  let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: UInt8.self)
  return String(pathBytes: UnsafeBufferPointer(start: start, count: strlen(start)))
}

/// What a path leads to.
package enum PathKind {
  case nothing
  case file
  case folder
  case other

  package init(_ path: String) {
    self =
      switch FolderEntry.Kind(path) {
      case .nothing: .nothing
      case .file: .file
      case .folder: .folder
      case .other: .other
      }
  }
}

/// The names of what a folder holds, hidden ones left out, sorted.
func names(in folder: String) throws(DatasetError) -> [String] {
  try FolderEntry.all(in: folder).entries.map(\.name)
}

/// The names of the folders that a folder holds, hidden ones and the system's left out, sorted;
/// links are followed.
func subfolders(of folder: String) throws(DatasetError) -> [String] {
  try FolderEntry.all(in: folder).entries.filter(\.isFolder).map(\.name)
}

/// The part after the last full stop, in lower case.
func fileExtension(_ name: String) -> String {
  guard let stop = name.utf8.lastIndex(of: UInt8(ascii: ".")), stop != name.startIndex else {
    return ""
  }
  return name[name.utf8.index(after: stop)...].lowercased()
}

/// A path below a folder; an absolute one stays as it is.
func joined(_ folder: String, _ path: String) -> String {
  if path.utf8.first == UInt8(ascii: "/") { return path }
  return folder.utf8.last == UInt8(ascii: "/") ? folder + path : folder + "/" + path
}

/// What follows the last slash of a path, slashes at its end left out.
func lastComponent(_ path: String) -> String {
  let slash = UInt8(ascii: "/")
  return String(path.utf8.split(separator: slash).last ?? "".utf8[...]) ?? ""
}

/// The first few names for a message: `a.jpg, b.jpg, c.jpg, …`.
func firstFew(_ names: some Collection<String>) -> String {
  names.prefix(3).map(\.shownPath).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
}

/// `1 folder is`, `2 folders are`.
func counted(_ count: Int, _ noun: String) -> String {
  count == 1 ? "1 \(noun) is" : "\(count) \(noun)s are"
}
