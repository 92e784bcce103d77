/// How a picture and its labels become one training example: resized by a random ratio, cut where
/// no class fills too much, flipped, its colours changed, and padded to the crop's size. The
/// defaults are mmsegmentation's for ADE20K.
public struct SegmentationAugmentation: Codable, Hashable, Sendable {
  /// Longest and shortest side that a picture is fitted into at a ratio of 1: `width` holds the
  /// longest, `height` the shortest, whichever way the picture lies.
  public var scale: PixelSize
  /// Smallest ratio.
  public var minRatio: Double
  /// Largest ratio.
  public var maxRatio: Double
  /// The size of an example.
  public var crop: PixelSize
  /// A crop is drawn again, ten times at most, where one class has this share of its labelled
  /// pixels or more; 1 takes the first.
  public var maxClassShare: Double
  /// Probability of mirroring left to right.
  public var flip: Double
  /// Random changes of colour; nil is off, as it must be for rasters.
  public var photometric: PhotometricDistortion?
  /// Random vertical flips and quarter turns of the example; nil is off.
  public var turning: RandomTurning?

  /// Creates an augmentation; what is left out is mmsegmentation's for ADE20K.
  public init(
    scale: PixelSize = PixelSize(width: 2048, height: 512), minRatio: Double = 0.5,
    maxRatio: Double = 2, crop: PixelSize = PixelSize(width: 512, height: 512),
    maxClassShare: Double = 0.75, flip: Double = 0.5,
    photometric: PhotometricDistortion? = PhotometricDistortion(), turning: RandomTurning? = nil
  ) {
    self.turning = turning
    self.scale = scale
    self.minRatio = minRatio
    self.maxRatio = maxRatio
    self.crop = crop
    self.maxClassShare = maxClassShare
    self.flip = flip
    self.photometric = photometric
  }

  /// Nothing random: the picture fitted into the crop's size and padded.
  public static func identity(_ crop: PixelSize) -> SegmentationAugmentation {
    SegmentationAugmentation(
      scale: PixelSize(
        width: max(crop.width, crop.height), height: min(crop.width, crop.height)),
      minRatio: 1, maxRatio: 1, crop: crop, maxClassShare: 1, flip: 0, photometric: nil)
  }

