import Dispatch
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
  /// Mean and deviation of the channels of the images that were decoded, 0…1.
  public let statistics: PixelStatistics?
  /// Images that could not be decoded.
  public let broken: [BrokenImage]

  /// Decodes a set.
  ///
  /// - Parameter sample: Most images that are decoded, evenly over the set; nil for all.
  public init(of dataset: any ImageDataset, sample: Int? = nil) {
    count = dataset.count
    let examined = min(sample ?? dataset.count, dataset.count)
    self.examined = examined
    let total = dataset.count
    let found = Mutex<(sizes: [PixelSize: Int], gray: Int, broken: [BrokenImage])>(([:], 0, []))
    DispatchQueue.concurrentPerform(iterations: examined) { i in
      let index = i * total / examined
      do throws(ImageError) {
        let content = try dataset.content(of: index)
        let image = try content.image(channels: 3)
        let isGray = image.isGray
        let size = PixelSize(width: image.width, height: image.height)
        found.withLock {
          $0.sizes[size, default: 0] += 1
          if isGray { $0.gray += 1 }
        }
      } catch {
        let broken = BrokenImage(
          index: index, name: dataset.name(of: index), reason: error.reason)
        found.withLock { $0.broken.append(broken) }
      }
    }
    let result = found.withLock { $0 }
    sizes = result.sizes.map { (size: $0.key, count: $0.value) }.sorted {
      ($1.count, $0.size.width, $0.size.height) < ($0.count, $1.size.width, $1.size.height)
    }
    gray = result.gray
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
    statistics = try? PixelStatistics(of: dataset, channels: isGray ? 1 : 3)
  }

  /// The summary, a line each.
  public var lines: [String] {
    var lines = ["images   \(count)" + (examined < count ? ", \(examined) examined" : "")]
    let decoded = examined - broken.count
    let mixed = "\(gray) gray, \(decoded - gray) colour"
    let colour = gray == decoded ? "all gray" : gray == 0 ? "all colour" : mixed
    lines.append("colour   \(colour)")
    let shown = sizes.prefix(5).map { "\($0.size.width)×\($0.size.height) (\($0.count))" }
    let more = sizes.count > 5 ? ", … \(sizes.count) different" : ""
    lines.append("sizes    \(shown.joined(separator: ", "))\(more)")
    if !classes.isEmpty {
      let listed = classes.prefix(10).map { "\($0.name) \($0.count)" }
      let more = classes.count > 10 ? ", …" : ""
      lines.append("classes  \(classes.count): \(listed.joined(separator: ", "))\(more)")
    } else {
      lines.append("classes  none")
    }
    if let statistics {
      func list(_ values: [Double]) -> String {
        values.map { "\(($0 * 1e4).rounded() / 1e4)" }.joined(separator: ", ")
      }
      let mean = list(statistics.normalization.mean)
      let deviation = list(statistics.normalization.deviation)
      lines.append(
        "pixels   mean \(mean), deviation \(deviation) (of \(statistics.images) images, 0…1)")
    }
    return lines
  }
}

extension ByteImage {
  /// Whether the three channels are the same everywhere.
  fileprivate var isGray: Bool {
    if channels == 1 { return true }
    for at in stride(from: 0, to: pixels.count, by: 3)
    where pixels[at] != pixels[at + 1] || pixels[at] != pixels[at + 2] {
      return false
    }
    return true
  }
}
