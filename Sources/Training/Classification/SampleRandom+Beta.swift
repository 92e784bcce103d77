import Foundation
import Imaging

extension SampleRandom {
  /// A number from Beta(α, α).
  mutating func beta(_ alpha: Double) -> Double {
    let (a, b) = (gamma(alpha), gamma(alpha))
    return a + b > 0 ? a / (a + b) : uniform() < 0.5 ? 0 : 1
  }

  /// A number from Gamma(α, 1) (Marsaglia and Tsang, 2000).
  private mutating func gamma(_ alpha: Double) -> Double {
    // A shape below 1 is taken from the one above it (their note at the end).
    if alpha < 1 { return gamma(alpha + 1) * pow(max(uniform(), 1e-300), 1 / alpha) }
    let d = alpha - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = 1 + c * x
      if v <= 0 { continue }
      let cube = v * v * v
      if log(max(uniform(), 1e-300)) < 0.5 * x * x + d - d * cube + d * log(cube) {
        return d * cube
      }
    }
  }

  /// A standard normal number (Box and Muller, 1958).
  private mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }
}
