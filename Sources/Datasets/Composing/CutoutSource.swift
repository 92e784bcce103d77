import FileSystem
public import Imaging

/// Objects cut out of pictures, in classes, divided for learning and for validation: no object is
/// in both parts.
public protocol CutoutSource: Sendable {
  /// Names of the classes, in the order of their numbers.
  var classes: [String] { get }
  /// Number of objects of a class in a part.
  func count(of label: Int, in split: DatasetSplit) -> Int
  /// What an object is called in the annotations.
  func name(of index: Int, label: Int, in split: DatasetSplit) -> String
  /// An object, no larger than it needs to be, in colours drawn for this use where it has none.
  ///
  /// - Parameter side: the longest side at which it is used.
  func cutout(
    _ index: Int, label: Int, in split: DatasetSplit, side: Int, using random: inout SampleRandom
  ) throws(ImageError) -> AlphaImage
  /// What was left out, a sentence each.
  var notes: [String] { get }
}

/// Cut-outs in class folders: PNG or WebP files with transparency.
public struct CutoutFolder: CutoutSource {
  public let classes: [String]
  public let notes: [String]
  private let path: String
  /// By part, class and number.
  private let files: [DatasetSplit: [[String]]]
  private let cache: ImageCache<AlphaImage>

  /// Fewest opaque pixels of a cut-out.
  static let fewestPixels = 400
  /// Largest part of its box that a cut-out fills; one that fills more is a rectangle.
  static let largestFill = 0.97
  /// Fewest cut-outs of a class.
  static let fewestOfClass = 4

  /// Reads every file of a folder once and keeps those that are cut-outs.
  ///
  /// - Parameters:
  ///   - side: the longest side at which cut-outs are used; larger ones are kept smaller.
  ///   - dropsSmall: whether a class of fewer than four cut-outs is left out, not refused.
  /// - Throws: `DatasetError` where there are no class folders, or a class has too few cut-outs.
  public init(
    _ path: String, side: Int, dropsSmall: Bool = false, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let path = try PathWords.path(path)
    guard PathKind(path) == .folder else {
      throw DatasetError(
        PathKind(path) == .nothing ? .missing : .malformed, path: path,
        "is no folder; expected class folders of PNG or WebP files with transparency")
    }
    let listing = try FolderListing(path)
    guard !listing.images.isEmpty else {
      throw DatasetError(.empty, path: path, listing.whyEmpty)
    }
    var byClass: [String: [String]] = [:]
    var outside = 0
    for name in listing.images {
      guard let slash = name.firstIndex(of: "/") else {
        outside += 1
        continue
      }
      byClass[String(name[..<slash]), default: []].append(name)
    }
    guard !byClass.isEmpty else {
      throw DatasetError(
        .malformed, path: path,
        "has \(outside) images and no class folders; put each class's cut-outs into a folder")
    }
    var notes: [String] = []
    if outside > 0 {
      notes.append("\(counted(outside, "image")) not used, beside the class folders")
    }
    let all = byClass.values.flatMap { $0 }.sorted(by: precedes)
    let kinds = Self.looked(at: all, in: path, limits: limits)
    var reasons: [Kind: [String]] = [:]
    for (name, kind) in zip(all, kinds) where kind != .cutout {
      reasons[kind, default: []].append(name)
    }
    for kind in [Kind.unreadable, .opaque, .small] {
      guard let names = reasons[kind] else { continue }
      notes.append("\(counted(names.count, "file")) left out, \(kind.rawValue): \(firstFew(names))")
    }
    let kept = Set(zip(all, kinds).filter { $0.1 == .cutout }.map(\.0))
    var classes: [String] = []
    var files: [DatasetSplit: [[String]]] = [.training: [], .validation: []]
    for name in byClass.keys.sorted(by: precedes) {
      let own = (byClass[name] ?? []).filter(kept.contains)
      guard own.count >= Self.fewestOfClass else {
        guard dropsSmall else {
          throw DatasetError(
            .malformed, path: path,
            "has \(own.count) cut-outs of the class \(name.shownPath); expected at least "
              + "\(Self.fewestOfClass): add some, or leave such classes out (--drop-small)")
        }
        notes.append("the class \(name.shownPath) is left out: \(own.count) cut-outs")
        continue
      }
      classes.append(name.shownPath)
      let parts = divided(own)
      files[.training]?.append(parts.training)
      files[.validation]?.append(parts.validation)
    }
    guard !classes.isEmpty else {
      throw DatasetError(
        .empty, path: path, "has no class of at least \(Self.fewestOfClass) cut-outs")
    }
    self.path = path
    self.classes = classes
    self.notes = notes
    self.files = files
    let shown = side * 2
    cache = ImageCache { name throws(ImageError) in
      let picture = try AlphaImage(decoding: EncodedImage(path: joined(path, name), limits: limits))
      guard let box = picture.mask.box else {
        throw ImageError(.corrupt, name: name, "has changed: it is transparent now")
      }
      let cut = picture.cropped(to: box)
      let longest = max(cut.width, cut.height)
      return longest > shown ? cut.scaled(toLongest: shown) : cut
    } cost: {
      $0.width * $0.height * 4
    }
  }

