import Foundation

extension Augmentation {
  /// Draws the part of an image of `size` that fills an output.
  func framing(
    of size: PixelSize, output: PixelSize, using random: inout SampleRandom
  ) -> Framing {
    var framing: Framing
    switch crop {
    case .none:
      framing = Framing(PixelRectangle(width: size.width, height: size.height), to: output)
    case .randomResized:
      framing = Framing(randomResizedCrop(of: size, using: &random), to: output)
    case .randomClipped:
      framing = Framing(randomClippedCrop(of: size, using: &random), to: output)
    case .center:
      framing = Framing(PixelRectangle(width: size.width, height: size.height), to: output)
      let target = centered(output)
      // torchvision cuts the longer side to whole pixels, and timm rounds it where it does not
      // leave that to torchvision.
      framing.resized = covering(
        target, size, rounded: target.width == target.height ? .down : .toNearestOrEven)
      framing.origin = (
        halved(framing.resized.width - output.width),
        halved(framing.resized.height - output.height)
      )
    case .randomFixed:
      framing = Framing(PixelRectangle(width: size.width, height: size.height), to: output)
      let hasRoom = centerFraction < 1 && size != output
      let padding = hasRoom ? 0 : padding
      framing.resized = covering(hasRoom ? centered(output) : output, size, rounded: .down)
      framing.origin = (
        random.integer(below: framing.resized.width - output.width + 2 * padding + 1) - padding,
        random.integer(below: framing.resized.height - output.height + 2 * padding + 1) - padding
      )
    }
    framing.flipped = flip > 0 && random.uniform() < flip
    return framing
  }

  /// What an image covers before `output` is cut out of it.
  private func centered(_ output: PixelSize) -> PixelSize {
    PixelSize(
      width: Int(Double(output.width) / centerFraction),
      height: Int(Double(output.height) / centerFraction))
  }

  /// The crop that torchvision documents for `RandomResizedCrop`: ten tries of a random area and a
  /// log-uniform ratio, then the largest middle part with an allowed ratio.
  func randomResizedCrop(
    of size: PixelSize, using random: inout SampleRandom
  ) -> PixelRectangle {
    for _ in 0..<10 {
      let drawn = randomCropSize(of: size, using: &random)
      if (1...size.width).contains(drawn.width), (1...size.height).contains(drawn.height) {
        return random.place(drawn, in: size)
      }
    }
    let ratio = Double(size.width) / Double(size.height)
    var width = size.width
    var height = size.height
    if ratio < minRatio {
      height = Int((Double(width) / minRatio).rounded(.toNearestOrEven))
    } else if ratio > maxRatio {
      width = Int((Double(height) * maxRatio).rounded(.toNearestOrEven))
    }
    width = min(max(width, 1), size.width)
    height = min(max(height, 1), size.height)
    return PixelRectangle(
      x: (size.width - width) / 2, y: (size.height - height) / 2, width: width, height: height)
  }

  /// A random area and a log-uniform ratio, each side cut to the image's, at a random place.
  func randomClippedCrop(
    of size: PixelSize, using random: inout SampleRandom
  ) -> PixelRectangle {
    let drawn = randomCropSize(of: size, using: &random)
    return random.place(
      PixelSize(
        width: min(max(drawn.width, 1), size.width),
        height: min(max(drawn.height, 1), size.height)), in: size)
  }

  /// A random area and a log-uniform ratio, which may reach beyond the image.
  private func randomCropSize(of size: PixelSize, using random: inout SampleRandom) -> PixelSize {
    let area = Double(size.width) * Double(size.height) * random.uniform(minScale, maxScale)
    let ratio = exp(random.uniform(log(minRatio), log(maxRatio)))
    return PixelSize(
      width: Int((area * ratio).squareRoot().rounded(.toNearestOrEven)),
      height: Int((area / ratio).squareRoot().rounded(.toNearestOrEven)))
  }
}

extension SampleRandom {
  /// A rectangle of a size at a random place of an image, the row drawn first.
  mutating func place(_ rectangle: PixelSize, in image: PixelSize) -> PixelRectangle {
    let y = integer(below: image.height - rectangle.height + 1)
    let x = integer(below: image.width - rectangle.width + 1)
    return PixelRectangle(x: x, y: y, width: rectangle.width, height: rectangle.height)
  }
}

/// The size of `image` after scaling it to just cover `target`, its proportions kept.
private func covering(
  _ target: PixelSize, _ image: PixelSize, rounded rule: FloatingPointRoundingRule
) -> PixelSize {
  func scaled(_ side: Int, by numerator: Int, over denominator: Int) -> Int {
    Int((Double(side * numerator) / Double(denominator)).rounded(rule))
  }
  if target.width * image.height >= target.height * image.width {
    return PixelSize(
      width: target.width,
      height: max(target.height, scaled(image.height, by: target.width, over: image.width)))
  }
  return PixelSize(
    width: max(target.width, scaled(image.width, by: target.height, over: image.height)),
    height: target.height)
}

/// Half, rounded to the nearest even number where it lies between two.
private func halved(_ x: Int) -> Int { Int((Double(x) / 2).rounded(.toNearestOrEven)) }
