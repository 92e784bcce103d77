import Datasets
import FileSystem
import Foundation
package import Torch

/// Measurements of ``/Torch/ProductTimes`` in a file of the user's: those of one machine and one
/// libtorch. A file that cannot be read or written is no error: then they are made again.
package struct ProductTimesFile: Sendable {
  private struct Contents: Codable {
    var machine: String
    var libtorch: String
    var times: [ProductTimes]
  }

  /// The file.
  package let path: String
  /// Measurements that are kept at most.
  private static let most = 512

  package init(path: String) { self.path = path }

  /// `products.json` in the user's folder.
  package static var standard: ProductTimesFile {
    ProductTimesFile(path: DatasetCatalog.cacheFolder + "/products.json")
  }

  /// Takes measurements from the file, and puts this process's there.
  package func remember() {
    ProductTimes.remember(loading: { times }, keeping: { keep($0) })
  }

  /// The measurements of this machine with this libtorch.
  package var times: [ProductTimes] {
    guard let contents = try? JSONFile.read(Contents.self, from: path),
      contents.machine == PrecisionCache.Key.processor, contents.libtorch == Engine.version
    else { return [] }
    return contents.times
  }

  func keep(_ times: [ProductTimes]) {
    let folder = (path as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Of those that another process has made meanwhile, none is lost.
    let shapes = Set(times.map(\.shape))
    let all = (self.times.filter { !shapes.contains($0.shape) } + times).suffix(Self.most)
      .sorted { "\($0.shape)" < "\($1.shape)" }
    let contents = Contents(
      machine: PrecisionCache.Key.processor, libtorch: Engine.version, times: all)
    try? JSONFile.write(contents, to: path)
  }

  /// What the measurements say: how many shapes, and how often oneDNN is faster; nil without any.
  package var line: String? {
    let times = times
    guard !times.isEmpty else { return nil }
    let gains = times.filter { $0.fastest == .onednn }.map { $0.libtorch / $0.onednn }.sorted()
    let words =
      gains.isEmpty
      ? "oneDNN is faster for none"
      : "oneDNN is faster for \(gains.count), \(Formatted.fixed(gains[gains.count / 2], 2)) times in the median"
    let shapes = times.count == 1 ? "1 shape is" : "\(times.count) shapes are"
    return "products of \(shapes) timed: \(words)"
  }
}
