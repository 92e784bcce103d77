public import Datasets
import Imaging
import MaskedAutoencoders
public import Runs

/// The first images of a set that can be decoded, for pictures of a few of them.
public struct DecodableImages {
  /// The images' numbers in their set, in ascending order.
  public let indices: [Int]
  /// Images before the last of them that could not be decoded.
  public let broken: [UndecodableImage]

  /// Looks for images from the start of a set.
  ///
  /// - Parameters:
  ///   - count: How many are looked for; fewer are found where there are no more.
  ///   - model: Whose input the images become; nil for pictures.
  ///   - name: What the set is called in messages.
  ///   - brokenLimit: How many images of the set may be passed over.
  /// - Throws: `DatasetError` where more cannot be decoded; ``/Runs/RunFailure`` where none can.
  public init(
    first count: Int, of images: any ImageDataset, for model: ModelDescription? = nil,
    named name: String, brokenLimit: BrokenLimit
  ) throws {
    var broken = brokenLimit.counter(of: images.count)
    indices = try Self.find(count, in: images, for: model) { image throws(DatasetError) in
      try broken.add([image], of: name, count: images.count)
    }
    guard !indices.isEmpty else { throw RunFailure.nothingToSee(in: name, broken.found) }
    self.broken = broken.found
  }

  /// The first images that can be decoded.
  ///
  /// - Parameter report: Called with each image before the last of them that cannot.
  static func find<E: Error>(
    _ count: Int, in images: any ImageDataset, for model: ModelDescription? = nil,
    broken report: (UndecodableImage) throws(E) -> Void
  ) throws(E) -> [Int] {
    var indices: [Int] = []
    for index in 0..<images.count where indices.count < count {
      let problem: String
      do throws(ImageError) {
        let raster = model?.usedRaster
        try images.check(
          index, of: raster.flatMap { _ in model?.model.channels } ?? 3, raster: raster)
        indices.append(index)
        continue
      } catch {
        problem = error.reason
      }
      try report(UndecodableImage(index: index, name: images.name(of: index), reason: problem))
    }
    return indices
  }
}

extension RunFailure {
  /// One image may always be broken; a set of one then has nothing left.
  static func nothingToSee(in name: String, _ broken: [UndecodableImage]) -> RunFailure {
    RunFailure(
      .badData,
      "\(name): none of the images could be decoded; the first is \(broken.first?.description ?? "")"
    )
  }
}
