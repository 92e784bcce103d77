import FileSystem
import Foundation

/// Public sets of images that `mae data fetch` knows how to get and where it keeps them.
public enum DatasetCatalog {
  /// A file of a set.
  struct File {
    /// Its name without `.gz`.
    let name: String
    /// SHA-256 of the bytes once unpacked, so that anybody's compression will do.
    let digest: String
    /// Bytes once unpacked.
    let size: Int
  }

  /// A set that can be fetched.
  struct Entry {
    let name: String
    let files: [File]
    /// Debian's package that holds the files, and where it puts them.
    let package: String
    let folder: String
    /// Where Debian's archive keeps that package, for machines without lists of packages.
    let packageAddress: String
    /// Where the files are published.
    let address: String
  }

  static let entries = [
    // Xiao et al., 2017, arXiv:1708.07747; MIT licence.
    Entry(
      name: "fashion-mnist",
      files: [
        File(
          name: "train-images-idx3-ubyte",
          digest: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
          size: 47_040_016),
        File(
          name: "train-labels-idx1-ubyte",
          digest: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", size: 60_008),
        File(
          name: "t10k-images-idx3-ubyte",
          digest: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
          size: 7_840_016),
        File(
          name: "t10k-labels-idx1-ubyte",
          digest: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", size: 10_008),
      ],
      package: "dataset-fashion-mnist", folder: "/usr/share/datasets/fashion-mnist",
      packageAddress: "http://deb.debian.org/debian/pool/main/d/dataset-fashion-mnist/"
        + "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
      address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com")
  ]

  /// The sets that can be fetched.
  public static var names: [String] { entries.map(\.name) + packages.map(\.name) }

  /// The folder that fetched sets are kept in: `$XDG_CACHE_HOME/swift-mae`, or
  /// `~/.cache/swift-mae`.
  public static var cacheFolder: String { userCacheFolder }

  /// Where a fetched set is.
  public static func folder(of name: String) -> String { cacheFolder + "/" + name }

  /// Whether a set is there.
  public static func isFetched(_ name: String) -> Bool {
    // Packages get their name when they are whole.
    if packages.contains(where: { $0.name == name }) {
      return PathKind(folder(of: name)) == .folder
    }
    guard let entry = entries.first(where: { $0.name == name }) else { return false }
    return entry.files.allSatisfy {
      isFile("\(folder(of: name))/\($0.name).gz")
    }
  }

  /// What a user's word for a set means: a path where something is, or a fetched set.
  ///
  /// - Throws: ``DatasetError`` where a known set has not been fetched yet.
  public static func path(for word: String) throws(DatasetError) -> String {
    guard names.contains(word), !exists(word) else { return word }
    guard isFetched(word) else {
      throw DatasetError(
        .missing, path: word, "has not been fetched yet; run: mae data fetch \(word)")
    }
    return folder(of: word)
  }
}
