import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What lies in a folder and below it.
struct FolderListing {
  /// Paths of image files below the folder, names sorted byte by byte within each folder.
  private(set) var images = StringTable()
  /// Names of the immediate subfolders, sorted.
  private(set) var folders: [String] = []
  /// How many files have each other extension.
  private(set) var others: [String: Int] = [:]
  private var seen: Set<FileIdentity> = []

  private struct FileIdentity: Hashable {
    var device: UInt64
    var file: UInt64
  }

  /// Lists a folder and everything below it.
  init(_ path: String) throws(DatasetError) {
    try list(path, below: "")
  }

  private mutating func list(_ folder: String, below prefix: String) throws(DatasetError) {
    for entry in try entries(of: folder) {
      let path = joined(folder, entry.name)
      switch entry.kind {
      case .folder(let identity):
        if prefix.isEmpty { folders.append(entry.name) }
        // A folder met twice was linked to, perhaps from inside itself.
        guard seen.insert(identity).inserted else { continue }
        try list(path, below: prefix + entry.name + "/")
      case .file:
        let suffix = fileExtension(entry.name)
        if ImageFormat.allExtensions.contains(suffix) {
          images.append(prefix + entry.name)
        } else {
          others[suffix, default: 0] += 1
        }
      }
    }
  }

  private struct Entry {
    enum Kind {
      case file
      case folder(FileIdentity)
    }
    var name: String
    var kind: Kind
  }

  private mutating func entries(of folder: String) throws(DatasetError) -> [Entry] {
    guard let stream = opendir(folder) else {
      let reason = String(cString: strerror(errno))
      throw DatasetError(.unreadable, path: folder, "cannot be listed: \(reason)")
    }
    defer { closedir(stream) }
    var status = stat()
    if stat(folder, &status) == 0 { seen.insert(identity(status)) }
    var found: [Entry] = []
    while let next = readdir(stream) {
      let name = entryName(next)
      if name.hasPrefix(".") { continue }
      // Only links and file systems that do not say need a question of their own.
      if Int32(next.pointee.d_type) == Int32(DT_REG) {
        found.append(Entry(name: name, kind: .file))
      } else if stat(joined(folder, name), &status) == 0 {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: found.append(Entry(name: name, kind: .folder(identity(status))))
        case S_IFREG: found.append(Entry(name: name, kind: .file))
        default: break
        }
      }
    }
    found.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return found
  }

  private func identity(_ status: stat) -> FileIdentity {
    FileIdentity(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      file: UInt64(truncatingIfNeeded: status.st_ino))
  }

  /// A sentence for a folder without images: how many files there are of which kinds.
  var whyEmpty: String {
    let expected = "expected \(ImageFormat.extensionList) files"
    guard !others.isEmpty else { return "is an empty folder; \(expected)" }
    let kinds = others.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
      .map { "\($0.value) \($0.key.isEmpty ? "without extension" : "." + $0.key)" }
      .joined(separator: ", ")
    let total = others.values.reduce(0, +)
    return "holds no images among its \(total) file\(total == 1 ? "" : "s") (\(kinds)); \(expected)"
  }
}

/// The part after the last full stop, in lower case.
func fileExtension(_ name: String) -> String {
  guard let stop = name.lastIndex(of: "."), stop != name.startIndex else { return "" }
  return name[name.index(after: stop)...].lowercased()
}

private func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
  // The name's field is longer than the record, so its bytes are read where they are.
  let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
  let start = UnsafeRawPointer(entry) + offset
  return String(cString: start.assumingMemoryBound(to: CChar.self))
}

/// What a path leads to.
enum PathKind {
  case nothing
  case file
  case folder
  case other

  init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .nothing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    default: self = .other
    }
  }
}

/// The names of what a folder holds, hidden ones left out, sorted.
func names(in folder: String) throws(DatasetError) -> [String] {
  guard let stream = opendir(folder) else {
    throw DatasetError(
      .unreadable, path: folder, "cannot be listed: \(String(cString: strerror(errno)))")
  }
  defer { closedir(stream) }
  var found: [String] = []
  while let next = readdir(stream) {
    let name = entryName(next)
    if !name.hasPrefix(".") { found.append(name) }
  }
  return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The names of the folders that a folder holds, hidden ones left out, sorted; links are followed.
func subfolders(of folder: String) throws(DatasetError) -> [String] {
  guard let stream = opendir(folder) else {
    throw DatasetError(
      .unreadable, path: folder, "cannot be listed: \(String(cString: strerror(errno)))")
  }
  defer { closedir(stream) }
  var found: [String] = []
  while let next = readdir(stream) {
    let name = entryName(next)
    // Of files, of which there may be millions, nothing more is asked.
    if name.hasPrefix(".") || Int32(next.pointee.d_type) == Int32(DT_REG) { continue }
    if PathKind(joined(folder, name)) == .folder { found.append(name) }
  }
  return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