  /// What is wrong with the values, each as the field's path and a sentence; empty when all is
  /// well.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    func require(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { found.append((path, message())) }
    }
    require(
      scale.height >= 1 && scale.width >= scale.height, "scale",
      "is \(scale); expected the longest side, then the shortest")
    require(minRatio > 0, "minRatio", "is \(minRatio); expected a number above 0")
    require(
      maxRatio >= minRatio && maxRatio <= 100, "maxRatio",
      "is \(maxRatio); expected a number of at least minRatio \(minRatio), and 100 at most")
    require(
      crop.width >= 1 && crop.height >= 1, "crop", "is \(crop); expected sides of at least 1")
    require(
      maxClassShare > 0 && maxClassShare <= 1, "maxClassShare",
      "is \(maxClassShare); expected a share above 0 and at most 1")
    require((0...1).contains(flip), "flip", "is \(flip); expected a probability between 0 and 1")
    require(
      crop.width == crop.height || (turning?.rotate90 ?? 0) == 0, "rotate90",
      "is \(turning?.rotate90 ?? 0), and examples of \(crop) are not square; expected 0")
    return found + (photometric?.problems ?? []).map { ("photometric." + $0.path, $0.message) }
      + (turning?.problems ?? [])
  }

  /// The size of a picture fitted into a longest and a shortest side: `⌊side · factor + ½⌋`.
  ///
  /// - Parameter ratio: multiplies both sides, which are then cut to whole numbers.
  public static func fitted(
    _ size: PixelSize, into scale: PixelSize, ratio: Double = 1
  ) -> PixelSize {
    let longest = Double(Int(Double(scale.width) * ratio))
    let shortest = Double(Int(Double(scale.height) * ratio))
    let factor = min(
      longest / Double(max(size.width, size.height)),
      shortest / Double(min(size.width, size.height)))
    func side(_ x: Int) -> Int { max(1, Int(Double(x) * factor + 0.5)) }
    return PixelSize(width: side(size.width), height: side(size.height))
  }

  /// Makes an example.
  ///
  /// - Parameters:
  ///   - fill: what the picture is padded with, right and below; labels with
  ///     ``LabelMap/ignored``. mmsegmentation pads with 0 after normalising: the mean.
  /// - Precondition: picture and labels have one size.
  public func apply(
    _ image: ByteImage, _ labels: LabelMap, fill: [UInt8] = [],
    using random: inout SampleRandom
  ) -> (image: ByteImage, labels: LabelMap) {
    let own = PixelSize(width: image.width, height: image.height)
    precondition(own == labels.size, "a picture of \(own) and labels of \(labels.size)")
    let view = draw(labels, using: &random)
    var picture = image.linearlyResized(to: view.resized, part: view.part)
    if view.isFlipped { picture = picture.flippedHorizontally }
    photometric?.apply(to: &picture, using: &random)
    let example = (
      image: picture.padded(to: crop, fill: fill), labels: view.labels.padded(to: crop)
    )
    guard let turn = turning?.draw(using: &random) else { return example }
    return (example.image.oriented(turn), example.labels.oriented(turn))
  }

  /// Makes an example of a raster, normalised, with zeros where it does not reach.
  ///
  /// - Parameter planes: room for `C × H × W` values of the example.
  /// - Precondition: raster and labels have one size, and colours are not changed.
  package func apply(
    _ raster: Raster, _ labels: LabelMap, normalized: PixelNormalization,
    into planes: UnsafeMutablePointer<Float>, using random: inout SampleRandom
  ) -> LabelMap {
    precondition(raster.size == labels.size, "a raster of \(raster.size), labels of \(labels.size)")
    precondition(photometric == nil, "changes of colour are for pictures")
    let view = draw(labels, using: &random)
    raster.linearlyResized(
      to: view.resized, part: view.part, isFlipped: view.isFlipped, normalized: normalized
    ).write(into: planes, size: crop)
    let map = view.labels.padded(to: crop)
    guard let turn = turning?.draw(using: &random) else { return map }
    turn.apply(to: planes, channels: raster.channels, size: crop)
    return map.oriented(turn)
  }

  /// Which part of a picture becomes an example.
  private struct View {
    /// The size of the whole picture before it is cut.
    var resized: PixelSize
    /// What is kept of that.
    var part: PixelRectangle
    /// Whether it is mirrored after that.
    var isFlipped: Bool
    /// The part's labels, mirrored.
    var labels: LabelMap
  }

  private func draw(_ labels: LabelMap, using random: inout SampleRandom) -> View {
    let ratio = random.uniform(minRatio, maxRatio)
    let resized = Self.fitted(labels.size, into: scale, ratio: ratio)
    let columns = LabelMap.sources(resized.width, of: labels.width)
    let rows = LabelMap.sources(resized.height, of: labels.height)
    let inside = PixelSize(
      width: min(crop.width, resized.width), height: min(crop.height, resized.height))
    func place() -> PixelRectangle {
      let y = random.integer(below: resized.height - inside.height + 1)
      let x = random.integer(below: resized.width - inside.width + 1)
      return PixelRectangle(x: x, y: y, width: inside.width, height: inside.height)
    }
    func cut(_ part: PixelRectangle) -> LabelMap {
      var cut: [UInt16] = []
      cut.reserveCapacity(part.width * part.height)
      for y in part.y..<part.maxY {
        let line = rows[y] * labels.width
        for x in part.x..<part.maxX { cut.append(labels.labels[line + columns[x]]) }
      }
      return LabelMap(width: part.width, height: part.height, labels: cut)
    }
    var part = place()
    var map = cut(part)
    if maxClassShare < 1 {
      var tries = 0
      while tries < 10, !map.isMixed(below: maxClassShare) {
        part = place()
        map = cut(part)
        tries += 1
      }
    }
    let isFlipped = random.uniform() < flip
    if isFlipped { map = map.flippedHorizontally }
    return View(resized: resized, part: part, isFlipped: isFlipped, labels: map)
  }
}

extension LabelMap {
  /// Whether more than one class occurs and none has so large a share of the labelled pixels.
  func isMixed(below share: Double) -> Bool {
    var counts: [Int] = []
    var total = 0
    for label in labels where label != Self.ignored {
      while counts.count <= Int(label) { counts.append(0) }
      counts[Int(label)] += 1
      total += 1
    }
    guard counts.count(where: { $0 > 0 }) > 1, let largest = counts.max() else { return false }
    return Double(largest) / Double(total) < share
  }

  /// The map with ignored pixels added right and below.
  package func padded(to size: PixelSize) -> LabelMap {
    guard size != self.size else { return self }
    var padded = LabelMap(width: size.width, height: size.height, of: Self.ignored)
    for y in 0..<min(height, size.height) {
      let count = min(width, size.width)
      padded.labels.replaceSubrange(
        y * size.width..<y * size.width + count, with: labels[y * width..<y * width + count])
    }
    return padded
  }
}

extension ByteImage {
  /// The image with pixels of one colour added right and below; black where `fill` is empty.
  package func padded(to size: PixelSize, fill: [UInt8] = []) -> ByteImage {
    guard size.width != width || size.height != height else { return self }
    return bordered(
      at: PixelRectangle(width: width, height: height), in: size, color: fill)
  }
}
