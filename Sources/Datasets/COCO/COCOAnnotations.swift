public import Imaging

/// Pictures and the objects on them, as a COCO file lists them (Lin et al., 2014): boxes, masks as
/// polygons or run lengths, crowds.
///
/// A file of a million objects takes a few hundred megabytes: polygons and runs are kept in a few
/// large blocks, and a mask is made when it is asked for.
public struct COCOAnnotations: Sendable {
  /// A picture.
  public struct Image: Hashable, Sendable {
    /// Its id in the file.
    public var id: COCOIdentifier
    /// The name of its file.
    public var fileName: String
    /// The size that the file gives it; nil where it gives none.
    public var size: PixelSize?

    /// Creates a picture.
    public init(id: COCOIdentifier, fileName: String, size: PixelSize?) {
      self.id = id
      self.fileName = fileName
      self.size = size
    }
  }

  /// A class of objects.
  public struct Category: Hashable, Sendable {
    /// Its id in the file.
    public var id: COCOIdentifier
    /// Its name; with the id behind it where the file has the name twice.
    public var name: String

    /// Creates a class.
    public init(id: COCOIdentifier, name: String) {
      self.id = id
      self.name = name
    }
  }

  /// An object.
  public struct Object: Sendable {
    /// Its id in the file; nil where it has none.
    public var id: COCOIdentifier?
    /// The number of its picture in ``COCOAnnotations/images``.
    public var image: Int
    /// The number of its class in ``COCOAnnotations/categories``.
    public var category: Int
    /// Left, top, width and height as the file has them.
    public var box: SIMD4<Double>
    /// The file's area; where it has none, the mask's or the box's.
    public var area: Double
    /// Whether it stands for a crowd of objects of the class.
    public var isCrowd: Bool
    /// Where its shape is kept.
    var shape: Shape
  }

  /// Where an object's shape is kept.
  enum Shape: Hashable {
    case none
    case polygons(StoredList<Double>.Place, lengths: StoredList<Int32>.Place)
    case runs(StoredList<UInt32>.Place, PixelSize)
  }

  /// The file.
  public let path: String
  /// The pictures in the order of the file.
  public internal(set) var images: [Image] = []
  /// The classes in the order of their ids.
  public internal(set) var categories: [Category] = []
  /// The objects in the order of the file, those left out that ``COCOProblems`` counts as such.
  public internal(set) var objects: [Object] = []
  /// What is wrong with the file and does not keep it from being used.
  public internal(set) var problems = COCOProblems()

  var numbers = StoredList<Double>()
  var lengths = StoredList<Int32>()
  var runs = StoredList<UInt32>()

  init(emptyAt path: String) { self.path = path }

  /// Whether an object has a mask.
  public func hasMask(_ object: Object) -> Bool { object.shape != .none }

  /// Whether an object's mask is of polygons, and its picture has no size that they could be filled in.
  public func lacksSize(_ object: Object) -> Bool {
    guard case .polygons = object.shape else { return false }
    return images[object.image].size == nil
  }

  /// An object's polygons, `x0, y0, x1, y1, …` each; nil where its mask is of another kind.
  public func polygons(of object: Object) -> [[Double]]? {
    guard case .polygons(let place, let lengths) = object.shape else { return nil }
    let numbers = numbers[place]
    var first = numbers.startIndex
    var polygons: [[Double]] = []
    for length in self.lengths[lengths] {
      polygons.append(Array(numbers[first..<first + Int(length)]))
      first += Int(length)
    }
    return polygons
  }

  /// An object's mask in its picture; nil where it has none, and where the mask is of polygons and
  /// the picture's size is not known.
  public func mask(of object: Object) -> RunLengthMask? {
    switch object.shape {
    case .none: return nil
    case .runs(let place, let size):
      return RunLengthMask(width: size.width, height: size.height, canonical: Array(runs[place]))
    case .polygons:
      guard let size = images[object.image].size, let polygons = polygons(of: object) else {
        return nil
      }
      // The polygons were checked when they were read.
      return try? RunLengthMask(width: size.width, height: size.height, polygons: polygons)
    }
  }

  /// The numbers of each picture's objects, in the order of the file.
  ///
  /// - Complexity: O(objects)
  public func objectsOfImages() -> [[Int]] {
    var found = [[Int]](repeating: [], count: images.count)
    for (number, object) in objects.enumerated() { found[object.image].append(number) }
    return found
  }
}

/// Lists of many lengths in a few blocks, so that none moves when there are more.
struct StoredList<Element: Sendable>: Sendable {
  /// Where a list is.
  struct Place: Hashable, Sendable {
    var block: Int32
    var start: Int32
    var count: Int32
  }

  private var blocks: [[Element]] = []
  private static var blockSize: Int { 1 << 19 }

  /// Keeps a list.
  mutating func add(_ list: [Element]) -> Place {
    if (blocks.last.map { $0.count + list.count > Self.blockSize }) ?? true {
      var block: [Element] = []
      block.reserveCapacity(max(Self.blockSize, list.count))
      blocks.append(block)
    }
    let last = blocks.count - 1
    let place = Place(
      block: Int32(last), start: Int32(blocks[last].count), count: Int32(list.count))
    blocks[last].append(contentsOf: list)
    return place
  }

  subscript(place: Place) -> ArraySlice<Element> {
    blocks[Int(place.block)][Int(place.start)..<Int(place.start) + Int(place.count)]
  }
}
