public import Imaging

/// A small map of numbers, drawn in colours: dark where they are low, light yellow where they are
/// high.
public struct HeatMap: Hashable, Sendable {
  /// Values from top to bottom.
  public let rows: Int
  /// Values from left to right.
  public let columns: Int
  /// The numbers as shares of the way from the lowest to the highest, 0…1, row by row.
  public let shares: [Float]

  /// Takes numbers, row by row; those that are not finite count as the lowest.
  ///
  /// - Precondition: there are `rows × columns`, and one at least.
  public init(_ values: [Float], rows: Int, columns: Int) {
    precondition(
      rows >= 1 && columns >= 1 && values.count == rows * columns,
      "\(values.count) values for a map of \(columns)×\(rows)")
    self.rows = rows
    self.columns = columns
    let known = values.filter(\.isFinite)
    let (low, high) = (known.min() ?? 0, known.max() ?? 0)
    let span = high - low
    shares = values.map { $0.isFinite && span > 0 ? ($0 - low) / span : 0 }
  }

  /// The map over a picture: smooth, the picture gray and fainter where the map is high.
  public func drawn(over picture: ByteImage) -> ByteImage {
    let size = PixelSize(width: picture.width, height: picture.height)
    let small = ByteImage(
      width: columns, height: rows, channels: 1,
      pixels: shares.map { UInt8(($0 * 255).rounded()) })
    let large = small.resized(to: size, filter: .bilinear)
    let gray = picture.converted(toChannels: 1)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * gray.pixels.count)
    for (shade, level) in zip(gray.pixels, large.pixels) {
      let color = Self.color(of: Double(level) / 255)
      let weight = 0.35 + 0.45 * Double(level) / 255
      for channel in [color.red, color.green, color.blue] {
        pixels.append(UInt8(Double(shade) * (1 - weight) + Double(channel) * weight))
      }
    }
    return ByteImage(width: size.width, height: size.height, channels: 3, pixels: pixels)
  }

  /// The map by itself: a square of `side`² pixels for each value.
  public func drawn(side: Int) -> ByteImage {
    var canvas = Canvas(width: columns * side, height: rows * side)
    for (place, share) in shares.enumerated() {
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      canvas.fill(
        PixelRectangle(x: column * side, y: row * side, width: side, height: side),
        color: Self.color(of: Double(share)))
    }
    return canvas.image
  }

  /// From near black over violet and orange to light yellow, each lighter than the one before.
  static func color(of share: Double) -> PixelColor {
    let stops: [(Double, Double, Double)] = [
      (6, 4, 18), (74, 18, 104), (163, 44, 98), (232, 104, 44), (252, 186, 50), (252, 253, 190),
    ]
    let place = min(max(share, 0), 1) * Double(stops.count - 1)
    let first = min(Int(place), stops.count - 2)
    let part = place - Double(first)
    let (a, b) = (stops[first], stops[first + 1])
    func mixed(_ from: Double, _ to: Double) -> UInt8 { UInt8(from + (to - from) * part) }
    return PixelColor(red: mixed(a.0, b.0), green: mixed(a.1, b.1), blue: mixed(a.2, b.2))
  }
}
