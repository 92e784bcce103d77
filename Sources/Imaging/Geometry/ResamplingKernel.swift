import Foundation

/// The kernels of Pillow's resampling. When an image shrinks a kernel widens with it
/// (antialiasing), but for ``nearest``, which takes one pixel.
public enum ResamplingKernel: String, CaseIterable, Codable, Hashable, Sendable {
  /// The pixel in which the output's middle lies.
  case nearest
  /// The mean over one pixel.
  case box
  /// A triangle over two pixels.
  case bilinear
  /// A cosine-weighted sinc over two pixels.
  case hamming
  /// Keys' cubic convolution with a = −½ over four pixels.
  case bicubic
  /// A sinc weighted by a sinc over six pixels.
  case lanczos

  /// Distance at which the kernel has become 0.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The kernel at a distance of `x` pixels.
  func weight(_ x: Double) -> Double {
    switch self {
    case .nearest: return 1
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .hamming:
      let x = abs(x)
      return x < 1 ? Self.sinc(x) * (0.54 + 0.46 * cos(x * .pi)) : 0
    case .lanczos:
      return abs(x) < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    case .bilinear:
      let x = abs(x)
      return x < 1 ? 1 - x : 0
    case .bicubic:
      // R. Keys, Cubic convolution interpolation for digital image processing, 1981, eq. 15.
      let x = abs(x)
      let a = -0.5
      let near = ((a + 2) * x - (a + 3)) * x * x + 1
      let far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
      return x < 1 ? near : x < 2 ? far : 0
    }
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
  }
}
