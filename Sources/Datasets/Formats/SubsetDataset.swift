public import Imaging

/// Some images of another set, with the same classes.
///
/// What is kept is a list of numbers, four bytes an image, or a range; the images stay where they
/// are.
public struct SubsetDataset: ImageDataset {
  /// The set the images are of.
  public let base: any ImageDataset
  private let picks: Picks

  private enum Picks: Sendable {
    case range(Range<Int>)
    case list([UInt32])
  }

  /// Takes neighbouring images.
  ///
  /// - Precondition: the range lies in the set.
  public init(_ base: any ImageDataset, range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= base.count,
      "images \(range) of a set of \(base.count)")
    self.base = base
    picks = .range(range)
  }

  /// Takes images by their numbers, in that order.
  ///
  /// - Precondition: the numbers are those of images of the set.
  public init(_ base: any ImageDataset, indices: some Sequence<Int>) {
    let count = base.count
    precondition(count <= Int(UInt32.max), "a list of images of a set of \(count)")
    self.base = base
    picks = .list(
      indices.map { index in
        precondition((0..<count).contains(index), "image \(index) of a set of \(count)")
        return UInt32(index)
      })
  }

  /// Number of images.
  public var count: Int {
    switch picks {
    case .range(let range): range.count
    case .list(let list): list.count
    }
  }

  /// The number that an image has in the other set.
  public func baseIndex(of index: Int) -> Int {
    switch picks {
    case .range(let range):
      precondition(index >= 0 && index < range.count, "image \(index) of \(range.count)")
      return range.lowerBound + index
    case .list(let list): return Int(list[index])
    }
  }

  /// The other set's classes, also those of which no image was taken.
  public var classes: [String]? { base.classes }
  /// The other set's.
  public var labelProblem: DatasetError? { base.labelProblem }
  /// The other set's.
  public var notes: [String] { base.notes }
  /// The image's class in the other set.
  public func label(of index: Int) -> Int? { base.label(of: baseIndex(of: index)) }
  /// The image's name in the other set.
  public func name(of index: Int) -> String { base.name(of: baseIndex(of: index)) }
  /// The image.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    try base.content(of: baseIndex(of: index))
  }
}

extension SubsetDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? {
    (base as? any StoredDataset)?.place(of: baseIndex(of: index))
  }
}

extension ImageDataset {
  /// Neighbouring images.
  ///
  /// - Precondition: the range lies in the set.
  public func subset(range: Range<Int>) -> SubsetDataset { SubsetDataset(self, range: range) }

  /// A few images of each class, chosen by chance: "n-shot" learning.
  ///
  /// The choice depends on the seed and the images' names alone (less the folders that all of them
  /// are in), not on their order or on other images; a smaller choice of the same seed is part of a
  /// larger one. Images keep their order.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - allowingFewer: whether a class may have fewer images, of which all are then taken.
  /// - Throws: `DatasetError` where the images have no classes or a class has too few.
  /// - Precondition: `perClass` is at least 1.
  /// - Complexity: O(`count` · log `count`) once.
  public func subset(
    perClass: Int, seed: UInt64, path: String = "data", allowingFewer: Bool = false
  ) throws(DatasetError) -> SubsetDataset {
    precondition(perClass >= 1, "a choice of \(perClass) images a class")
    let choice = try StratifiedChoice(of: self, seed: seed, path: path)
    if !allowingFewer, let least = choice.leastClass, least.count < perClass {
      throw DatasetError(
        .malformed, path: path,
        "has \(least.count) images of class \"\(least.name)\"; \(perClass) of each class were asked for"
      )
    }
    return SubsetDataset(self, indices: choice.indices { min($0, perClass) })
  }

  /// A part of each class, chosen by chance as ``subset(perClass:seed:path:allowingFewer:)`` does:
  /// the nearest whole number of images, and at least one of each class that has any.
  ///
  /// - Parameter path: what the set is called in messages.
  /// - Throws: `DatasetError` where the images have no classes.
  /// - Precondition: `fraction` is above 0 and at most 1.
  /// - Complexity: O(`count` · log `count`) once.
  public func subset(
    fraction: Double, seed: UInt64, path: String = "data"
  ) throws(DatasetError) -> SubsetDataset {
    precondition(fraction > 0 && fraction <= 1, "a part of \(fraction) of a set")
    let choice = try StratifiedChoice(of: self, seed: seed, path: path)
    return SubsetDataset(
      self, indices: choice.indices { max(1, Int((Double($0) * fraction).rounded())) })
  }

