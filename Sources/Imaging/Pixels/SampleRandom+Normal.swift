import Foundation

extension SampleRandom {
  /// A number from N(0, 1), by the ziggurat of Marsaglia and Tsang (2000).
  public mutating func normal() -> Double {
    let ziggurat = Ziggurat.standard
    while true {
      let bits = next()
      let layer = Int(truncatingIfNeeded: bits & 0xFF)
      // The upper 54 bits, as a number of −1 ..< 1.
      let u = Double(Int64(bitPattern: bits) >> 10) * 0x1p-53
      let x = u * ziggurat.edges[layer]
      if abs(x) < ziggurat.edges[layer + 1] { return x }
      if layer == 0 { return u < 0 ? -tail() : tail() }
      let (below, above) = (ziggurat.heights[layer], ziggurat.heights[layer + 1])
      if below + (above - below) * uniform() < exp(-0.5 * x * x) { return x }
    }
  }

  /// A number from the part of N(0, 1) beyond the lowest layer (Marsaglia, 1964).
  private mutating func tail() -> Double {
    while true {
      let x = -log(1 - uniform()) / Ziggurat.end
      let y = -log(1 - uniform())
      if 2 * y > x * x { return Ziggurat.end + x }
    }
  }
}

/// Layers of equal area under `exp(−x²/2)`, from the widest, which has the tail, to the tip.
private struct Ziggurat: Sendable {
  static let standard = Ziggurat()
  /// Where the tail begins, and the area of each of 256 layers (Marsaglia and Tsang, 2000).
  static let end = 3.654152885361009
  private static let area = 0.00492867323397465

  /// Right edges; the lowest layer's is that of a rectangle of its area. 257 with the tip's 0.
  var edges: [Double]
  /// `exp(−x²/2)` at the edges.
  var heights: [Double]

  private init() {
    func height(_ x: Double) -> Double { exp(-0.5 * x * x) }
    edges = [Self.area / height(Self.end), Self.end]
    for i in 1..<255 {
      edges.append((-2 * log(Self.area / edges[i] + height(edges[i]))).squareRoot())
    }
    edges.append(0)
    heights = edges.map(height)
  }
}
