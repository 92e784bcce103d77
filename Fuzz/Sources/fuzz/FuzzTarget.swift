#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A reader of untrusted files, called with one input after the other.
struct FuzzTarget: Sendable {
  /// What it is called on the command line and in `Corpus/`.
  var name: String
  /// Longest input, in bytes.
  var maxLength = 4096
  /// Reads an input to its end or to an error; anything else is a finding.
  var run: @Sendable ([UInt8]) -> Void
  /// Puts signatures and checksums right.
  var repair: (@Sendable (inout [UInt8]) -> Void)?

  static let all =
    imageTargets + rasterTargets + datasetTargets + folderTargets
    + weightTargets + maskTargets + requestTargets
}

/// A file that each input is written to, for readers that take a path.
enum InputFile {
  static let folder: String = {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let path = base + "/mae-fuzz-\(getpid())"
    mkdir(path, 0o700)
    atexit {
      for name in InputFile.names { unlink(InputFile.folder + "/" + name) }
      rmdir(InputFile.folder)
    }
    return path
  }()

  /// Names that inputs have been written to; the fuzzer uses one thread.
  nonisolated(unsafe) private static var names: Set<String> = []

  /// Writes an input and gives its path.
  static func holding(_ bytes: some Collection<UInt8>, name: String = "input") -> String {
    names.insert(name)
    let path = folder + "/" + name
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let content = Array(bytes)
    guard file >= 0, write(file, content, content.count) == content.count, close(file) == 0 else {
      fatalError("cannot write \(path)")
    }
    return path
  }
}

/// A number that depends on all bytes, to draw from what a target does with them.
func fingerprint(_ bytes: [UInt8]) -> UInt64 {
  // FNV-1a.
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