  /// A part of each class to hold back from training, chosen as ``subset(fraction:seed:path:)``
  /// does: at least one image of each class that has two or more, and none of a class with one,
  /// which is needed for training.
  ///
  /// - Parameter path: what the set is called in messages.
  /// - Throws: `DatasetError` where the images have no classes.
  /// - Precondition: `fraction` is above 0 and at most 1.
  public func heldBack(
    fraction: Double, seed: UInt64, path: String = "data"
  ) throws(DatasetError) -> SubsetDataset {
    precondition(fraction > 0 && fraction <= 1, "a part of \(fraction) of a set")
    let choice = try StratifiedChoice(of: self, seed: seed, path: path)
    return SubsetDataset(
      self,
      indices: choice.indices { $0 == 1 ? 0 : max(1, Int((Double($0) * fraction).rounded())) })
  }

  /// So many images of all classes together, chosen by chance as
  /// ``subset(perClass:seed:path:allowingFewer:)`` does: each class has its share of them, and one
  /// at least where there are enough. All images that have a class where there are fewer.
  ///
  /// - Parameter path: what the set is called in messages.
  /// - Throws: `DatasetError` where the images have no classes.
  /// - Precondition: `count` is at least 1.
  /// - Complexity: O(n · log n) of the set's n images, once.
  public func subset(
    count: Int, seed: UInt64, path: String = "data"
  ) throws(DatasetError) -> SubsetDataset {
    precondition(count >= 1, "a choice of \(count) images")
    let choice = try StratifiedChoice(of: self, seed: seed, path: path)
    return SubsetDataset(self, indices: choice.indices(count: count))
  }
}

/// The images of each class in an order that chance gives them.
private struct StratifiedChoice {
  /// The images of each class.
  private let members: [[(key: UInt64, index: UInt32)]]
  private let names: [String]

  init(
    of set: some ImageDataset, seed: UInt64, path: String
  ) throws(DatasetError) {
    guard let names = set.classes, !names.isEmpty else {
      throw DatasetError(
        .malformed, path: path,
        "has no classes, and a choice of images of each was asked for; expected one subfolder for each "
          + "class, or a list with classes")
    }
    let shared = sharedFolder(of: set)
    let start = mixed(seed &+ 0x9E37_79B9_7F4A_7C15)
    var members = [[(key: UInt64, index: UInt32)]](repeating: [], count: names.count)
    for index in 0..<set.count {
      guard let label = set.label(of: index), names.indices.contains(label) else { continue }
      let key = hash(set.name(of: index).utf8.dropFirst(shared), from: start)
      members[label].append((key, UInt32(index)))
    }
    for label in members.indices {
      members[label].sort { ($0.key, $0.index) < ($1.key, $1.index) }
    }
    self.members = members
    self.names = names
  }

  /// The class with the fewest images.
  var leastClass: (name: String, count: Int)? {
    let label = members.indices.min { members[$0].count < members[$1].count }
    return label.map { (names[$0], members[$0].count) }
  }

  /// Of each class that has images as many as `wanted` says of their number, in the set's order.
  func indices(_ wanted: (Int) -> Int) -> [Int] {
    members.flatMap { group in
      group.prefix(group.isEmpty ? 0 : wanted(group.count)).map { Int($0.index) }
    }.sorted()
  }

  /// So many images with classes in proportion, in the set's order.
  ///
  /// Every image has a place on a line from 0 to 1: a class's first at 0, its others evenly spread.
  func indices(count: Int) -> [Int] {
    let places = members.flatMap { group in
      group.enumerated().map { rank, image in
        let place = rank == 0 ? 0 : (Double(rank) + 0.5) / Double(group.count)
        return (place: place, key: image.key, index: image.index)
      }
    }
    let first = places.sorted { ($0.place, $0.key, $0.index) < ($1.place, $1.key, $1.index) }
    return first.prefix(count).map { Int($0.index) }.sorted()
  }
}

/// Bytes of the folders with which all names begin, so that a set may be moved.
func sharedFolder(of set: some ImageDataset) -> Int {
  guard set.count > 0 else { return 0 }
  let first = Array(set.name(of: 0).utf8)
  var length = first.count
  for index in 1..<max(set.count, 1) where length > 0 {
    length = zip(first[..<length], set.name(of: index).utf8).prefix { $0 == $1 }.count
  }
  return first[..<length].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
}

/// A hash that is the same on every machine.
func hash(_ text: some Sequence<UInt8>, from start: UInt64) -> UInt64 {
  var state = start
  var word: UInt64 = 0
  var filled = 0
  var count = 0
  for byte in text {
    word = word << 8 | UInt64(byte)
    filled += 1
    count += 1
    if filled == 8 {
      state = mixed(state ^ word)
      (word, filled) = (0, 0)
    }
  }
  return mixed(mixed(state ^ word) &+ UInt64(count))
}
