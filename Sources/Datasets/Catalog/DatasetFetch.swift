import Foundation

extension DatasetCatalog {
  /// Gets a set and checks every byte of it; a set that is there already is left as it is.
  ///
  /// The files come from `address` where one is given, else from a Debian package (unpacked into
  /// the cache, which takes no rights), else from where they are published.
  ///
  /// - Parameters:
  ///   - address: A folder or address that holds the files, gzipped; replaces the other sources.
  ///   - report: Told what is being done.
  /// - Returns: The set's folder.
  /// - Throws: ``DatasetError`` with what went wrong with each source; the cache is then as before.
  public static func fetch(
    _ name: String, from address: String? = nil, report: (String) -> Void
  ) throws(DatasetError) -> String {
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
    do {
      try FileManager.default.createDirectory(
        atPath: work, withIntermediateDirectories: true)
    } catch {
      throw DatasetError(.unreadable, path: cacheFolder, "cannot be created or written")
    }
    var reasons: [String] = []
    for source in sources(of: entry, address: address) {
      report("fetching \(name) from \(source.words) (30 MB)")
      do throws(FetchFailure) {
        try source.get(entry, work)
        try verify(entry, in: work)
        try? FileManager.default.removeItem(atPath: target)
        guard rename(work, target) == 0 else {
          throw FetchFailure(reason: "could not be moved to \(target)")
        }
        report("\(name) is in \(target), checked")
        return target
      } catch {
        reasons.append("\(source.words): \(error.reason)")
      }
    }
    throw DatasetError(
      .missing, path: name, "could not be fetched; " + reasons.joined(separator: "; "))
  }

  private struct FetchFailure: Error { let reason: String }

  private struct Source {
    let words: String
    let get: (Entry, String) throws(FetchFailure) -> Void
  }

  private static func sources(of entry: Entry, address: String?) -> [Source] {
    if let address {
      let isFolder = FileManager.default.fileExists(atPath: address)
      return [
        Source(words: address) { (entry, work) throws(FetchFailure) in
          if isFolder {
            try copy(entry, from: address, to: work)
          } else {
            try download(entry, from: address, to: work)
          }
        }
      ]
    }
    var found: [Source] = []
    if FileManager.default.fileExists(atPath: entry.folder) {
      found.append(
        Source(words: entry.folder) { (entry, work) throws(FetchFailure) in
          try copy(entry, from: entry.folder, to: work)
        })
    }
    if FileManager.default.isExecutableFile(atPath: "/usr/bin/apt-get") {
      found.append(
        Source(words: "Debian's package \(entry.package)") { (entry, work) throws(FetchFailure) in
          try unpack(entry, to: work)
        })
    }
    found.append(
      Source(words: entry.address) { (entry, work) throws(FetchFailure) in
        try download(entry, from: entry.address, to: work)
      })
    return found
  }

  private static func copy(_ entry: Entry, from folder: String, to work: String)
    throws(FetchFailure)
  {
    for file in entry.files {
      do {
        try FileManager.default.copyItem(
          atPath: "\(folder)/\(file.name).gz", toPath: "\(work)/\(file.name).gz")
      } catch {
        throw FetchFailure(reason: "holds no \(file.name).gz that can be copied")
      }
    }
  }

  private static func unpack(_ entry: Entry, to work: String) throws(FetchFailure) {
    // `apt-get download` needs package lists; a bare machine has none yet.
    if !runs(["apt-get", "download", "-q", entry.package], in: work) {
      _ = runs(["apt-get", "update", "-q"], in: work)
      guard runs(["apt-get", "download", "-q", entry.package], in: work) else {
        throw FetchFailure(reason: "apt-get download did not succeed")
      }
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
    guard let package = names.first(where: { $0.hasSuffix(".deb") }),
      runs(["dpkg-deb", "-x", package, "unpacked"], in: work)
    else { throw FetchFailure(reason: "the package could not be unpacked") }
    try copy(entry, from: work + "/unpacked" + entry.folder, to: work)
    try? FileManager.default.removeItem(atPath: work + "/" + package)
    try? FileManager.default.removeItem(atPath: work + "/unpacked")
  }

  private static func download(
    _ entry: Entry, from address: String, to work: String
  ) throws(FetchFailure) {
    let base = address.hasSuffix("/") ? String(address.dropLast()) : address
    for file in entry.files {
      guard
        runs(
          [
            "curl", "--fail", "--silent", "--location", "--retry", "3", "--max-time", "900",
            "--max-filesize", "\(file.size + 1_000_000)", "--output", file.name + ".gz",
            "\(base)/\(file.name).gz",
          ], in: work)
      else { throw FetchFailure(reason: "curl could not get \(base)/\(file.name).gz") }
    }
  }

  /// Validator sizes and digests of the unpacked bytes.
  private static func verify(_ entry: Entry, in work: String) throws(FetchFailure) {
    for file in entry.files {
      let path = "\(work)/\(file.name).gz"
      // No more is unpacked than there should be, and one byte to see that there is more.
      let pipeline =
        "gzip -dc \"$1\" | head -c \(file.size + 1) | "
        + "if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi"
      let output = self.output(["sh", "-c", pipeline, "sh", path], in: work) ?? ""
      guard output.hasPrefix(file.digest) else {
        throw FetchFailure(
          reason: "\(file.name) is not what was published: its SHA-256 is "
            + "\(output.prefix(12))…, expected \(file.digest.prefix(12))…")
      }
    }
  }

  private static func runs(_ command: [String], in folder: String) -> Bool {
    output(command, in: folder) != nil
  }

  /// What a command prints; nil when it fails. Nothing goes through a shell but the fixed pipeline.
  private static func output(_ command: [String], in folder: String) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }
}
