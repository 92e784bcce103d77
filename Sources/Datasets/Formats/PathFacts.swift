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
  /// The names of what a folder holds, hidden ones left out, sorted byte by byte; empty for what is no
  /// folder.
  public let names: [String]

  /// Looks at a path; of what a folder holds it learns no more than the names.
  ///
  /// - Throws: `DatasetError` of kind `unreadable` where a folder cannot be listed.
  public init(_ path: String) throws(DatasetError) {
    self.path = path
    guard !HTTPClient.isAddress(path) else {
      (kind, names) = (.address, [])
      return
    }
    switch PathKind(path) {
    case .nothing: (kind, names) = (.nothing, [])
    case .file: (kind, names) = (.file, [])
    case .other: (kind, names) = (.other, [])
    case .folder:
      kind = .folder
      names = try Datasets.names(in: path)
    }
  }

  /// The last component of the path.
  public var lastName: String { lastComponent(path) }
}
