extension ColorJitter {
  /// Whether nothing is changed.
  var isOff: Bool { brightness == 0 && contrast == 0 && saturation == 0 && hue == 0 }

  /// Draws the order and the factors, and applies them.
  func apply(to image: inout ByteImage, using random: inout SampleRandom) {
    guard !isOff else { return }
    // All four are drawn, on or not, so that turning one on leaves the others as they were.
    var order = [0, 1, 2, 3]
    for i in order.indices.reversed() { order.swapAt(i, random.integer(below: i + 1)) }
    let factors = [brightness, contrast, saturation].map {
      random.uniform(max(0, 1 - $0), 1 + $0)
    }
    let turn = random.uniform(-hue, hue)
    for step in order {
      switch step {
      case 0 where brightness > 0: image.adjustBrightness(by: factors[0])
      case 1 where contrast > 0: image.adjustContrast(by: factors[1])
      case 2 where saturation > 0: image.adjustSaturation(by: factors[2])
      case 3 where hue > 0: image.turnHue(by: turn)
      default: break
      }
    }
  }
}

extension ByteImage {
  /// Turns the hue of every pixel by a share of the full circle (HSV).
  mutating func turnHue(by turn: Double) {
    guard channels == 3 else { return }
    let turn = Float(turn)
    pixels.withUnsafeMutableBufferPointer { pixels in
      for at in stride(from: 0, to: pixels.count, by: 3) {
        let color = hueTurned(
          SIMD3(Float(pixels[at]), Float(pixels[at + 1]), Float(pixels[at + 2])), by: turn)
        for c in 0..<3 { pixels[at + c] = UInt8(min(max(color[c], 0), 255) + 0.5) }
      }
    }
  }
}

/// A colour with its hue turned by a share of the circle; largest and smallest value stay.
private func hueTurned(_ color: SIMD3<Float>, by turn: Float) -> SIMD3<Float> {
  let high = color.max()
  let span = high - color.min()
  guard span > 0 else { return color }
  // The hue in sixths of the circle.
  var hue: Float
  if high == color[0] {
    hue = (color[1] - color[2]) / span
  } else if high == color[1] {
    hue = (color[2] - color[0]) / span + 2
  } else {
    hue = (color[0] - color[1]) / span + 4
  }
  hue += 6 * turn
  // Each channel is `high` less `span` times a trapezoid of its distance from the hue.
  func value(_ shift: Float) -> Float {
    var k = (hue + shift).truncatingRemainder(dividingBy: 6)
    if k < 0 { k += 6 }
    return high - span * max(0, min(min(k, 4 - k), 1))
  }
  return SIMD3(value(5), value(3), value(1))
}
