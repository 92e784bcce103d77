public import Datasets
import Foundation
public import Imaging

/// Made-up pictures that cost a decoder what photographs do: soft light, things with edges, texture
/// at every scale and a little sensor noise. The same number always gives the same picture.
public struct SyntheticPhotos: Sendable {
  /// The pictures' size.
  public var size: PixelSize
  /// libjpeg's quality of the files.
  public var quality: Int

  /// Creates a maker of pictures; what is left out is the usual benchmark's: 500×375, quality 95,
  /// about 55 KB each.
  public init(size: PixelSize = PixelSize(width: 500, height: 375), quality: Int = 95) {
    self.size = size
    self.quality = quality
  }

  /// Writes `count` JPEG files `photo-00000.jpg`, … into a folder; those that are there stay.
  public func write(count: Int, to folder: String) throws(DatasetError) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      for number in 0..<count {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        let path = "\(folder)/photo-\(padded).jpg"
        if FileManager.default.fileExists(atPath: path) { continue }
        let bytes = try image(number).encodedAsJPEG(quality: quality)
        try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
      }
    } catch {
      throw DatasetError(.unreadable, path: folder, "cannot be written: \(error)")
    }
  }

  /// Picture number `number`.
  public func image(_ number: Int) -> ByteImage {
    var random = SampleRandom(seed: 0x5041_4E4F, sample: number)
    var values = light(using: &random)
    for _ in 0..<14 { drawThing(on: &values, using: &random) }
    addTexture(to: &values, using: &random)
    return ByteImage(
      width: size.width, height: size.height, channels: 3,
      pixels: values.map { UInt8(max(0, min(255, $0.rounded()))) })
  }

  /// A gradient between two colours.
  private func light(using random: inout SampleRandom) -> [Float] {
    let top = colour(using: &random)
    let bottom = colour(using: &random)
    var values: [Float] = []
    values.reserveCapacity(size.width * size.height * 3)
    for y in 0..<size.height {
      let share = Float(y) / Float(size.height)
      let row = (0..<3).map { top[$0] + share * (bottom[$0] - top[$0]) }
      for _ in 0..<size.width { values += row }
    }
    return values
  }

  /// An ellipse of one colour, shaded across.
  private func drawThing(on values: inout [Float], using random: inout SampleRandom) {
    let colour = colour(using: &random)
    let x0 = Float(random.uniform()) * Float(size.width)
    let y0 = Float(random.uniform()) * Float(size.height)
    let across = Float(random.uniform(0.03, 0.3)) * Float(size.width)
    let down = Float(random.uniform(0.03, 0.3)) * Float(size.height)
    let turn = Float(random.uniform(0, .pi))
    let (sine, cosine) = (sin(turn), cos(turn))
    for y in 0..<size.height {
      for x in 0..<size.width {
        let dx = Float(x) - x0
        let dy = Float(y) - y0
        let u = (dx * cosine + dy * sine) / across
        let v = (dy * cosine - dx * sine) / down
        guard u * u + v * v < 1 else { continue }
        let at = (y * size.width + x) * 3
        for c in 0..<3 { values[at + c] = colour[c] * (1 - 0.35 * u) }
      }
    }
  }

  /// Value noise in octaves whose strength falls with their frequency, and grain.
  private func addTexture(to values: inout [Float], using random: inout SampleRandom) {
    var cell: Float = 64
    var strength: Float = 26
    while cell >= 2 {
      let columns = Int(Float(size.width) / cell) + 2
      let rows = Int(Float(size.height) / cell) + 2
      let grid = (0..<columns * rows).map { _ in Float(random.uniform(-1, 1)) * strength }
      for y in 0..<size.height {
        let row = Int(Float(y) / cell)
        let fy = Float(y) / cell - Float(row)
        for x in 0..<size.width {
          let column = Int(Float(x) / cell)
          let fx = Float(x) / cell - Float(column)
          let at = row * columns + column
          let upper = grid[at] + fx * (grid[at + 1] - grid[at])
          let lower =
            grid[at + columns] + fx * (grid[at + columns + 1] - grid[at + columns])
          let value = upper + fy * (lower - upper)
          for c in 0..<3 { values[(y * size.width + x) * 3 + c] += value }
        }
      }
      cell /= 2
      strength *= 0.6
    }
    for at in values.indices { values[at] += Float(random.uniform(-5, 5)) }
  }

  private func colour(using random: inout SampleRandom) -> [Float] {
    let gray = Float(random.uniform(30, 225))
    return (0..<3).map { _ in max(0, min(255, gray + Float(random.uniform(-45, 45)))) }
  }
}
