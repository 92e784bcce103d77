/// How an image of any size becomes one of the model's where nothing is random, as published
/// weights state it: resized, then cut in the middle, with a border where it is smaller.
public struct EvaluationCrop: Hashable, Sendable {
  /// How the image is resized to ``target``.
  public enum Fit: Hashable, Sendable {
    /// To exactly that, whatever it does to its proportions.
    case squash
    /// In its proportions, until it just covers it.
    case cover
    /// In its proportions, until it just fits into it.
    case contain
    /// Not at all.
    case none
  }

  /// How the image is resized.
  public var fit: Fit
  /// What it is resized to; need not be the output's size.
  public var target: PixelSize
  /// How pixels are interpolated.
  public var kernel: ResamplingKernel
  /// Whether fractions of pixels are rounded, halves to the even number, as timm and torchvision's
  /// `CenterCrop` have it; they are cut off otherwise, as transformers has it.
  public var roundsToEven: Bool
  /// The colour of the border, one byte a channel.
  public var border: [UInt8]

  /// Creates a rule.
  public init(
    _ fit: Fit, to target: PixelSize, kernel: ResamplingKernel, roundsToEven: Bool,
    border: [UInt8]
  ) {
    self.fit = fit
    self.target = target
    self.kernel = kernel
    self.roundsToEven = roundsToEven
    self.border = border
  }

  /// The part of an image of `size` that fills an output.
  func framing(of size: PixelSize, output: PixelSize) -> Framing {
    var framing = Framing(PixelRectangle(width: size.width, height: size.height), to: output)
    framing.resized = resized(size)
    framing.origin = (
      start(framing.resized.width, output.width), start(framing.resized.height, output.height)
    )
    return framing
  }

  private func resized(_ size: PixelSize) -> PixelSize {
    let (down, across) = (
      Double(size.height) / Double(target.height), Double(size.width) / Double(target.width)
    )
    switch fit {
    case .none: return size
    case .squash: return target
    case .cover where target.width == target.height:
      // torchvision and transformers cut the longer side to whole pixels.
      let side = target.width
      return size.width <= size.height
        ? PixelSize(width: side, height: max(1, side * size.height / size.width))
        : PixelSize(width: max(1, side * size.width / size.height), height: side)
    case .cover: return scaled(size, by: min(down, across))
    case .contain where roundsToEven: return scaled(size, by: max(down, across))
    case .contain:
      let scale = min(
        Double(target.height) / Double(size.height), Double(target.width) / Double(size.width))
      return PixelSize(
        width: max(1, Int(Double(size.width) * scale)),
        height: max(1, Int(Double(size.height) * scale)))
    }
  }

  private func scaled(_ size: PixelSize, by ratio: Double) -> PixelSize {
    func side(_ x: Int) -> Int { max(1, Int((Double(x) / ratio).rounded(.toNearestOrEven))) }
    return PixelSize(width: side(size.width), height: side(size.height))
  }

  /// Where the output begins in the resized image; below 0 where there is a border.
  private func start(_ resized: Int, _ output: Int) -> Int {
    let left = resized - output
    if left < 0 { return -(-left / 2) }
    return roundsToEven ? Int((Double(left) / 2).rounded(.toNearestOrEven)) : left / 2
  }
}

extension Framing {
  /// The part of an output that the resized image fills.
  func inside(_ output: PixelSize) -> PixelRectangle {
    let (x, y) = (max(0, -origin.x), max(0, -origin.y))
    return PixelRectangle(
      x: x, y: y, width: min(output.width, resized.width - origin.x) - x,
      height: min(output.height, resized.height - origin.y) - y)
  }
}

extension ByteImage {
  /// The image inside a larger one of one colour.
  func bordered(at place: PixelRectangle, in size: PixelSize, color: [UInt8]) -> ByteImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(size.width * size.height * channels)
    for y in 0..<size.height {
      for x in 0..<size.width {
        let (column, row) = (x - place.x, y - place.y)
        if (0..<width).contains(column), (0..<height).contains(row) {
          let first = (row * width + column) * channels
          pixels += self.pixels[first..<first + channels]
        } else {
          pixels += (0..<channels).map { $0 < color.count ? color[$0] : 0 }
        }
      }
    }
    return ByteImage(width: size.width, height: size.height, channels: channels, pixels: pixels)
  }
}
