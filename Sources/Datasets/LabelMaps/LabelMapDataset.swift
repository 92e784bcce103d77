import FileSystem
public import Imaging

/// A set of pictures with the class of every pixel.
///
/// The pictures themselves have no class: ``ImageDataset/classes`` is nil.
public protocol LabelMapDataset: ImageDataset {
  /// The classes of pixels, and which numbers stand for them in the set's files.
  var numbering: LabelNumbering { get }
  /// What is known of a picture's labels.
  ///
  /// - Returns: The label of each pixel of the upright picture, at its own size: a class's number
  ///   from 0 on, or ``/Imaging/LabelMap/ignored``.
  /// - Throws: `ImageError` that names the file.
  func labelMap(of index: Int) throws(ImageError) -> LabelMap
  /// The numbers that the set's file has, before they are made classes; nil where the labels come
  /// from something else than numbers of pixels.
  func storedLabels(of index: Int) throws(ImageError) -> LabelMap.Stored?
}

extension LabelMapDataset {
  /// Names of the pixels' classes in the order of their numbers.
  public var pixelClasses: [String] { numbering.names }

  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }

  /// None are stored.
  public func storedLabels(of index: Int) throws(ImageError) -> LabelMap.Stored? { nil }

  /// A picture and its labels, of one size.
  public func sample(
    of index: Int, channels: Int = 3
  ) throws(ImageError) -> (image: ByteImage, labels: LabelMap) {
    let image = try image(at: index, channels: channels)
    return (image, try labelMap(of: index))
  }
}

/// Some pictures of a set with label maps.
public struct LabelMapSubset: LabelMapDataset {
  /// The set the pictures are of.
  public let base: any LabelMapDataset
  private let indices: [Int]

  /// Takes pictures by their numbers, in that order.
  ///
  /// - Precondition: the numbers are those of pictures of the set.
  public init(_ base: any LabelMapDataset, indices: [Int]) {
    precondition(
      indices.allSatisfy { (0..<base.count).contains($0) }, "pictures of a set of \(base.count)")
    self.base = base
    self.indices = indices
  }

  /// Takes a part of the set, chosen by chance: the nearest whole number of pictures, at least one.
  ///
  /// The choice depends on the seed and the pictures' names; a smaller part of the same seed is a
  /// part of a larger one. Pictures keep their order.
  ///
  /// - Precondition: `fraction` is above 0 and at most 1.
  public init(_ base: any LabelMapDataset, fraction: Double, seed: UInt64) {
    precondition(fraction > 0 && fraction <= 1, "a part of \(fraction)")
    let keys = (0..<base.count).map { index in
      (key: Self.key(base.name(of: index), seed: seed), index: index)
    }
    let kept = min(base.count, max(1, Int((fraction * Double(base.count)).rounded())))
    let chosen = keys.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.prefix(kept)
    self.init(base, indices: chosen.map(\.index).sorted())
  }

  /// FNV-1a of a name, mixed with the seed.
  static func key(_ name: String, seed: UInt64) -> UInt64 {
    let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return mixed(hash ^ mixed(seed &+ 0x9E37_79B9_7F4A_7C15))
  }

  public var count: Int { indices.count }
  public var numbering: LabelNumbering { base.numbering }
  public var notes: [String] { base.notes }
  public func name(of index: Int) -> String { base.name(of: indices[index]) }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    try base.content(of: indices[index])
  }
  public func labelMap(of index: Int) throws(ImageError) -> LabelMap {
    try base.labelMap(of: indices[index])
  }
  public func storedLabels(of index: Int) throws(ImageError) -> LabelMap.Stored? {
    try base.storedLabels(of: indices[index])
  }
}
