import FileSystem
import Foundation
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What people write for a path and what it stands for: `file://…`, `~`, and patterns that a shell
/// would have expanded.
package enum PathWords {
  /// The path that a word stands for: the word itself, unless it is a `file://` address or begins
  /// with `~` and nothing of that name is there.
  ///
  /// - Throws: `DatasetError` for addresses of other kinds, with what to do instead.
  package static func path(_ word: String) throws(DatasetError) -> String {
    if let scheme = scheme(of: word) {
      guard scheme == "file" else { throw foreign(scheme, word) }
      let rest = word.dropFirst("file://".count)
      // `file://localhost/…` is this machine as well.
      let local = rest.hasPrefix("localhost/") ? rest.dropFirst("localhost".count) : rest
      guard local.hasPrefix("/") else {
        throw DatasetError(
          .missing, path: word, "names another machine; expected file:///FOLDER, or a path")
      }
      return local.removingPercentEncoding ?? String(local)
    }
    if word.hasPrefix("~"), PathKind(word) == .nothing {
      return NSString(string: word).expandingTildeInPath
    }
    return word
  }

  /// The paths that a pattern with `*`, `?` or `[…]` stands for, sorted; empty where the word is
  /// none or nothing matches.
  package static func matches(_ word: String) -> [String] {
    guard word.utf8.contains(where: { "*?[".utf8.contains($0) }), !HTTPClient.isAddress(word),
      PathKind(word) == .nothing
    else { return [] }
    if ShardNames.isPattern(word), let words = try? ShardNames.expanded(word) {
      return words.flatMap { matches($0) }
    }
    var found = glob_t()
    defer { globfree(&found) }
    let status = word.withSystemPath { pattern in glob(pattern, GLOB_NOSORT, nil, &found) }
    guard status == 0, let paths = found.gl_pathv else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { i in
      paths[i].map { path in
        path.withMemoryRebound(to: UInt8.self, capacity: strlen(path)) {
          String(pathBytes: UnsafeBufferPointer(start: $0, count: strlen(path)))
        }
      }
    }
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The scheme of an address that is not read over HTTP: letters before `://`, or `pipe:`.
  private static func scheme(of word: String) -> String? {
    if HTTPClient.isAddress(word) { return nil }
    if word.hasPrefix("pipe:"), PathKind(word) == .nothing { return "pipe" }
    guard let end = word.firstRange(of: "://"), end.lowerBound != word.startIndex,
      word[..<end.lowerBound].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
    else { return nil }
    return word[..<end.lowerBound].lowercased()
  }

  private static func foreign(_ scheme: String, _ word: String) -> DatasetError {
    let advice =
      switch scheme {
      case "gcs":
        "is written gs://BUCKET/name-{000000..000127}.tar"
      case "az", "abfs", "abfss", "wasbs":
        "is an address of Azure, which is not read; give the https:// address of the shards, or copy "
          + "them first: azcopy copy"
      case "hf":
        "is an address of the Hugging Face hub, which is not read; give the shards' address at "
          + "https://huggingface.co/datasets/OWNER/NAME/resolve/main/…, or fetch them first: hf download"
      case "pipe":
        "is a command, which is not run; give the https:// address that the command reads, or run it "
          + "and give the file that it writes"
      case "ftp", "sftp", "ssh", "hdfs":
        "is an address that is not read; copy the files to this machine first, or give an https:// "
          + "address"
      default:
        "is an address of a kind that is not read (\(scheme)://); expected a path or an https:// "
          + "address of tar archives"
      }
    return DatasetError(.malformed, path: word, advice)
  }
}

/// Opens what a pattern stands for: tar archives, image files, or the one folder or file that it
/// matches.
func openMatches(
  _ paths: [String], of pattern: String, _ request: DatasetRequest
) throws(DatasetError) -> any ImageDataset {
  if paths.allSatisfy({ ShardNames.isShard($0) }) {
    try request.refuseValidation(of: pattern, "is one set of shards")
    return try ShardDataset(
      path: pattern, shards: paths, classes: request.classes, limits: request.limits)
  }
  if paths.allSatisfy({ ImageFormat.allExtensions.contains(fileExtension($0)) }) {
    try request.refuseValidation(of: pattern, "is a list of images")
    return ListDataset(path: pattern, files: paths, limits: request.limits)
  }
  guard paths.count == 1 else {
    throw DatasetError(
      .malformed, path: pattern,
      "stands for \(paths.count) files and folders (\(firstFew(paths))); expected one, or tar archives "
        + "or images only; several sets go into a mixture (.yaml)")
  }
  return try openDataset(at: paths[0], request)
}
