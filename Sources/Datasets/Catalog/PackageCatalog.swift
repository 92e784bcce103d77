import FileSystem
import Foundation

extension DatasetCatalog {
  /// A folder of pictures out of one of Debian's packages, for composed scenes. It is unpacked into
  /// the cache; nothing is installed, and nothing of it is shipped with this project.
  struct Package {
    let name: String
    /// What it is, with its licence, for people.
    let words: String
    /// The package's name and where Debian's archive keeps it.
    let package: String
    let address: String
    /// SHA-256 of the package.
    let digest: String
    let size: Int
    /// The folder in the package.
    let folder: String
  }

  private static let pool = "http://deb.debian.org/debian/pool/main/"

  /// Debian 12's.
  static let packages = [
    Package(
      name: "openclipart", words: "8,121 drawings with transparency in folders, public domain",
      package: "openclipart-png",
      address: pool + "o/openclipart/openclipart-png_0.18+dfsg-19_all.deb",
      digest: "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02",
      size: 130_910_028, folder: "/usr/share/openclipart/png"),
    Package(
      name: "tuxpaint-stamps",
      words: "photographs and drawings with transparency in folders, GPL-2 and others",
      package: "tuxpaint-stamps-default",
      address: pool + "t/tuxpaint-stamps/tuxpaint-stamps-default_2022.06.04-1_all.deb",
      digest: "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
      size: 160_880_444, folder: "/usr/share/tuxpaint/stamps"),
    Package(
      name: "mate-backgrounds", words: "photographs, CC-BY-SA and GPL",
      package: "mate-backgrounds",
      address: pool + "m/mate-backgrounds/mate-backgrounds_1.26.0-1_all.deb",
      digest: "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
      size: 46_638_500, folder: "/usr/share/backgrounds/mate"),
    Package(
      name: "plasma-wallpapers", words: "photographs and drawings, CC-BY-SA and LGPL",
      package: "plasma-workspace-wallpapers",
      address: pool
        + "p/plasma-workspace-wallpapers/plasma-workspace-wallpapers_5.27.5-2_all.deb",
      digest: "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
      size: 94_047_772, folder: "/usr/share/wallpapers"),
  ]

  /// Gets a package, from a folder or address that holds it, else through apt, else from Debian's
  /// archive, and unpacks its folder into the cache.
  static func fetch(
    _ package: Package, from address: String?, report: (String) -> Void
  ) throws(DatasetError) -> String {
    let target = folder(of: package.name)
    if isFetched(package.name) {
      report("\(package.name) is in \(target) already")
      return target
    }
    guard isFile("/usr/bin/dpkg-deb") else {
      throw DatasetError(
        .missing, path: package.name,
        "is a Debian package, and dpkg-deb, which unpacks it, is not on this machine; unpack "
          + "\(package.address) by other means and give its folder")
    }
    let work = "\(cacheFolder)/.fetch-\(package.name)-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: work) }
    var reasons: [String] = []
    for (words, get) in sources(of: package, address) {
      report("fetching \(package.name) from \(words) (\(Formatted.bytes(package.size)))")
      do throws(FileError) {
        try? FileManager.default.removeItem(atPath: work)
        try makeFolder(work)
        let file = work + "/package.deb"
        try get(file)
        let found = try sha256(of: file)
        guard found == package.digest else {
          throw FileError(
            .malformed,
            "the package is not the published one: its SHA-256 is \(found.prefix(12))…, expected "
              + "\(package.digest.prefix(12))…")
        }
        guard runs(["dpkg-deb", "-x", "package.deb", "unpacked"], in: work) else {
          throw FileError(.malformed, "the package could not be unpacked")
        }
        try renameFile(work + "/unpacked" + package.folder, to: target)
        report("\(package.name) is in \(target), checked: \(package.words)")
        return target
      } catch {
        if [.failed, .unwritable].contains(error.kind) { throw DatasetError(error.named(work)) }
        reasons.append("\(words): \(error)")
      }
    }
    throw DatasetError(
      .missing, path: package.name, "could not be fetched; " + reasons.joined(separator: "; "))
  }

  private typealias PackageSource = (words: String, get: (String) throws(FileError) -> Void)

  /// Where a package can be had, each with what puts it into a file.
  private static func sources(of package: Package, _ address: String?) -> [PackageSource] {
    let name = package.address.lastName
    func download(_ from: String) -> (String) throws(FileError) -> Void {
      { (file) throws(FileError) in
        try client.download(from, to: file, limit: package.size + 1)
      }
    }
    if let address {
      if HTTPClient.isAddress(address) {
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        return [(address, download("\(base)/\(name)"))]
      }
      let folder = address.hasPrefix("file://") ? String(address.dropFirst(7)) : address
      return [
        (
          address,
          { (file) throws(FileError) in
            let bytes = try wholeFile("\(folder)/\(name)", limit: package.size + 1)
            try replaceFile(at: file, with: bytes)
          }
        )
      ]
    }
    var found: [PackageSource] = []
    if isFile("/usr/bin/apt-get") {
      found.append(
        (
          "Debian's package \(package.package)",
          { (file) throws(FileError) in
            let folder = splitFolder(file)
            guard runs(["apt-get", "download", "-q", package.package], in: folder),
              let names = try? FileManager.default.contentsOfDirectory(atPath: folder),
              let deb = names.first(where: { $0.hasSuffix(".deb") })
            else { throw FileError(.missing, "apt-get download did not succeed") }
            try renameFile("\(folder)/\(deb)", to: file)
          }
        ))
    }
    found.append((package.address, download(package.address)))
    return found
  }

  private static func splitFolder(_ path: String) -> String { path.folderAndName.folder }
}
