/// What is wrong with a COCO file and does not keep it from being used: how often, and where first.
public struct COCOProblems: Hashable, Sendable {
  /// A kind of mistake.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    /// A box reaches out of its picture; it is used cut to the picture.
    case boxOutside = "boxes reach out of their picture and are used cut to it"
    /// A box has a side of 0 or less, or a number that is none; the object is left out.
    case emptyBox = "objects are left out: a side of the box is 0 or less, or is no number"
    /// A polygon has fewer than 3 points, or an odd number of numbers; it is left out.
    case badPolygon = "polygons are left out: fewer than 3 points, or an odd number of numbers"
    /// An object's mask has no polygon that can be used; the mask is left out.
    case noPolygon = "objects are left out: no polygon of their mask can be used"
    /// A crowd's mask is of polygons.
    case polygonCrowd = "crowds have polygons where run lengths are usual"
    /// `iscrowd` is missing; the object is no crowd.
    case noCrowdFlag = "objects have no iscrowd and count as single"
    /// `area` is missing; it is counted from the mask, or the box.
    case noArea = "objects have no area; it is that of the mask, or of the box"
    /// An object has no mask.
    case noMask = "objects have a box and no mask"
    /// An object has no box; it is the mask's.
    case noBox = "objects have a mask and no box; it is the mask's"
    /// An object has the id 0.
    case zeroID = "objects have the id 0, with which pycocotools gives lower numbers than the true"
    /// An object has no id.
    case noID = "objects have no id"
    /// Two categories have one name; the ids are written behind the names.
    case sameName = "categories have a name twice; their ids are written behind it"
    /// A picture has no objects.
    case emptyImage = "pictures have no objects"
  }

  /// How often each kind occurs.
  public private(set) var counts: [Kind: Int] = [:]
  /// Where each kind occurs first: `object 12`.
  public private(set) var examples: [Kind: String] = [:]

  mutating func add(_ kind: Kind, _ example: @autoclosure () -> String) {
    counts[kind, default: 0] += 1
    if examples[kind] == nil { examples[kind] = example() }
  }

  /// A sentence for each kind.
  public var lines: [String] {
    Kind.allCases.compactMap { kind in
      guard let count = counts[kind] else { return nil }
      return "\(count) \(kind.rawValue) (first \(examples[kind] ?? ""))"
    }
  }
}
