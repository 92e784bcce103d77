/// What lies at a path, asked of the file system once.
public struct PathFacts: Sendable {
  /// What kind of thing it is; links are followed.
  public enum Kind: Hashable, Sendable {
    /// An address on a server: `https://…`.
    case address
    /// Nothing is there.
    case nothing
    case file
    case folder
    /// A device or pipe.
    case other
  }

  /// The path.
  public let path: String
  /// What is there.
  public let kind: Kind
  /// The names of what a folder holds, hidden ones left out, sorted byte by byte; empty for what is
  /// no folder.
  public let names: [String]

  /// Which of `names` are folders; links are followed.
  public let folders: [String]
  /// Which of `names` are files called like images that are read.
  public let images: [String]
  /// Folders of the system's own, which are no part of a set.
  let systemFolders: [String]

  /// Looks at a path; of what a folder holds it learns names and kinds, and nothing
  /// of what is below.
  ///
  /// - Throws: `DatasetError` of kind `unreadable` where a folder cannot be listed.
  public init(_ path: String) throws(DatasetError) {
    self.path = path
    kind = HTTPClient.isAddress(path) ? .address : Kind(PathKind(path))
    let (entries, system) = kind == .folder ? try FolderEntry.all(in: path) : ([], [])
    names = entries.map(\.name)
    folders = entries.filter(\.isFolder).map(\.name)
    images = entries.filter(\.isImage).map(\.name)
    systemFolders = system
  }

  /// The last component of the path.
  public var lastName: String { lastComponent(path) }
}

extension PathFacts.Kind {
  fileprivate init(_ kind: PathKind) {
    self =
      switch kind {
      case .nothing: .nothing
      case .file: .file
      case .folder: .folder
      case .other: .other
      }
  }
}