  private enum Kind: String {
    case cutout = ""
    case unreadable = "not PNG or WebP that can be read"
    case opaque = "no cut-outs: they fill their box (more than 97 %)"
    case small = "with fewer than 400 opaque pixels"
  }

  private static func looked(
    at names: [String], in path: String, limits: ImageLimits
  ) -> [Kind] {
    concurrentMap(names) { name in
      guard let file = try? EncodedImage(path: joined(path, name), limits: limits),
        let picture = try? AlphaImage(decoding: file)
      else { return .unreadable }
      let mask = picture.mask
      guard let box = mask.box, mask.area >= fewestPixels else { return .small }
      return Double(mask.area) > largestFill * Double(box.width * box.height) ? .opaque : .cutout
    }
  }

  public func count(of label: Int, in split: DatasetSplit) -> Int {
    files[split]?[label].count ?? 0
  }

  public func name(of index: Int, label: Int, in split: DatasetSplit) -> String {
    files[split]?[label][index].shownPath ?? ""
  }

  public func cutout(
    _ index: Int, label: Int, in split: DatasetSplit, side: Int, using random: inout SampleRandom
  ) throws(ImageError) -> AlphaImage {
    try cache[files[split]?[label][index] ?? ""]
  }
}

/// Gray pictures on black as cut-outs, such as Fashion-MNIST's garments: what is not black is the
/// object, tinted anew at each use.
public struct GrayCutouts: CutoutSource {
  public let classes: [String]
  public var notes: [String] { [] }
  private let sets: [DatasetSplit: any ImageDataset]
  private let members: [DatasetSplit: [[Int]]]

  /// Takes a set's two parts.
  ///
  /// - Throws: `DatasetError` where the images have no classes.
  public init(
    training: any ImageDataset, validation: any ImageDataset, names: [String]? = nil,
    path: String
  ) throws(DatasetError) {
    guard let classes = training.classes else {
      throw DatasetError(.malformed, path: path, "has no classes; expected labelled images")
    }
    self.classes = names.flatMap { $0.count == classes.count ? $0 : nil } ?? classes
    sets = [.training: training, .validation: validation]
    var members: [DatasetSplit: [[Int]]] = [:]
    for (split, set) in sets {
      var lists = [[Int]](repeating: [], count: classes.count)
      for index in 0..<set.count {
        if let label = set.label(of: index), lists.indices.contains(label) {
          lists[label].append(index)
        }
      }
      if let empty = lists.firstIndex(where: \.isEmpty) {
        throw DatasetError(
          .malformed, path: path,
          "has no image of the class \(classes[empty]) for \(split.rawValue)")
      }
      members[split] = lists
    }
    self.members = members
  }

  /// The names of Fashion-MNIST's classes, whose files have numbers.
  public static let fashionMNIST = [
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
    "ankle boot",
  ]

  public func count(of label: Int, in split: DatasetSplit) -> Int {
    members[split]?[label].count ?? 0
  }

  public func name(of index: Int, label: Int, in split: DatasetSplit) -> String {
    guard let set = sets[split], let members = members[split] else { return "" }
    return set.name(of: members[label][index])
  }

  public func cutout(
    _ index: Int, label: Int, in split: DatasetSplit, side: Int, using random: inout SampleRandom
  ) throws(ImageError) -> AlphaImage {
    guard let set = sets[split], let members = members[split] else {
      preconditionFailure("both parts are there")
    }
    let gray = try set.image(at: members[label][index], channels: 1)
    // Bright or dark, of any colour: the gray level is how much of it there is.
    let tint = (0..<3).map { _ in random.integer(below: 206) + 50 }
    var colors: [UInt8] = []
    colors.reserveCapacity(gray.pixels.count * 3)
    for value in gray.pixels {
      let light = 80 + Int(value) * 175 / 255
      for c in 0..<3 { colors.append(UInt8(tint[c] * light / 255)) }
    }
    let picture = AlphaImage(
      colors: ByteImage(width: gray.width, height: gray.height, channels: 3, pixels: colors),
      alpha: ByteImage(
        width: gray.width, height: gray.height, channels: 1,
        pixels: gray.pixels.map { $0 > 0 ? 255 : 0 }))
    guard let box = picture.mask.box else {
      throw ImageError(
        .corrupt, name: set.name(of: members[label][index]), "is black: there is no object")
    }
    return picture.cropped(to: box)
  }
}

/// Names in the order of their bytes.
func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

/// Three quarters of some names and the rest, at least one in each of two or more: the order is that
/// of a hash of the name, so that it does not follow from how the names are sorted.
func divided(_ names: [String]) -> (training: [String], validation: [String]) {
  func key(_ name: String) -> UInt64 {
    mixed(
      name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
  }
  let ordered = names.sorted { (key($0), $0) < (key($1), $1) }
  let held = names.count < 2 ? 0 : max(1, names.count / 4)
  return (
    ordered.dropFirst(held).sorted(by: precedes), ordered.prefix(held).sorted(by: precedes)
  )
}

extension AlphaImage {
  /// The picture with a longest side of so many pixels.
  func scaled(toLongest side: Int) -> AlphaImage {
    let longest = max(width, height)
    func scaled(_ length: Int) -> Int { max(1, (length * side + longest / 2) / longest) }
    return resized(to: PixelSize(width: scaled(width), height: scaled(height)))
  }
}
