import FileSystem
import Imaging

/// A mask as a COCO file writes it: polygons, or run lengths of either form.
struct COCOShape {
  /// All polygons' numbers, one polygon after the other.
  private(set) var polygons: [Double] = []
  /// How many numbers each polygon has.
  private(set) var lengths: [Int32] = []
  /// Whether there was a list of polygons, perhaps of none.
  private(set) var isList = false
  /// Polygons that are none.
  private(set) var bad = 0
  /// The size of run lengths.
  private(set) var size: PixelSize?
  private var text: [UInt8]?
  private var counts: [Double] = []

  /// No mask.
  init() {}

  /// Reads a value.
  init(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    switch try scanner.kind() {
    case .null: try scanner.skip()
    case .list: try readPolygons(&scanner)
    case .object: try readRuns(&scanner)
    default: throw scanner.failure("has a segmentation that is neither polygons nor an RLE")
    }
  }

  private mutating func readPolygons(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    isList = true
    var flat: [Double] = []
    try scanner.list { (scanner) throws(JSONScanner.Failure) in
      // Some programs write a single polygon without the list around it.
      guard try scanner.kind() == .list else {
        flat.append(try scanner.number())
        return
      }
      let first = polygons.count
      try scanner.list { (scanner) throws(JSONScanner.Failure) in
        polygons.append(try scanner.number())
      }
      close(from: first)
    }
    if !flat.isEmpty {
      let first = polygons.count
      polygons += flat
      close(from: first)
    }
  }

  /// Takes the numbers since `first` as a polygon, unless they are none.
  private mutating func close(from first: Int) {
    let points = polygons[first...]
    if RunLengthMask.problem(ofPolygon: points) == nil {
      lengths.append(Int32(points.count))
    } else {
      polygons.removeSubrange(first...)
      bad += 1
    }
  }

  private mutating func readRuns(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    try scanner.object { (scanner, key) throws(JSONScanner.Failure) in
      if key == "size" {
        var sides: [Double] = []
        try scanner.list { (scanner) throws(JSONScanner.Failure) in
          sides.append(try scanner.number())
        }
        guard sides.count == 2, let height = Int(exactly: sides[0]),
          let width = Int(exactly: sides[1]), (0...65_500).contains(height),
          (0...65_500).contains(width)
        else { throw scanner.failure("has an RLE of the size \(sides); expected [height, width]") }
        size = PixelSize(width: width, height: height)
      } else if key == "counts" {
        if try scanner.kind() == .string {
          text = try scanner.stringBytes { Array($0) }
        } else {
          try scanner.list { (scanner) throws(JSONScanner.Failure) in
            counts.append(try scanner.number())
          }
        }
      } else {
        try scanner.skip()
      }
    }
    guard size != nil else { throw scanner.failure("has an RLE without a size") }
  }

  /// The mask; nil where there is none, or no polygon of it can be used.
  ///
  /// - Parameter picture: the picture's size, which polygons are filled in.
  func mask(in picture: PixelSize?) throws(MaskError) -> RunLengthMask? {
    if let size {
      if let text { return try RunLengthMask(width: size.width, height: size.height, text: text) }
      return try RunLengthMask(
        width: size.width, height: size.height,
        counts: counts.map { $0.magnitude < 0x1p53 ? Int($0) : -1 })
    }
    guard let picture, !lengths.isEmpty else { return nil }
    var lists: [[Double]] = []
    var first = 0
    for length in lengths {
      lists.append(Array(polygons[first..<first + Int(length)]))
      first += Int(length)
    }
    return try RunLengthMask(width: picture.width, height: picture.height, polygons: lists)
  }
}

extension JSONScanner {
  /// Reads what a picture, an object or a category is called.
  mutating func identifier() throws(Failure) -> COCOIdentifier {
    if try kind() == .string { return .text(try string()) }
    let value = try number()
    guard value.rounded() == value, value.magnitude < 0x1p53 else {
      throw failure("has the id \(value); expected a whole number or a string")
    }
    return .number(Int(value))
  }

  /// Reads `x, y, width, height`; nil for null and an empty list.
  mutating func box() throws(Failure) -> SIMD4<Double>? {
    if try null() { return nil }
    var box = SIMD4<Double>()
    var count = 0
    try list { (scanner) throws(Failure) in
      // NaN comes as null from programs that keep to JSON.
      let value = try scanner.null() ? Double.nan : scanner.number()
      if count < 4 { box[count] = value }
      count += 1
    }
    if count == 0 { return nil }
    guard count == 4 else {
      throw failure("has a bbox of \(count) numbers; expected x, y, width and height")
    }
    return box
  }
}
