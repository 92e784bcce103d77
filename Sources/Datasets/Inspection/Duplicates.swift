import Imaging

/// Images of a set that are the same, or look the same.
public struct Duplicates: Hashable, Sendable {
  /// Images of one group, by number.
  public typealias Group = [Int]

  /// Groups of images whose files (or pixels, where the set has no files) are the same bytes.
  public let exact: [Group]
  /// Groups of images that look alike and are not the same bytes: scaled, encoded anew or slightly
  /// changed copies. One image of each exact group stands for it.
  public let alike: [Group]

  /// Bits of a perceptual fingerprint in which images that look alike may differ.
  static let mostBits = 6

  /// Finds groups.
  init(_ prints: [(index: Int, print: ImageFingerprint)]) {
    var groups: [ContentHash: Group] = [:]
    for (index, print) in prints { groups[print.content, default: []].append(index) }
    exact = groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    // Only the first of equal images goes on.
    var looks: [(index: Int, look: ImageFingerprint.Look)] = []
    for (index, print) in prints where groups[print.content]?.first == index {
      if let look = print.look { looks.append((index, look)) }
    }
    alike = Self.alike(looks)
  }

  /// How many images could go without losing an image that is not there twice.
  public var surplus: Int { exact.reduce(0) { $0 + $1.count - 1 } }

  private static func alike(_ looks: [(index: Int, look: ImageFingerprint.Look)]) -> [Group] {
    var sets = DisjointSets(looks.count)
    // Of eight parts of a fingerprint at least one is equal where fewer than eight bits differ.
    for part in 0..<8 {
      var buckets: [UInt16: [Int]] = [:]
      for (i, look) in looks.enumerated() { buckets[look.look.part(part), default: []].append(i) }
      for bucket in buckets.values {
        for (n, i) in bucket.enumerated() {
          // A bucket without bound would take time that grows with the square of the set.
          for j in bucket[(n + 1)...].prefix(2000)
          where looks[i].look.distance(to: looks[j].look) <= mostBits {
            sets.join(i, j)
          }
        }
      }
    }
    var groups: [Int: Group] = [:]
    for i in looks.indices { groups[sets.root(i), default: []].append(looks[i].index) }
    return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
  }
}

/// What is kept of an image to find its like.
struct ImageFingerprint: Hashable, Sendable {
  /// Brighter or darker than the neighbour: 64 bits of neighbours to the right and 64 of those
  /// below, on a grid of 9×9 means (Krawetz's dHash in both directions).
  struct Look: Hashable, Sendable {
    var across: UInt64
    var down: UInt64

    func part(_ number: Int) -> UInt16 {
      UInt16(truncatingIfNeeded: (number < 4 ? across : down) >> UInt64(16 * (number % 4)))
    }

    func distance(to other: Look) -> Int {
      (across ^ other.across).nonzeroBitCount + (down ^ other.down).nonzeroBitCount
    }
  }

  let content: ContentHash
  /// nil for an image with next to nothing on it: all such look alike.
  let look: Look?

  init(_ content: ImageContent, decoded image: ByteImage) {
    switch content {
    case .encoded(let file): self.content = ContentHash(file.bytes)
    case .pixels(let image): self.content = ContentHash(image.pixels)
    }
    let grid = image.converted(toChannels: 1).resized(
      to: PixelSize(width: 9, height: 9), filter: .bilinear)
    guard let low = grid.pixels.min(), let high = grid.pixels.max(), high - low >= 12 else {
      look = nil
      return
    }
    var look = Look(across: 0, down: 0)
    for y in 0..<8 {
      for x in 0..<8 {
        look.across = look.across << 1 | (grid[x, y, 0] < grid[x + 1, y, 0] ? 1 : 0)
        look.down = look.down << 1 | (grid[x, y, 0] < grid[x, y + 1, 0] ? 1 : 0)
      }
    }
    self.look = look
  }
}

/// 128 bits that tell contents apart; not against somebody who wants two to agree.
struct ContentHash: Hashable, Sendable {
  private var a: UInt64
  private var b: UInt64

  /// 32 hexadecimal digits.
  var text: String {
    [a, b].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  init(_ bytes: [UInt8]) {
    var a = mixed(UInt64(bytes.count) &+ 1)
    var b = mixed(a)
    bytes.withUnsafeBytes { bytes in
      var at = 0
      while at + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        a = mixed(a ^ word)
        b = (b &+ word) &* 0x9E37_79B9_7F4A_7C15
        b ^= b >> 29
        at += 8
      }
      for byte in bytes[at...] {
        a = mixed(a ^ UInt64(byte))
        b = mixed(b &+ UInt64(byte))
      }
    }
    self.a = a
    self.b = mixed(b)
  }
}

/// Sets that grow together.
private struct DisjointSets {
  private var parents: [Int]

  init(_ count: Int) { parents = Array(0..<count) }

  mutating func root(_ i: Int) -> Int {
    var i = i
    while parents[i] != i {
      parents[i] = parents[parents[i]]
      i = parents[i]
    }
    return i
  }

  mutating func join(_ i: Int, _ j: Int) {
    let (a, b) = (root(i), root(j))
    parents[max(a, b)] = min(a, b)
  }
}
