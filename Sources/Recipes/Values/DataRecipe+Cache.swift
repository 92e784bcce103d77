public import Datasets
import FileSystem
import Foundation
public import Imaging
public import RecipeSyntax

extension DataRecipe {
  /// Most bytes of decoded images that are kept.
  ///
  /// - Precondition: `auto` has been resolved.
  package var cacheBytes: Int {
    guard case .gigabytes(let size) = cache else {
      preconditionFailure("the size of the cache has not been resolved yet")
    }
    return Int(min(size * 1e9, 1e18))
  }

  /// The pipeline with a cache whose size was to be found out as a number, and what there is to say
  /// about its size.
  ///
  /// - Parameter transform: what will be made of the images.
  public func resolvingCache(
    for dataset: any ImageDataset, _ transform: ImageTransform
  ) throws(RecipeErrors) -> (pipeline: DataRecipe, warning: String?) {
    try resolvingCache(for: dataset, transform, free: freeMemory())
  }

  package func resolvingCache(
    for dataset: any ImageDataset, _ transform: ImageTransform, free: Int
  ) throws(RecipeErrors) -> (pipeline: DataRecipe, warning: String?) {
    guard cache != .gigabytes(0) else { return (self, nil) }
    let needed = PixelCache.bytes(of: dataset, for: transform)
    var resolved = self
    switch cache {
    case .auto:
      // A tenth more, for the others may be larger than those that were looked at.
      let size = (Double(needed) * 1.1 / 1e9 + 0.1).rounded(.up, toMultipleOf: 0.1)
      guard size * 1e9 <= Double(free) / 2 else {
        resolved.cache = .gigabytes(0)
        return (
          resolved,
          "data.cache is auto, and no images are kept: decoded they would take about "
            + "\(Formatted.bytes(needed)), and half of the memory that is free is "
            + Formatted.bytes(free / 2)
        )
      }
      resolved.cache = .gigabytes(size)
      return (resolved, nil)
    case .gigabytes(let size):
      let memory = ProcessInfo.processInfo.physicalMemory
      guard size * 1e9 < 0.9 * Double(memory) else {
        throw RecipeErrors(
          "data.cache",
          "is \(ScalarText.written(size)), and the machine has "
            + "\(Formatted.bytes(Int(memory))) of memory; use less, or auto")
      }
      guard size * 1e9 < Double(needed) else { return (self, nil) }
      return (
        self,
        "data.cache holds a part of the images: decoded they take about \(Formatted.bytes(needed)). "
          + "The others are decoded as a whole each time, which may take longer than without a cache"
      )
    }
  }
}

extension Double {
  fileprivate func rounded(
    _ rule: FloatingPointRoundingRule, toMultipleOf step: Double
  ) -> Double {
    // In whole steps, so that it reads back from YAML as it is.
    (self / step).rounded(rule) / (1 / step).rounded()
  }
}
