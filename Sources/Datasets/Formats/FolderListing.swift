import Imaging

/// What lies in a folder and below it.
struct FolderListing {
  /// Paths of image files below the folder, names sorted byte by byte within each folder. A link
  /// with an image's name that leads nowhere is among them: it is an image that cannot be read.
  private(set) var images = StringTable()
  /// For each image the number in `folders` of the one that it is directly in; −1 for one that is
  /// beside the folders or deeper.
  private(set) var owners: [Int32] = []
  /// Names of the immediate subfolders, sorted.
  private(set) var folders: [String] = []
  /// Names of the system's folders, wherever they are.
  private(set) var systemFolders: [String] = []
  /// How many files have each other extension.
  private(set) var others: [String: Int] = [:]
  private var seen: Set<FolderEntry.Kind> = []
  /// `.npy` files and their owners, which are images where there are no pictures.
  private var arrays = (paths: StringTable(), owners: [Int32]())
  private let most: Int

  /// Lists a folder and everything below it.
  ///
  /// - Parameter most: where there are more images, listing ends after one more.
  init(_ path: String, atMost most: Int = .max) throws(DatasetError) {
    self.most = most
    seen.insert(FolderEntry.Kind(path))
    try list(path, below: "", owner: -1, depth: 0)
    if images.isEmpty, !arrays.paths.isEmpty {
      (images, owners) = arrays
      others["npy"] = nil
    }
  }

  private mutating func list(
    _ folder: String, below prefix: String, owner: Int32, depth: Int
  ) throws(DatasetError) {
    let (entries, system) = try FolderEntry.all(in: folder)
    systemFolders += system
    for entry in entries where images.count <= most {
      switch entry.kind {
      case .folder:
        if depth == 0 { folders.append(entry.name) }
        // A folder met twice was linked to, perhaps from inside itself.
        guard seen.insert(entry.kind).inserted else { continue }
        try list(
          joined(folder, entry.name), below: prefix + entry.name + "/",
          owner: depth == 0 ? Int32(folders.count - 1) : -1, depth: depth + 1)
      case .file, .nothing:
        if entry.isImage {
          images.append(prefix + entry.name)
          owners.append(owner)
        } else if entry.kind == .file {
          if entry.isArray, arrays.owners.count <= most {
            arrays.paths.append(prefix + entry.name)
            arrays.owners.append(owner)
          }
          others[fileExtension(entry.name), default: 0] += 1
        }
      case .other: break
      }
    }
  }

  /// A sentence for a folder without images: how many files there are of which kinds.
  var whyEmpty: String {
    let expected = "expected \(ImageFormat.extensionList) files"
    guard !others.isEmpty else { return "is an empty folder; \(expected)" }
    let kinds = others.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
      .map { "\($0.value) \($0.key.isEmpty ? "without extension" : "." + $0.key)" }
      .joined(separator: ", ")
    let total = others.values.reduce(0, +)
    let found = "holds no images among its \(total) file\(total == 1 ? "" : "s") (\(kinds))"
    let remedy = unreadKinds.first.map { "; \(Self.remedy($0.key))" } ?? ""
    return "\(found); \(expected)\(remedy)"
  }

  /// Files of picture formats that are not read, the most frequent kind first.
  private var unreadKinds: [(key: String, value: Int)] {
    others.filter { ImageFormat.unreadExtensions.contains($0.key) }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
  }

  private static func remedy(_ kind: String) -> String {
    "convert them to JPEG or PNG, for example with ImageMagick: magick mogrify -format jpg *.\(kind)"
  }

  /// What is left out of the images, a sentence each.
  var notes: [String] {
    var notes: [String] = []
    if let first = unreadKinds.first {
      let count = unreadKinds.reduce(0) { $0 + $1.value }
      let kinds = unreadKinds.prefix(5).map { "\($0.value) .\($0.key)" }.joined(separator: ", ")
      notes.append(
        "\(counted(count, "picture")) of a kind that is not read (\(kinds)); "
          + Self.remedy(first.key))
    }
    let shards = others.filter { ["tar", "tgz"].contains($0.key) }.values.reduce(0, +)
    if shards > 0 {
      notes.append(
        "\(counted(shards, "tar archive")) not used beside the images; name one to open it")
    }
    if let note = Self.note(systemFolders: systemFolders) { notes.append(note) }
    return notes
  }

  /// A sentence on the system's folders; nil where there are none.
  static func note(systemFolders names: [String]) -> String? {
    guard !names.isEmpty else { return nil }
    let kinds = Set(names).sorted()
    return "\(counted(names.count, "folder")) the system's and not used: \(firstFew(kinds))"
  }
}
