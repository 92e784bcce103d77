import Dispatch
import FileSystem
import Foundation
public import Imaging
import Synchronization

/// What is in a set of images, found by decoding them.
public struct DatasetSummary: Sendable {
  /// Images in the set.
  public let count: Int
  /// Images that were decoded or tried.
  public let examined: Int
  /// How many images of each size there are, the most frequent first.
  public let sizes: [(size: PixelSize, count: Int)]
  /// Images of one channel; the others have three.
  public let gray: Int
  /// How many images each class has, by name; empty where there are no classes.
  public let classes: [(name: String, count: Int)]
  /// Images among those examined that are the same, or look it.
  public let duplicates: Duplicates
  /// Mean and deviation of the channels of the images that were decoded, 0…1.
  public let statistics: PixelStatistics?
  /// Which part of 16 bits a sample is used; nil where no image that was decoded has so many.
  public let usedValues: UsedValues?
  /// What is in the images that are no pictures: of other numbers of channels or types; nil where
  /// there are none.
  public let rasters: RasterSummary?
  /// Images that could not be decoded.
  public let broken: [UndecodableImage]
  private let names: @Sendable (Int) -> String

  private struct Found {
    var sizes: [PixelSize: Int] = [:]
    var gray = 0
    var values: UsedValues?
    var rasters: [RasterSummary.Part] = []
    var broken: [UndecodableImage] = []
    var prints: [(index: Int, print: ImageFingerprint)] = []
  }

  /// Decodes a set.
  ///
  /// - Parameters:
  ///   - sample: Most images that are decoded, evenly over the set; nil for all.
  ///   - settings: How all images are read as rasters; nil for those that are no pictures, every
  ///     channel of them.
  public init(
    of dataset: any ImageDataset, sample: Int? = nil, raster settings: RasterSettings? = nil
  ) {
    count = dataset.count
    let examined = min(sample ?? dataset.count, dataset.count)
    self.examined = examined
    let total = dataset.count
    let found = Mutex(Found())
    DispatchQueue.concurrentPerform(iterations: examined) { i in
      let index = i * total / examined
      do throws(ImageError) {
        let content = try dataset.content(of: index)
        if settings != nil || content.isRaster {
          let raster = try content.raster(settings ?? RasterSettings())
          let picture = raster.picture(settings ?? RasterSettings())
          let print = ImageFingerprint(content, decoded: picture)
          let part = RasterSummary.Part(index, raster)
          found.withLock {
            $0.sizes[raster.size, default: 0] += 1
            $0.rasters.append(part)
            $0.prints.append((index, print))
          }
          return
        }
        let image = try content.image(channels: 3)
        let isGray = image.isGray
        let size = PixelSize(width: image.width, height: image.height)
        let print = ImageFingerprint(content, decoded: image)
        let values = content.usedValues
        found.withLock {
          $0.sizes[size, default: 0] += 1
          if isGray { $0.gray += 1 }
          if let values { $0.values.add(values) }
          $0.prints.append((index, print))
        }
      } catch {
        let broken = UndecodableImage(
          index: index, name: dataset.name(of: index), reason: error.reason)
        found.withLock { $0.broken.append(broken) }
      }
    }
    let result = found.withLock { $0 }
    duplicates = Duplicates(result.prints.sorted { $0.index < $1.index })
    names = { dataset.name(of: $0) }
    let counted = result.sizes.map { (size: $0.key, count: $0.value) }
    sizes = counted.sorted { a, b in
      if a.count != b.count { return a.count > b.count }
      return (a.size.width, a.size.height) < (b.size.width, b.size.height)
    }
    gray = result.gray
    usedValues = result.values
    rasters = RasterSummary(result.rasters)
    broken = result.broken.sorted { $0.index < $1.index }
    if let names = dataset.classes {
      var counts = [Int](repeating: 0, count: names.count)
      for index in 0..<dataset.count {
        if let label = dataset.label(of: index), counts.indices.contains(label) {
          counts[label] += 1
        }
      }
      classes = zip(names, counts).map { (name: $0, count: $1) }
    } else {
      classes = []
    }
    let isGray = result.gray == examined - result.broken.count
    guard result.rasters.isEmpty else {
      statistics = nil
      return
    }
    statistics = try? PixelStatistics(of: dataset, channels: isGray ? 1 : 3)
  }

