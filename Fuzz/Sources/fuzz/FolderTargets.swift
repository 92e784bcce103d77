@testable import Datasets
@testable import FileSystem
@testable import Imaging

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Folders, lists and archives with names of any bytes.
let folderTargets: [FuzzTarget] = [
  FuzzTarget(name: "folders", maxLength: 1024, run: inspectTree, repair: nil)
]

/// Builds what the input says and does with it what `mae data inspect` does.
private func inspectTree(_ bytes: [UInt8]) {
  let root = InputFile.folder + "/tree"
  // Archives that are packed as a whole are unpacked there, not into the user's cache.
  setenv("XDG_CACHE_HOME", InputFile.folder + "/tree/.cache", 1)
  defer { remove(root) }
  mkdir(root, 0o700)
  var builder = TreeBuilder(bytes, root: root)
  builder.build()
  for path in [root, root + "/*", root + "/*/*.tar"] + builder.files.prefix(8) {
    let training = inspect(path, .training)
    let validation = inspect(path, .validation, classes: training?.classes)
    guard let training, let validation, validation.count > 0 else { continue }
    _ = try? ClassAgreement.check(training: training, validation: validation)
  }
}

@discardableResult
private func inspect(
  _ path: String, _ split: DatasetSplit, classes: [String]? = nil
) -> (any ImageDataset)? {
  do throws(DatasetError) {
    let set = try openDataset(at: path, split: split, classes: classes)
    for line in DatasetSummary(of: set, sample: 3).lines { precondition(!line.isEmpty) }
    for note in set.notes { precondition(!note.isEmpty) }
    _ = set.fingerprint(samples: 1)
    for index in 0..<set.count {
      precondition(!set.name(of: index).isEmpty)
      if let label = set.label(of: index) {
        precondition((set.classes ?? []).indices.contains(label), "class \(label)")
      }
    }
    if set.classes != nil, (try? set.checkLabels(path: path)) != nil {
      _ = try? set.heldBack(fraction: 0.5, seed: 1)
    }
    return set
  } catch {
    precondition(!error.description.isEmpty)
    return nil
  }
}

/// Reads an input as steps that write a tree: the first byte of each says what, and names follow.
private struct TreeBuilder {
  private var rest: ArraySlice<UInt8>
  private let root: String
  /// Lists and archives, which are sets of their own.
  private(set) var files: [String] = []

  init(_ bytes: [UInt8], root: String) {
    rest = bytes[...]
    self.root = root
  }

  /// One gray pixel.
  private static let image =
    (try? ByteImage(width: 1, height: 1, channels: 1, pixels: [7]).encodedAsPNG()) ?? []

  /// Names that mean something, and such that look like others.
  private static let names: [[UInt8]] =
    [
      "train", "Train", "val", "TEST", "dev", "__MACOSX", "@eaDir", "caf\u{E9}", "cafe\u{301}",
      "\u{10FFE9}", "a", "b", "0", "train2018.json", "val2018.json", "data_batch_1.bin",
      "train-images-idx3-ubyte", "places365_val.txt", "\n", ".", "\u{301}", "\\xe9",
    ].map { Array($0.utf8) } + [[0xE9], [0xFF, 0xFE]]
  private static let endings = [
    "", ".jpg", ".PNG", ".tar", ".txt", ".csv", ".yaml", ".heic", ".tar.gz", ".json", ".cls",
    ".\u{301}png",
  ]

  mutating func build() {
    var folder = root
    var steps = 0
    while let step = rest.popFirst(), steps < 64 {
      steps += 1
      let path = folder + "/"
      switch step % 8 {
      case 0:
        let inner = path + String(pathBytes: name())
        if inner.withSystemPath({ mkdir($0, 0o700) }) == 0 { folder = inner }
      case 1: folder = root
      case 2, 3: put(Self.image, at: path + String(pathBytes: name() + ending()))
      case 4:
        files.append(path + String(pathBytes: name() + ending()))
        put(content(), at: files[files.count - 1])
      case 5:
        files.append(path + String(pathBytes: name()) + ".tar")
        put(archive(), at: files[files.count - 1])
      case 6:
        let target = String(pathBytes: name())
        let link = path + String(pathBytes: name() + ending())
        _ = target.withSystemPath { target in link.withSystemPath { symlink(target, $0) } }
      default: put([], at: path + String(pathBytes: name() + ending()))
      }
    }
  }

  private mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }

  private mutating func name() -> [UInt8] {
    let choice = byte()
    if choice < 160 { return Self.names[choice % Self.names.count] }
    let bytes = rest.prefix(choice % 13 + 1)
    rest = rest.dropFirst(bytes.count)
    return bytes.map { $0 == 0 || $0 == 0x2F ? 0xE9 : $0 }
  }

  private mutating func ending() -> [UInt8] {
    Array(Self.endings[byte() % Self.endings.count].utf8)
  }

  private mutating func content() -> [UInt8] {
    let bytes = rest.prefix(byte())
    rest = rest.dropFirst(bytes.count)
    return Array(bytes)
  }

  private mutating func archive() -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<byte() % 6 {
      let name = Array((name() + ending()).prefix(100))
      let content = byte() % 2 == 0 ? Self.image : self.content()
      var header = TarHeader.bytes(name: "", size: content.count)
      header.replaceSubrange(0..<name.count, with: name)
      header.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
      let digits = String(repeating: "0", count: 6 - sum.count) + sum + "\0 "
      header.replaceSubrange(148..<156, with: Array(digits.utf8))
      bytes += header + content
      bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
      if byte() % 8 == 0 { bytes += [UInt8](repeating: 0, count: 512) }
    }
    return bytes + [UInt8](repeating: 0, count: 512 * (byte() % 3))
  }

  private func put(_ bytes: [UInt8], at path: String) {
    let file = path.withSystemPath { open($0, O_WRONLY | O_CREAT | O_TRUNC, 0o600) }
    guard file >= 0 else { return }
    _ = write(file, bytes, bytes.count)
    close(file)
  }
}

/// Removes a folder and what is in it.
private func remove(_ folder: String) {
  guard let stream = folder.withSystemPath({ opendir($0) }) else { return }
  var names: [[UInt8]] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      Array(bytes.prefix { $0 != 0 })
    }
    if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
  }
  closedir(stream)
  for name in names {
    let path = folder + "/" + String(pathBytes: name)
    if path.withSystemPath({ unlink($0) }) != 0 { remove(path) }
  }
  folder.withSystemPath { _ = rmdir($0) }
}
