public import DataParallel
public import Datasets
import DenseHeads
import Evaluation
import FileSystem
import Imaging
public import Runs

/// How a detector does on pictures whose objects are known: COCO's numbers.
public struct DetectionEvaluation {
  /// What was found, in the order of pictures; classes and pictures by their numbers in the set's
  /// annotations.
  public let results: DetectionResults
  /// The scores of boxes.
  public let boxes: DetectionScoring
  /// The scores of masks; nil where the detector or the set has none.
  public let masks: DetectionScoring?
  /// Pictures that were evaluated.
  public let pictures: Int
  /// The true objects on them.
  public let objects: Int
  /// Pictures that could not be evaluated.
  public let broken: [UndecodableImage]
  /// Seconds that it took, reading and decoding included.
  public let seconds: Double

  /// Finds the objects of every picture of a set and compares.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - batch: Pictures computed at a time.
  ///   - group: The processes that share the pictures; each of them has the whole result.
  ///   - progress: Told how many more pictures are done.
  /// - Throws: ``/Runs/RunFailure`` where the classes are not the detector's, `DatasetError` where
  ///   too many pictures are broken.
  public init(
    of set: DetectionSet, named name: String, by model: LoadedDetector, batch: Int = 1,
    brokenLimit: BrokenLimit = .standard, over group: DataParallelGroup = .single,
    progress: (Int) -> Void = { _ in }
  ) throws {
    let labels = try Self.labels(of: set, named: name, model)
    let start = ContinuousClock.now
    var limit = brokenLimit.counter(of: set.count)
    var (found, broken) = ([DetectionResults.Detection](), [UndecodableImage]())
    var count = 0
    try group.inOrder(set.count, by: batch) { range in
      let part = Part(range, of: set, by: model, labels)
      progress(part.count)
      return part
    } each: { part in
      for image in part.broken {
        broken.append(image)
        try limit.add([image], of: name, count: set.count)
      }
      found += part.found
      count += part.count
    }
    if count == 0 { throw RunFailure.nothingToSee(in: name, broken) }
    results = DetectionResults(found)
    let truth = set.annotations.keepingObjects(ofPictures: set.pictures)
    boxes = try DetectionScoring(results, against: truth, kind: .boxes)
    let hasMasks =
      model.description.detector?.shape.hasMasks == true
      && truth.objects.allSatisfy { truth.hasMask($0) }
    masks = hasMasks ? try DetectionScoring(results, against: truth, kind: .masks) : nil
    pictures = count
    objects = set.objects.reduce(0) { $0 + $1.count }
    self.broken = broken
    seconds = FileSystem.seconds(since: start)
  }

  /// What some pictures gave.
  private struct Part: Codable {
    var found: [DetectionResults.Detection] = []
    var broken: [UndecodableImage] = []
    var count = 0

    init(
      _ range: Range<Int>, of set: DetectionSet, by model: LoadedDetector, _ labels: [Int]
    ) {
      var (indices, images) = ([Int](), [WholeImage]())
      for index in range {
        do throws(ImageError) {
          let image = try model.picture(of: set.content(of: index))
          // The size of an array depends on which axis holds its channels.
          if case .raster = image, let known = set.annotations.images[set.pictures[index]].size {
            try image.requireSize(known, "its annotations say")
          }
          images.append(image)
          indices.append(index)
        } catch {
          broken.append(
            UndecodableImage(index: index, name: set.name(of: index), reason: error.reason))
        }
      }
      for (index, objects) in zip(indices, model.detect(images)) {
        for object in objects {
          found.append(
            DetectionResults.Detection(
              image: set.pictures[index], category: labels[object.label],
              score: decimal(object.score), box: object.corner, mask: object.mask))
        }
      }
      count = indices.count
    }

    // As it travels between processes.

    private enum Key: CodingKey { case found, broken, count }

    private struct Found: Codable {
      var image: Int
      var category: Int
      var score: Double
      var box: SIMD4<Double>?
      var size: PixelSize?
      var runs: String?
    }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      found = try fields.decode([Found].self, forKey: .found).map { one in
        DetectionResults.Detection(
          image: one.image, category: one.category, score: one.score, box: one.box,
          mask: try one.size.map { size in
            try RunLengthMask(
              width: size.width, height: size.height, text: (one.runs ?? "").utf8)
          })
      }
      broken = try fields.decode([UndecodableImage].self, forKey: .broken)
      count = try fields.decode(Int.self, forKey: .count)
    }

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(
        found.map {
          Found(
            image: $0.image, category: $0.category, score: $0.score, box: $0.box,
            size: $0.mask?.size, runs: $0.mask?.text)
        }, forKey: .found)
      try fields.encode(broken, forKey: .broken)
      try fields.encode(count, forKey: .count)
    }
  }

  /// The set's number of each of the model's classes, which are compared by name.
  private static func labels(
    of set: DetectionSet, named name: String, _ model: LoadedDetector
  ) throws -> [Int] {
    let theirs = set.annotations.categories.map(\.name)
    let mine = model.classNames
    guard mine.allSatisfy(theirs.contains), theirs.allSatisfy(mine.contains) else {
      throw RunFailure(
        .badData,
        "\(name): its classes are not those of the detector: it has "
          + "\(theirs.prefix(12).joined(separator: ", "))\(theirs.count > 12 ? ", …" : ""); the "
          + "detector \(mine.prefix(12).joined(separator: ", "))\(mine.count > 12 ? ", …" : "")")
    }
    return mine.map { theirs.firstIndex(of: $0) ?? 0 }
  }

  /// Pictures evaluated in a second.
  public var picturesPerSecond: Double { seconds > 0 ? Double(pictures) / seconds : 0 }

  /// Its numbers, a line each, then the classes. What depends on the machine is in the last.
  public var lines: [String] {
    func part(_ scoring: DetectionScoring) -> [String] {
      scoring.precision.lines(
        names: scoring.names, title: "\(scoring.kind.rawValue), \(pictures) pictures")
    }
    return part(boxes) + (masks.map(part) ?? [])
      + ["\(Formatted.fixed(picturesPerSecond, 2)) pictures/s, reading and decoding included"]
  }

  /// The result as `results.json` keeps it.
  public func record(
    model: String, data: String, training: RunResults.Segmentation.Training? = nil
  ) -> RunResults.Detection {
    func known(_ value: Double) -> Double? { value < 0 ? nil : value }
    func scores(_ scoring: DetectionScoring) -> RunResults.Detection.Scores {
      let values = scoring.precision.summary.values.map(known)
      return .init(
        ap: values[0], ap50: values[1], ap75: values[2], small: values[3], medium: values[4],
        large: values[5])
    }
    return RunResults.Detection(
      model: model, data: data, boxes: scores(boxes), masks: masks.map(scores),
      pictures: pictures, objects: objects, broken: broken.count,
      picturesPerSecond: picturesPerSecond,
      classes: boxes.names.indices.map { label in
        .init(
          name: boxes.names[label], boxes: known(boxes.precision.averagePrecision(of: label)),
          masks: masks.flatMap { known($0.precision.averagePrecision(of: label)) },
          objects: boxes.precision.truths[label])
      }, training: training)
  }
}
