public import Imaging

/// What a pixel with the number 0 is, where the classes begin at 1.
public enum ZeroLabel: String, CaseIterable, Codable, Hashable, Sendable {
  /// A class of its own, called background.
  case background
  /// Nothing that is learned or counted, as in ADE20K.
  case ignored
}

/// The classes of pixels, and which numbers stand for them in files.
public struct LabelNumbering: Codable, Hashable, Sendable {
  /// Names in the order of the classes' own numbers, 0 to K − 1.
  public var names: [String]
  /// The number of each class in files.
  public var ids: [Int]
  /// Numbers in files that are ignored, besides 255 (65535 of 16 bits), which is where no class has
  /// it.
  public var ignoredIDs: [Int]
  /// Red, green and blue of each class in files of colours; nil where files have numbers.
  public var colors: [[UInt8]?]

  /// Creates a numbering.
  ///
  /// - Precondition: each class has a number of its own.
  public init(
    names: [String], ids: [Int], ignoredIDs: [Int] = [], colors: [[UInt8]?]? = nil
  ) {
    precondition(names.count == ids.count && Set(ids).count == ids.count, "numbers of classes")
    self.names = names
    self.ids = ids
    self.ignoredIDs = ignoredIDs
    self.colors = colors ?? Array(repeating: nil, count: names.count)
  }

  /// Classes that are numbered in files from 0 on, or, where 0 is something else, from 1.
  public init(names: [String], zeroIs: ZeroLabel?) {
    switch zeroIs {
    case nil: self.init(names: names, ids: Array(names.indices))
    case .ignored?:
      self.init(names: names, ids: names.indices.map { $0 + 1 }, ignoredIDs: [0])
    case .background?:
      self.init(names: ["background"] + names, ids: Array(0...names.count))
    }
  }

  /// Number of classes, K.
  public var count: Int { names.count }

  /// Whether the set's files hold colours.
  var hasColors: Bool { colors.contains { $0 != nil } }

  /// The class of each number that a file can have; −1 for ignored, −2 for what stands for nothing.
  func classes(bits: Int) -> [Int32] {
    var table = [Int32](repeating: -2, count: 1 << 16)
    table[bits == 16 ? 65_535 : 255] = -1
    for id in ignoredIDs where table.indices.contains(id) { table[id] = -1 }
    for (label, id) in ids.enumerated() where table.indices.contains(id) {
      table[id] = Int32(label)
    }
    return table
  }

  /// The classes of a file's numbers.
  ///
  /// - Throws: ``/Imaging/ImageError`` that names a number that stands for no class, and where it
  ///   is.
  public func classes(of stored: LabelMap.Stored) throws(ImageError) -> LabelMap {
    let table = classes(bits: stored.bits)
    var labels: [UInt16] = []
    labels.reserveCapacity(stored.map.labels.count)
    for (place, number) in stored.map.labels.enumerated() {
      let label = table[Int(number)]
      if label >= 0 {
        labels.append(UInt16(label))
      } else if label == -1 {
        labels.append(LabelMap.ignored)
      } else {
        throw ImageError(
          .corrupt,
          "has the label \(number) at column \(place % stored.map.width), row "
            + "\(place / stored.map.width); the classes have \(idRange) (\(count) of them): add it to "
            + "the class table, or correct the file")
      }
    }
    return LabelMap(width: stored.map.width, height: stored.map.height, labels: labels)
  }

  /// The classes of a picture's colours.
  ///
  /// - Throws: ``/Imaging/ImageError`` that names a colour that is of no class, and where it is.
  func classes(ofColors picture: ByteImage, ignored: [UInt32]) throws(ImageError) -> LabelMap {
    var table: [UInt32: UInt16] = [:]
    for color in ignored { table[color] = LabelMap.ignored }
    for (label, color) in colors.enumerated() {
      if let color { table[Self.key(color[0], color[1], color[2])] = UInt16(label) }
    }
    var labels: [UInt16] = []
    labels.reserveCapacity(picture.width * picture.height)
    var (last, lastLabel): (UInt32, UInt16) = (.max, 0)
    for i in stride(from: 0, to: picture.pixels.count, by: 3) {
      let (r, g, b) = (picture.pixels[i], picture.pixels[i + 1], picture.pixels[i + 2])
      let key = Self.key(r, g, b)
      if key != last {
        guard let label = table[key] else {
          throw ImageError(
            .corrupt,
            "has the colour \(r) \(g) \(b) at column \(i / 3 % picture.width), row "
              + "\(i / 3 / picture.width), which is of no class: add it to the class table, or "
              + "correct the file")
        }
        (last, lastLabel) = (key, label)
      }
      labels.append(lastLabel)
    }
    return LabelMap(width: picture.width, height: picture.height, labels: labels)
  }

  static func key(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> UInt32 {
    UInt32(r) << 16 | UInt32(g) << 8 | UInt32(b)
  }

  private var idRange: String {
    guard let low = ids.min(), let high = ids.max() else { return "no numbers" }
    return high - low + 1 == count
      ? "the numbers \(low) to \(high)" : "numbers from \(low) to \(high)"
  }

  /// The numbers that a map of classes has in the set's files; what is ignored stays so.
  ///
  /// - Precondition: the map's labels are classes of this numbering.
  public func stored(_ map: LabelMap) -> LabelMap {
    LabelMap(
      width: map.width, height: map.height,
      labels: map.labels.map { $0 == LabelMap.ignored ? $0 : UInt16(ids[Int($0)]) })
  }
}
