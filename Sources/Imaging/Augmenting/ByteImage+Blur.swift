import Foundation

extension ByteImage {
  /// The side of a blur's kernel for an image of a side: a tenth, the next odd number, at least 3
  /// (Chen et al., 2020, A).
  static func blurKernel(for side: Int) -> Int { max(3, side / 10 | 1) }

  /// Every value becomes the mean of its neighbourhood, weighted by a Gaussian; the border is
  /// reflected and the result rounded, as torchvision's `gaussian_blur` does. The columns are
  /// summed first and the rows then.
  ///
  /// - Parameters:
  ///   - std: the Gaussian's standard deviation in pixels, above 0.
  ///   - kernel: the side of the neighbourhood, an odd number.
  mutating func blur(std: Double, kernel: Int) {
    precondition(kernel % 2 == 1 && std > 0, "a blur of \(kernel) pixels and deviation \(std)")
    let reach = kernel / 2
    var weights = (-reach...reach).map { Float(exp(-0.5 * Double($0 * $0) / (std * std))) }
    let sum = weights.reduce(0, +)
    for i in weights.indices { weights[i] /= sum }
    let row = width * channels
    var mixed = [Float](repeating: 0, count: height * row)
    pixels.withUnsafeMutableBufferPointer { pixels in
      for y in 0..<height {
        for (i, weight) in weights.enumerated() {
          let from = reflected(y + i - reach, in: height) * row
          for x in 0..<row { mixed[y * row + x] += weight * Float(pixels[from + x]) }
        }
      }
      let places = (0..<width + 2 * reach).map { reflected($0 - reach, in: width) * channels }
      for y in 0..<height {
        for x in 0..<width {
          for channel in 0..<channels {
            var value: Float = 0
            for (i, weight) in weights.enumerated() {
              value += weight * mixed[y * row + places[x + i] + channel]
            }
            pixels[y * row + x * channels + channel] = UInt8(
              min(max(value.rounded(.toNearestOrEven), 0), 255))
          }
        }
      }
    }
  }

  /// Inverts values of 128 and more.
  mutating func solarize() { mapValues { $0 < 128 ? $0 : 255 - $0 } }
}
