import FileSystem
import Dispatch
import Imaging
import Synchronization

extension ClassAgreement {
  /// Validation images that are training images too.
  public struct Overlap: Hashable, Sendable, CustomStringConvertible {
    /// Validation images that were found among the training images.
    public let count: Int
    /// Validation images that were looked for.
    public let examined: Int
    /// Whether only a part of either set was looked at.
    public let isSampled: Bool
    /// The first few.
    public let examples: [Pair]

    /// Two names of one image.
    public struct Pair: Hashable, Sendable {
      /// The validation image's name.
      public let validation: String
      /// The training image's name.
      public let training: String
    }

    /// One line.
    public var description: String {
      let shown = examples.map { "\($0.validation) = \($0.training)" }.joined(separator: ", ")
      let more = count > examples.count ? ", …" : ""
      let found = isSampled ? "at least \(count)" : "\(count)"
      let all =
        isSampled ? "\(examined) validation images examined" : "\(examined) validation images"
      let verb = count == 1 ? "is a training image" : "are training images"
      return "\(found) of \(all) \(verb) too (\(shown)\(more)); accuracy on them says little"
    }
  }
}

extension ClassAgreement.Overlap {
  /// Looks for images that are in both sets; nil where none is found.
  init?(
    _ training: any ImageDataset, _ validation: any ImageDataset, trainingLimit: Int,
    validationLimit: Int
  ) {
    let ours = keys(of: validation, limit: validationLimit)
    let theirs = keys(of: training, limit: trainingLimit)
    let same = Self.same(theirs, ours)
    let rest = ours.filter { same[$0.index] == nil }
    let copies = Self.copies(of: theirs, training, among: rest, validation)
    let matches = same.merging(copies) { first, _ in first }
    guard !matches.isEmpty else { return nil }
    count = matches.count
    examined = min(validation.count, validationLimit)
    isSampled = validation.count > validationLimit || training.count > trainingLimit
    examples = matches.sorted { $0.key < $1.key }.prefix(3).map { match in
      Pair(validation: validation.name(of: match.key), training: training.name(of: match.value))
    }
  }

  /// Images of the same file or the same pixels: a training image for each validation image.
  private static func same(_ theirs: [Keyed<Key>], _ ours: [Keyed<Key>]) -> [Int: Int] {
    let training = Dictionary(
      theirs.map { ($0.key, $0.index) }, uniquingKeysWith: { first, _ in first })
    var matches: [Int: Int] = [:]
    for image in ours { matches[image.index] = training[image.key] }
    return matches
  }

  /// Files of the same bytes: a training image for each validation image.
  private static func copies(
    of theirs: [Keyed<Key>], _ training: any ImageDataset, among ours: [Keyed<Key>],
    _ validation: any ImageDataset
  ) -> [Int: Int] {
    let sizes = Set(ours.compactMap(\.key.size))
    let candidates = theirs.filter { $0.key.size.map(sizes.contains) == true }
    let shared = Set(candidates.compactMap(\.key.size))
    let rest = ours.filter { $0.key.size.map(shared.contains) == true }
    var matches: [Int: Int] = [:]
    // Of files of one size few have the same end, and those are read.
    let ends = Dictionary(grouping: fileEnds(of: validation, rest), by: \.key)
    var checks = 2 * rest.count
    for image in fileEnds(of: training, candidates) {
      var content: ContentHash?
      for other in ends[image.key] ?? [] where matches[other.index] == nil && checks > 0 {
        checks -= 1
        content = content ?? training.contentHash(of: image.index)
        if let content, content == validation.contentHash(of: other.index) {
          matches[other.index] = image.index
        }
      }
    }
    return matches
  }
}

/// What tells two images apart at little cost.
private enum Key: Hashable {
  case file(FileIdentity)
  case pixels(ContentHash)

  /// Bytes of a file.
  var size: Int? {
    switch self {
    case .file(let identity): identity.size
    case .pixels: nil
    }
  }
}

/// The last bytes of a file of a size. Of JPEG and PNG the end differs where the beginning may not.
private struct FileEnd: Hashable {
  var size: Int
  var hash: ContentHash
}

private struct Keyed<Key: Hashable & Sendable>: Sendable {
  var index: Int
  var key: Key
}

/// The keys of at most `limit` images, evenly over a set.
private func keys(of set: any ImageDataset, limit: Int) -> [Keyed<Key>] {
  guard let set = set as? any StoredDataset else { return [] }
  let (count, examined) = (set.count, min(limit, set.count))
  return found(examined) { i in
    let index = i * count / examined
    let key: Key? =
      switch set.place(of: index) {
      case .file(let path, let range)?: FileIdentity(path, range).map { .file($0) }
      case .memory?: set.contentHash(of: index).map { .pixels($0) }
      case nil: nil
      }
    return key.map { Keyed(index: index, key: $0) }
  }
}

/// The ends of the files of some images.
private func fileEnds(of set: any ImageDataset, _ images: [Keyed<Key>]) -> [Keyed<FileEnd>] {
  guard let set = set as? any StoredDataset else { return [] }
  return found(images.count) { i in
    guard case .file(let identity) = images[i].key,
      case .file(let path, _)? = set.place(of: images[i].index)
    else { return nil }
    let count = min(4096, identity.size)
    guard let file = try? ReadableFile(path),
      let end = try? file.bytes(count, at: identity.offset + identity.size - count)
    else { return nil }
    return Keyed(
      index: images[i].index, key: FileEnd(size: identity.size, hash: ContentHash(end)))
  }
}

/// What `body` gives for `0 ..< count`, by all cores, in order.
private func found<Key>(
  _ count: Int, _ body: @Sendable (Int) -> Keyed<Key>?
) -> [Keyed<Key>] {
  let part = 256
  let results = Mutex<[Keyed<Key>]>([])
  DispatchQueue.concurrentPerform(iterations: (count + part - 1) / part) { p in
    let keys = (p * part..<min((p + 1) * part, count)).compactMap(body)
    results.withLock { $0 += keys }
  }
  return results.withLock { $0 }.sorted { $0.index < $1.index }
}

extension ImageDataset {
  /// A hash of what is stored of an image: its file's bytes, or its pixels.
  fileprivate func contentHash(of index: Int) -> ContentHash? {
    switch try? content(of: index) {
    case .encoded(let file)?: ContentHash(file.bytes)
    case .pixels(let image)?: ContentHash(image.pixels)
    case nil: nil
    }
  }
}