  /// The summary, a line each.
  public var lines: [String] {
    let sampled = examined < count ? ", \(examined) examined" : ""
    var lines = ["images   \(count)\(sampled)"]
    let decoded = examined - broken.count - rasterCount
    let mixed = "\(gray) gray, \(decoded - gray) colour"
    let colour = gray == decoded ? "all gray" : gray == 0 ? "all colour" : mixed
    if decoded > 0 || rasterCount == 0 { lines.append("colour   \(colour)") }
    let shown: [String] = sizes.prefix(5).map { entry in
      "\(entry.size.width)×\(entry.size.height) (\(entry.count))"
    }
    let more = sizes.count > 5 ? ", … \(sizes.count) different" : ""
    lines.append("sizes    \(shown.joined(separator: ", "))\(more)")
    lines += valueLines
    lines += rasters?.lines { names($0).oneLine } ?? []
    if !classes.isEmpty {
      let listed: [String] = classes.prefix(10).map { entry in
        "\(entry.name.oneLine) \(entry.count)"
      }
      let more = classes.count > 10 ? ", …" : ""
      let none = count - classes.reduce(0) { $0 + $1.count }
      let without = none > 0 ? "; \(none) without a class" : ""
      lines.append("classes  \(classes.count): \(listed.joined(separator: ", "))\(more)\(without)")
      if let balance = ClassBalance(classes.map(\.count)) { lines.append("balance  \(balance)") }
    } else {
      lines.append("classes  none")
    }
    lines += duplicateLines
    if let statistics {
      func list(_ values: [Double]) -> String {
        values.map { value in "\((value * 10_000).rounded() / 10_000)" }.joined(separator: ", ")
      }
      let mean = list(statistics.normalization.mean)
      let std = list(statistics.normalization.std)
      lines.append(
        "pixels   mean \(mean), std \(std) (of \(statistics.images) images, 0…1)")
    }
    return lines
  }
}

extension DatasetSummary {
  /// Images that are no pictures.
  private var rasterCount: Int { rasters?.kinds.values.reduce(0, +) ?? 0 }

  private var valueLines: [String] {
    guard let used = usedValues else { return [] }
    let (low, high) = (used.range.lowerBound, used.range.upperBound)
    let few = used.images < examined - broken.count - rasterCount ? " in \(used.images) images" : ""
    let line = "values   16 bits a sample\(few), \(low) to \(high) of 0…65535 used"
    guard used.isNarrow else { return [line] }
    let levels = used.levels == 1 ? "1 gray level" : "\(used.levels) gray levels"
    return [
      line + ": \(levels) of 256 left; give data.valueRange: \(used.listed) in the recipe, or "
        + "--value-range \(low) \(high) where a model is used, for all of them"
    ]
  }

  private var duplicateLines: [String] {
    func line(_ head: String, _ groups: [Duplicates.Group], _ sign: String) -> String? {
      guard let first = groups.first else { return nil }
      let images = groups.reduce(0) { $0 + $1.count }
      let example = first.prefix(3).map { names($0).oneLine }.joined(separator: sign)
      let more = first.count > 3 || groups.count > 1 ? "; …" : ""
      let sets = groups.count == 1 ? "1 group" : "\(groups.count) groups"
      return "\(head)\(images) images in \(sets): \(example)\(more)"
    }
    return [
      line("copies   ", duplicates.exact, " = "), line("alike    ", duplicates.alike, " ≈ "),
    ].compactMap { $0 }
  }
}

/// How evenly images are spread over classes.
public struct ClassBalance: Hashable, Sendable, CustomStringConvertible {
  /// Images of the smallest class.
  public let smallest: Int
  /// Images of the largest class.
  public let largest: Int
  /// Classes without an image.
  public let empty: Int
  /// The number of equal classes that would be as uncertain: e to the entropy.
  public let effective: Double

  /// Looks at the number of images of each class; nil where there are none.
  public init?(_ counts: [Int]) {
    let total = counts.reduce(0, +)
    guard total > 0, let smallest = counts.min(), let largest = counts.max() else { return nil }
    self.smallest = smallest
    self.largest = largest
    empty = counts.count { $0 == 0 }
    let entropy = counts.reduce(0.0) { sum, count in
      guard count > 0 else { return sum }
      let share = Double(count) / Double(total)
      return sum - share * log(share)
    }
    effective = exp(entropy)
  }

  /// A line.
  public var description: String {
    let even = (effective * 10).rounded() / 10
    let none = empty == 0 ? "" : ", \(empty) empty"
    return "\(smallest) to \(largest) images a class\(none); as even as \(even) equal classes"
  }
}

extension ByteImage {
  /// Whether the three channels are the same everywhere.
  fileprivate var isGray: Bool {
    if channels == 1 { return true }
    for first in stride(from: 0, to: pixels.count, by: 3) {
      let (red, green, blue) = (pixels[first], pixels[first + 1], pixels[first + 2])
      if red != green || red != blue { return false }
    }
    return true
  }
}
