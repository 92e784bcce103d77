import Foundation

extension RandAugment {
  /// One change of an image.
  enum Operation: String, CaseIterable {
    case autoContrast, equalize, invert, rotate, posterize, solarize, solarizeAdd, color, contrast
    case brightness, sharpness, shearX, shearY, translateX, translateY

    /// The operation's own measure of a magnitude: degrees, bits, a threshold, a factor, a slope or
    /// a share of the side. 0 where it has none.
    func argument(at magnitude: Double, isNegative: Bool) -> Double {
      let share = magnitude / RandAugment.mostMagnitude
      let sign = isNegative ? -1.0 : 1.0
      switch self {
      case .autoContrast, .equalize, .invert: return 0
      case .rotate: return sign * (share * 30)
      case .posterize: return 4 - (share * 4).rounded(.towardZero)
      case .solarize: return 256 - min(256, (share * 256).rounded(.towardZero))
      case .solarizeAdd: return min(128, (share * 110).rounded(.towardZero))
      case .color, .contrast, .brightness, .sharpness: return max(0.1, 1 + sign * (share * 0.9))
      case .shearX, .shearY: return sign * (share * 0.3)
      case .translateX, .translateY: return sign * (share * 0.45)
      }
    }

    /// Applies the operation; `filter` and `fill` matter where pixels move.
    func apply(
      _ argument: Double, to image: inout ByteImage, filter: ResamplingFilter, fill: [UInt8],
      scratch: DecoderScratch
    ) {
      func warp(_ map: AffineMap) {
        image.warp(by: map, filter: filter, fill: fill, scratch: scratch)
      }
      switch self {
      case .autoContrast: image.stretchContrast()
      case .equalize: image.equalize()
      case .invert: image.mapValues { 255 - $0 }
      case .posterize:
        // timm asks for no bits at the largest magnitude, which Pillow refuses.
        let kept = min(max(Int(argument), 1), 8)
        image.mapValues { $0 & ~(0xFF >> kept) }
      case .solarize: image.mapValues { Double($0) < argument ? $0 : 255 - $0 }
      case .solarizeAdd: image.mapValues { $0 < 128 ? min(255, $0 + Int(argument)) : $0 }
      case .color: image.adjustSaturation(by: argument, scratch: scratch)
      case .contrast: image.adjustContrast(by: argument)
      case .brightness: image.adjustBrightness(by: argument)
      case .sharpness: image.adjustSharpness(by: argument, scratch: scratch)
      case .rotate:
        warp(.rotation(degrees: argument, of: PixelSize(width: image.width, height: image.height)))
      case .shearX: warp(AffineMap(1, argument, 0, 0, 1, 0))
      case .shearY: warp(AffineMap(1, 0, 0, argument, 1, 0))
      case .translateX: warp(AffineMap(1, 0, argument * Double(image.width), 0, 1, 0))
      case .translateY: warp(AffineMap(1, 0, 0, 0, 1, argument * Double(image.height)))
      }
    }
  }
}

/// Where each point of an output is in the input: `(a x + b y + c, d x + e y + f)`.
struct AffineMap: Hashable {
  var a, b, c, d, e, f: Double

  init(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double) {
    (self.a, self.b, self.c) = (a, b, c)
    (self.d, self.e, self.f) = (d, e, f)
  }

  /// A turn to the left around the middle. Sine and cosine have 15 decimals, as Pillow's have.
  static func rotation(degrees: Double, of size: PixelSize) -> AffineMap {
    var circle = degrees.truncatingRemainder(dividingBy: 360)
    if circle < 0 { circle += 360 }
    let angle = -circle * (.pi / 180)
    func rounded(_ x: Double) -> Double { (x * 1e15).rounded(.toNearestOrEven) / 1e15 }
    let cosine = rounded(cos(angle))
    let sine = rounded(sin(angle))
    let across = Double(size.width) / 2
    let down = Double(size.height) / 2
    return AffineMap(
      cosine, sine, cosine * -across + sine * -down + across,
      -sine, cosine, -sine * -across + cosine * -down + down)
  }
}
