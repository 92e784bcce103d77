public import Imaging

/// Large-scale jitter (Ghiasi et al., 2021, “Simple copy-paste”): a picture is resized by a random
/// factor, and a square is cut out of it or filled up with it.
public struct LargeScaleJitter: Codable, Hashable, Sendable {
  /// Side of the square.
  public var side: Int
  /// The smallest and largest share of the side that a picture's longer side becomes.
  public var scale: ClosedRange<Double>
  /// Probability of mirroring left to right.
  public var flip: Double
  /// Whether what is filled up counts as a part of the picture (Table 4's form, where it is grey and
  /// mirrored with the picture) or not (ViTDet's, where the picture is mirrored first).
  public var keepsPadding: Bool

  /// Creates a jitter; the defaults are ViTDet's.
  public init(
    side: Int, scale: ClosedRange<Double> = 0.1...2, flip: Double = 0.5, keepsPadding: Bool = false
  ) {
    self.side = side
    self.scale = scale
    self.flip = flip
    self.keepsPadding = keepsPadding
  }

  /// Draws what becomes of a picture.
  public func view(of size: PixelSize, using random: inout SampleRandom) -> DetectionView {
    let share = random.uniform(scale.lowerBound, scale.upperBound)
    let place = random.uniform()
    return view(of: size, share: share, place: place, isFlipped: random.uniform() < flip)
  }

  /// What becomes of a picture whose longer side is to be a share of the square's side, cut out at a place
  /// from 0 to 1.
  func view(of size: PixelSize, share: Double, place: Double, isFlipped: Bool) -> DetectionView {
    let factor = Double(side) * share / Double(max(size.width, size.height))
    func fitted(_ length: Int) -> Int {
      max(1, Int((Double(length) * factor).rounded(.toNearestOrEven)))
    }
    let resized = PixelSize(width: fitted(size.width), height: fitted(size.height))
    // One draw for both axes, as in detectron2.
    func offset(_ length: Int) -> Int {
      Int((Double(max(0, length - side)) * place).rounded(.toNearestOrEven))
    }
    return DetectionView(
      source: size, resized: resized, x: offset(resized.width), y: offset(resized.height),
      side: side, isFlipped: isFlipped, keepsPadding: keepsPadding)
  }
}

/// How a picture is laid into a square: resized, cut, perhaps mirrored, and filled up at the right and
/// below.
public struct DetectionView: Hashable, Sendable {
  /// The picture's own size.
  public var source: PixelSize
  /// Its size after resizing.
  public var resized: PixelSize
  /// The first column of the resized picture that is kept.
  public var x: Int
  /// The first row that is kept.
  public var y: Int
  /// Side of the square.
  public var side: Int
  /// Whether it is mirrored left to right.
  public var isFlipped: Bool
  /// Whether what is filled up counts as a part of the picture, and is mirrored with it.
  public var keepsPadding: Bool

  /// The pixels of the square that are the picture's, were it not mirrored with what is filled up.
  public var inside: PixelSize {
    PixelSize(width: min(side, resized.width - x), height: min(side, resized.height - y))
  }

  /// The width and height that objects may be looked for in.
  public var extent: PixelSize {
    keepsPadding ? PixelSize(width: side, height: side) : inside
  }

  /// A place of the picture in the square. ViTDet mirrors first: what is cut away then lies at the other
  /// side.
  public func place(x sourceX: Double, y sourceY: Double) -> (x: Double, y: Double) {
    let mirrored = isFlipped && !keepsPadding ? Double(source.width) - sourceX : sourceX
    let newX = mirrored * Double(resized.width) / Double(source.width) - Double(x)
    let newY = sourceY * Double(resized.height) / Double(source.height) - Double(y)
    return (isFlipped && keepsPadding ? Double(side) - newX : newX, newY)
  }

  /// The rectangle of the square that holds pixels of the picture: left, top, right, bottom.
  public var bounds: (x0: Double, y0: Double, x1: Double, y1: Double) {
    let (width, height) = (Double(inside.width), Double(inside.height))
    return isFlipped && keepsPadding
      ? (Double(side) - width, 0, Double(side), height) : (0, 0, width, height)
  }

  /// The square, with `fill` where the picture does not reach.
  func picture(_ image: ByteImage, fill: [UInt8]) -> ByteImage {
    var picture = isFlipped && !keepsPadding ? image.flippedHorizontally : image
    picture = picture.resized(to: resized, filter: .bilinear)
      .cropped(to: PixelRectangle(x: x, y: y, width: inside.width, height: inside.height))
      .padded(to: PixelSize(width: side, height: side), fill: fill)
    return isFlipped && keepsPadding ? picture.flippedHorizontally : picture
  }

  /// The square of a raster, normalised, with zeros where it does not reach. `[C, S, S]`
  func write(
    _ raster: Raster, normalized: PixelNormalization, into planes: UnsafeMutablePointer<Float>
  ) {
    let inside = inside
    // What is kept of a picture that is mirrored first lies at the other side of the one that is not.
    let left = isFlipped && !keepsPadding ? resized.width - x - inside.width : x
    raster.resized(
      to: resized, part: PixelRectangle(x: left, y: y, width: inside.width, height: inside.height),
      isFlipped: isFlipped, normalized: normalized
    ).write(
      into: planes, size: PixelSize(width: side, height: side), atRight: isFlipped && keepsPadding)
  }
}
