import Dispatch
import FileSystem
public import Imaging
import Synchronization

/// What objects are put on: photographs of a folder, or surfaces made up from random colours.
public struct BackgroundSource: Sendable {
  /// What was left out, a sentence each.
  public let notes: [String]
  private let files: [DatasetSplit: [String]]
  private let cache: ImageCache<ByteImage>?

  /// Surfaces made up anew for each scene.
  public init() {
    notes = []
    files = [:]
    cache = nil
  }

  /// Takes the pictures of a folder and below it.
  ///
  /// - Parameter side: of a scene; larger pictures are kept smaller.
  /// - Throws: `DatasetError` where there are fewer than two.
  public init(
    folder: String, side: Int, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let path = try PathWords.path(folder)
    guard PathKind(path) == .folder else {
      throw DatasetError(.missing, path: path, "is no folder; expected one of photographs")
    }
    let listing = try FolderListing(path)
    let names = Array(listing.images)
    let sizes = concurrentMap(names) { name in
      (try? EncodedImage(path: joined(path, name), limits: limits))?.size
    }
    let large = zip(names, sizes).filter { min($1?.width ?? 0, $1?.height ?? 0) >= side }.map(\.0)
    guard large.count >= 2 else {
      throw DatasetError(
        large.isEmpty ? .empty : .malformed, path: path,
        "has \(large.count) pictures of at least \(side) pixels a side for backgrounds; expected at "
          + "least 2")
    }
    let left = names.count - large.count
    notes =
      left > 0
      ? ["\(counted(left, "background")) not used: smaller than \(side), or no picture"] : []
    let parts = divided(large)
    files = [.training: parts.training, .validation: parts.validation]
    // The smallest part that is shown has 0.3 of the short side.
    let shown = Int((Double(side) / BackgroundSource.smallestPart).rounded(.up))
    cache = ImageCache { name throws(ImageError) in
      let content = ImageContent.encoded(
        try EncodedImage(path: joined(path, name), limits: limits))
      let short = min(content.size.width, content.size.height)
      guard short > shown else { return try content.image(channels: 3) }
      func scaled(_ length: Int) -> Int { (length * shown + short / 2) / short }
      return try content.image(
        channels: 3,
        atMost: PixelSize(width: scaled(content.size.width), height: scaled(content.size.height)))
    } cost: {
      $0.pixels.count
    }
  }

  private static let smallestPart = 0.3

  /// A square background, and what it is called.
  func background(
    side: Int, in split: DatasetSplit, using random: inout SampleRandom
  ) throws(ImageError) -> (image: ByteImage, name: String) {
    guard let cache, let names = files[split] else {
      return (.madeUpSurface(side: side, using: &random), "made up")
    }
    let name = names[random.integer(below: names.count)]
    let picture = try cache[name]
    let short = min(picture.width, picture.height)
    let part = max(1, Int(Double(short) * random.uniform(Self.smallestPart, 1)))
    let x = random.integer(below: picture.width - part + 1)
    let y = random.integer(below: picture.height - part + 1)
    let square = picture.cropped(to: PixelRectangle(x: x, y: y, width: part, height: part))
    let image = square.resized(to: PixelSize(width: side, height: side))
    return (random.integer(below: 2) == 1 ? image.flippedHorizontally : image, name.shownPath)
  }
}

extension ByteImage {
  /// A surface of a few soft patches of colour with grain, for scenes without photographs.
  static func madeUpSurface(side: Int, using random: inout SampleRandom) -> ByteImage {
    let cells = 2 + random.integer(below: 4)
    let base = (0..<3).map { _ in Double(random.integer(below: 200) + 28) }
    var coarse: [UInt8] = []
    for _ in 0..<cells * cells {
      let light = random.uniform(-45, 45)
      for c in 0..<3 {
        coarse.append(UInt8(min(max(base[c] + light + random.uniform(-25, 25), 0), 255)))
      }
    }
    var image = ByteImage(width: cells, height: cells, channels: 3, pixels: coarse)
      .resized(to: PixelSize(width: side, height: side))
    let grain = random.integer(below: 17)
    for i in image.pixels.indices where grain > 0 {
      let noise = random.integer(below: 2 * grain + 1) - grain
      image.pixels[i] = UInt8(min(max(Int(image.pixels[i]) + noise, 0), 255))
    }
    return image
  }
}

/// Decoded pictures, kept while there is room for them.
final class ImageCache<Picture: Sendable>: Sendable {
  private let decode: @Sendable (String) throws(ImageError) -> Picture
  private let cost: @Sendable (Picture) -> Int
  private let kept = Mutex<(pictures: [String: Picture], bytes: Int)>(([:], 0))
  private static var limit: Int { 512 << 20 }

  init(
    _ decode: @escaping @Sendable (String) throws(ImageError) -> Picture,
    cost: @escaping @Sendable (Picture) -> Int
  ) {
    self.decode = decode
    self.cost = cost
  }

  subscript(name: String) -> Picture {
    get throws(ImageError) {
      if let picture = kept.withLock({ $0.pictures[name] }) { return picture }
      let picture = try decode(name)
      let bytes = cost(picture)
      kept.withLock { kept in
        guard kept.bytes + bytes <= Self.limit, kept.pictures[name] == nil else { return }
        kept.pictures[name] = picture
        kept.bytes += bytes
      }
      return picture
    }
  }
}

/// What `body` gives for each element, in order, made by all processors.
func concurrentMap<Element: Sendable, Result: Sendable>(
  _ elements: [Element], _ body: @Sendable (Element) -> Result
) -> [Result] {
  let results = Mutex([Result?](repeating: nil, count: elements.count))
  DispatchQueue.concurrentPerform(iterations: elements.count) { i in
    let result = body(elements[i])
    results.withLock { $0[i] = result }
  }
  return results.withLock { $0.compactMap { $0 } }
}
