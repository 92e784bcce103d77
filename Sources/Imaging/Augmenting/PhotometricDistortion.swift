/// Random changes of brightness, contrast, saturation and hue as mmsegmentation's
/// `PhotoMetricDistortion` draws them: each with a probability of ½, bytes cut to whole numbers
/// after each, contrast before or after saturation and hue.
public struct PhotometricDistortion: Codable, Hashable, Sendable {
  /// Most that is added to or taken from every value.
  public var brightness = 32.0
  /// Factors of contrast lie in `1 − c … 1 + c`.
  public var contrast = 0.5
  /// Factors of saturation lie in `1 − s … 1 + s`.
  public var saturation = 0.5
  /// Degrees of the hue, of 180, that are added: a whole number of `−h ..< h`.
  public var hue = 18

  /// mmsegmentation's: ±32, 0.5 to 1.5, 0.5 to 1.5, ±18.
  public init() {}

  /// What is wrong with the values, each as the field's path and a sentence.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    for (name, value, most) in [
      ("brightness", brightness, 255.0), ("contrast", contrast, 1), ("saturation", saturation, 1),
      ("hue", Double(hue), 90),
    ] where !(0...most).contains(value) {
      found.append((name, "is \(value); expected 0 to \(most)"))
    }
    return found
  }

  /// What was drawn for one picture.
  package struct Draw: Hashable, Sendable {
    package var brightness: Double?
    package var contrastFirst: Bool
    package var contrast: Double?
    package var saturation: Double?
    package var hue: Int?
    package init(
      brightness: Double? = nil, contrastFirst: Bool = true, contrast: Double? = nil,
      saturation: Double? = nil, hue: Int? = nil
    ) {
      self.brightness = brightness
      self.contrastFirst = contrastFirst
      self.contrast = contrast
      self.saturation = saturation
      self.hue = hue
    }
  }

  /// Draws everything, whether it is on or not, so that one setting does not change the others.
  func draw(using random: inout SampleRandom) -> Draw {
    func maybe(_ low: Double, _ high: Double) -> Double? {
      let (isOn, value) = (random.integer(below: 2) == 1, random.uniform(low, high))
      return isOn ? value : nil
    }
    let brightness = maybe(-brightness, brightness)
    let contrastFirst = random.integer(below: 2) == 1
    let contrast = maybe(1 - contrast, 1 + contrast)
    let saturation = maybe(1 - saturation, 1 + saturation)
    let turns = random.integer(below: 2) == 1
    let turn = random.integer(below: max(2 * hue, 1)) - hue
    return Draw(
      brightness: brightness, contrastFirst: contrastFirst, contrast: contrast,
      saturation: saturation, hue: turns && hue > 0 ? turn : nil)
  }

  /// Changes a picture of one or three channels; a gray one knows brightness and contrast only.
  func apply(to image: inout ByteImage, using random: inout SampleRandom) {
    image.distort(draw(using: &random))
  }
}

extension ByteImage {
  /// Applies what was drawn.
  package mutating func distort(_ draw: PhotometricDistortion.Draw) {
    func scaled(_ factor: Double, _ offset: Double) -> (Int) -> Int {
      { Int(min(max(Float($0) * Float(factor) + Float(offset), 0), 255)) }
    }
    if let brightness = draw.brightness { mapValues(scaled(1, brightness)) }
    if draw.contrastFirst, let contrast = draw.contrast { mapValues(scaled(contrast, 0)) }
    if channels == 3 {
      if let saturation = draw.saturation {
        let table = (0..<256).map { UInt8(scaled(saturation, 0)($0)) }
        mapHSV { h, s, v in (h, table[Int(s)], v) }
      }
      if let turn = draw.hue {
        mapHSV { h, s, v in (UInt8(((Int(h) + turn) % 180 + 180) % 180), s, v) }
      }
    }
    if !draw.contrastFirst, let contrast = draw.contrast { mapValues(scaled(contrast, 0)) }
  }

  /// Changes hue (0 to 179), saturation and value (0 to 255) of every pixel, converted there and
  /// back as OpenCV converts bytes.
  private mutating func mapHSV(
    _ body: (_ h: UInt8, _ s: UInt8, _ v: UInt8) -> (UInt8, UInt8, UInt8)
  ) {
    pixels.withUnsafeMutableBufferPointer { pixels in
      for at in stride(from: 0, to: pixels.count, by: 3) {
        let (h, s, v) = hsv(Int(pixels[at]), Int(pixels[at + 1]), Int(pixels[at + 2]))
        let (hue, saturation, value) = body(h, s, v)
        (pixels[at], pixels[at + 1], pixels[at + 2]) = rgb(hue, saturation, value)
      }
    }
  }
}

/// Reciprocals in 4096ths as OpenCV tabulates them, of saturation and of hue.
private let saturationTable = reciprocals(Double(255 << 12))
private let hueTable = reciprocals(Double(180 << 12) / 6)

private func reciprocals(_ one: Double) -> [Int] {
  [0] + (1...255).map { Int((one / Double($0)).rounded(.toNearestOrEven)) }
}

/// OpenCV's `COLOR_RGB2HSV` of bytes.
private func hsv(_ r: Int, _ g: Int, _ b: Int) -> (UInt8, UInt8, UInt8) {
  let v = max(r, g, b)
  let span = v - min(r, g, b)
  let s = (span * saturationTable[v] + 2048) >> 12
  let sixth = v == r ? g - b : v == g ? b - r + 2 * span : r - g + 4 * span
  var h = (sixth * hueTable[span] + 2048) >> 12
  if h < 0 { h += 180 }
  return (UInt8(min(h, 255)), UInt8(s), UInt8(v))
}

/// OpenCV's `COLOR_HSV2RGB` of bytes, as its vector instructions compute it: cut to whole numbers.
/// (What is left over of a row narrower than a vector it rounds instead.)
private func rgb(_ h: UInt8, _ s: UInt8, _ v: UInt8) -> (UInt8, UInt8, UInt8) {
  let saturation = Float(s) * (1 / 255)
  let value = Float(v) * (1 / 255)
  let hue = Float(h) * (6 / Float(180))
  let sector = Int(hue.rounded(.down))
  let part = hue - Float(sector)
  func byte(_ x: Float) -> UInt8 {
    UInt8(min(max(x * 255, 0), 255))
  }
  let full = byte(value)
  let low = byte(value * (1 - saturation))
  let falling = byte(value * Float(1).addingProduct(-saturation, part))
  let rising = byte(value * Float(1).addingProduct(-saturation, 1 - part))
  switch sector % 6 {
  case 0: return (full, rising, low)
  case 1: return (falling, full, low)
  case 2: return (low, full, rising)
  case 3: return (low, falling, full)
  case 4: return (rising, low, full)
  default: return (full, low, falling)
  }
}
