import FileSystem
import Foundation

extension DatasetCatalog {
  /// Gets a set and checks every byte of it; a set that is there already is left as it is.
  ///
  /// The files come from `address` where one is given, else from a Debian package (unpacked into
  /// the cache: nothing is installed, which takes no rights), else from where they are published.
  ///
  /// - Parameters:
  ///   - address: A folder or address that holds the files, gzipped; replaces the other sources.
  ///   - report: Told what is being done.
  /// - Returns: The set's folder.
  /// - Throws: ``DatasetError`` with what went wrong with each source; the cache is then as before.
  public static func fetch(
    _ name: String, from address: String? = nil, report: (String) -> Void
  ) throws(DatasetError) -> String {
    if let package = packages.first(where: { $0.name == name }) {
      return try fetch(package, from: address, report: report)
    }
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw DatasetError(
        .missing, path: name,
        "is no set that can be fetched; there is \(names.joined(separator: ", "))")
    }
    let target = folder(of: name)
    if isFetched(name) {
      report("\(name) is in \(target) already")
      return target
    }
    let work = "\(cacheFolder)/.fetch-\(name)-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: work) }
    var reasons: [String] = []
    for source in sources(of: entry, address: address) {
      report("fetching \(name) from \(source.words) (30 MB)")
      do throws(FileError) {
        try? FileManager.default.removeItem(atPath: work)
        try makeFolder(work)
        try source.get(entry, work)
        try verify(entry, in: work)
        try? FileManager.default.removeItem(atPath: target)
        try renameFile(work, to: target)
        report("\(name) is in \(target), checked")
        return target
      } catch {
        // Another source helps no disk that is full.
        if [.failed, .unwritable].contains(error.kind) { throw DatasetError(error.named(work)) }
        reasons.append("\(source.words): \(error)")
      }
    }
    throw DatasetError(
      .missing, path: name, "could not be fetched; " + reasons.joined(separator: "; "))
  }

  private struct Source {
    let words: String
    /// Puts the files of a set, gzipped, into a folder.
    let get: (Entry, String) throws(FileError) -> Void
  }

  private static func sources(of entry: Entry, address: String?) -> [Source] {
    if let address {
      return [
        Source(words: address) { (entry, work) throws(FileError) in
          if HTTPClient.isAddress(address) {
            try download(entry, from: address, to: work)
          } else {
            let folder = address.hasPrefix("file://") ? String(address.dropFirst(7)) : address
            try copy(entry, from: folder, to: work)
          }
        }
      ]
    }
    var found: [Source] = []
    if isFolder(entry.folder) {
      found.append(
        Source(words: entry.folder) { (entry, work) throws(FileError) in
          try copy(entry, from: entry.folder, to: work)
        })
    }
    if isFile("/usr/bin/dpkg-deb") {
      if isFile("/usr/bin/apt-get") {
        found.append(
          Source(words: "Debian's package \(entry.package)") { (entry, work) throws(FileError) in
            guard runs(["apt-get", "download", "-q", entry.package], in: work) else {
              throw FileError(.missing, "apt-get download did not succeed")
            }
            try unpackPackage(entry, in: work)
          })
      }
      found.append(
        Source(words: entry.packageAddress) { (entry, work) throws(FileError) in
          try client.download(
            entry.packageAddress, to: work + "/package.deb", limit: entry.largestPackage)
          try unpackPackage(entry, in: work)
        })
    }
    found.append(
      Source(words: entry.address) { (entry, work) throws(FileError) in
        try download(entry, from: entry.address, to: work)
      })
    return found
  }

  private static func copy(
    _ entry: Entry, from folder: String, to work: String
  ) throws(FileError) {
    for file in entry.files {
      let packed = try wholeFile("\(folder)/\(file.name).gz", limit: file.largestPacked)
      try replaceFile(at: "\(work)/\(file.name).gz", with: packed)
    }
  }

  /// Takes the files out of the one Debian package that is in the folder.
  private static func unpackPackage(_ entry: Entry, in work: String) throws(FileError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
    // Debian packs with xz, which is not read here.
    guard let package = names.first(where: { $0.hasSuffix(".deb") }),
      runs(["dpkg-deb", "-x", package, "unpacked"], in: work)
    else { throw FileError(.malformed, "the package could not be unpacked") }
    try copy(entry, from: work + "/unpacked" + entry.folder, to: work)
    removeFile(work + "/" + package)
    try? FileManager.default.removeItem(atPath: work + "/unpacked")
  }

  private static func download(
    _ entry: Entry, from address: String, to work: String
  ) throws(FileError) {
    let base = address.hasSuffix("/") ? String(address.dropLast()) : address
    for file in entry.files {
      try client.download(
        "\(base)/\(file.name).gz", to: "\(work)/\(file.name).gz", limit: file.largestPacked)
    }
  }

  static var client: HTTPClient {
    var settings = RemoteShardSettings.standard
    settings.attempts = 3
    settings.requestSeconds = 900
    return HTTPClient(settings: settings)
  }

  /// Compares the digests of the unpacked bytes.
  private static func verify(_ entry: Entry, in work: String) throws(FileError) {
    for file in entry.files {
      let packed = "\(work)/\(file.name).gz"
      let unpacked = try PartFile("\(work)/\(file.name)")
      defer { unpacked.discard() }
      do throws(FileError) {
        let stream = try GzipStream(FileStream(ReadableFile(packed)))
        // No more is unpacked than there should be, and one byte to see that there is more.
        while unpacked.size <= file.size {
          let part = try stream.bytes(min(1 << 20, file.size + 1 - unpacked.size))
          if part.isEmpty { break }
          try unpacked.append(part)
        }
      } catch {
        throw error.named(packed)
      }
      let found = try sha256(of: unpacked.path)
      guard found == file.digest else {
        throw FileError(
          .malformed,
          "\(file.name) is not what was published: its SHA-256 is \(found.prefix(12))…, expected "
            + "\(file.digest.prefix(12))…")
      }
    }
  }

  /// Whether a command ends well; nothing goes through a shell.
  static func runs(_ command: [String], in folder: String) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

extension DatasetCatalog.Entry {
  /// Most bytes of a package with the files.
  fileprivate var largestPackage: Int { files.reduce(1 << 20) { $0 + $1.size } }
}

extension DatasetCatalog.File {
  /// Most bytes of the file gzipped.
  fileprivate var largestPacked: Int { size + 1_000_000 }
}
