public import DataParallel
public import Datasets
import DenseHeads
public import Evaluation
import FileSystem
public import Imaging
public import Runs

/// How a segmenter does on pictures whose pixels' classes are known, each at its own size.
public struct SegmentationEvaluation {
  /// How often pixels of each class were taken for each other.
  public private(set) var scores: SegmentationScores
  /// Every picture that could be evaluated, in order.
  public private(set) var pictures: [Picture] = []
  /// The names of the classes.
  public let classNames: [String]
  /// Pictures that could not be evaluated.
  public private(set) var broken: [UndecodableImage] = []
  /// Seconds that it took, reading and decoding included.
  public private(set) var seconds = 0.0

  /// How one picture was segmented.
  public struct Picture: Hashable, Codable, Sendable {
    /// Its number in the set.
    public let index: Int
    /// The mean intersection over union of the classes that are in its labels or in the result; nil
    /// where all of its pixels are ignored.
    public let meanIoU: Double?
  }

  /// Segments every picture of a set and compares.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - group: The processes that share the pictures; each of them has the whole result.
  ///   - requiresFiniteResults: Whether scores that are not finite are an error; if not, such a
  ///     picture counts as broken.
  ///   - progress: Told how many more pictures are done.
  ///   - body: Takes the number and the result of each picture that this process segments.
  /// - Throws: ``/Runs/RunFailure`` where the classes are not the segmenter's, `DatasetError` where
  ///   too many pictures are broken or every pixel is ignored, and what `body` throws.
  public init(
    of set: any LabelMapDataset, named name: String, by model: LoadedSegmenter,
    brokenLimit: BrokenLimit = .standard, over group: DataParallelGroup = .single,
    requiresFiniteResults: Bool = true, progress: (Int) -> Void = { _ in },
    each body: (Int, LabelMap) throws -> Void = { _, _ in }
  ) throws {
    try Self.requireSameClasses(set, named: name, model)
    classNames = model.classNames
    scores = SegmentationScores(classes: classNames.count)
    let start = ContinuousClock.now
    var limit = brokenLimit.counter(of: set.count)
    var (all, pictures, broken) = (scores, self.pictures, self.broken)
    let empty = scores
    try group.inOrder(set.count, by: model.windows.batch) { range in
      var part = Part(scores: empty)
      try part.add(
        range, of: set, by: model, requiresFiniteResults: requiresFiniteResults, each: body)
      progress(part.pictures.count)
      return part
    } each: { part in
      for image in part.broken {
        broken.append(image)
        try limit.add([image], of: name, count: set.count)
      }
      all.add(part.scores)
      pictures += part.pictures
    }
    (scores, self.pictures, self.broken) = (all, pictures, broken)
    seconds = FileSystem.seconds(since: start)
    guard requiresFiniteResults else { return }
    if pictures.isEmpty { throw RunFailure.nothingToSee(in: name, broken) }
    if scores.isEmpty { throw DatasetError.everyPixelIgnored(in: name) }
  }

  /// What some pictures gave.
  private struct Part: Codable {
    var scores: SegmentationScores
    var pictures: [Picture] = []
    var broken: [UndecodableImage] = []

    init(scores: SegmentationScores) { self.scores = scores }

    mutating func add(
      _ range: Range<Int>, of set: any LabelMapDataset, by model: LoadedSegmenter,
      requiresFiniteResults: Bool, each body: (Int, LabelMap) throws -> Void
    ) throws {
      var (indices, images, truths) = ([Int](), [WholeImage](), [LabelMap]())
      for index in range {
        do throws(ImageError) {
          let image = try model.picture(of: set.content(of: index))
          let truth = try set.labelMap(of: index)
          try image.requireSize(truth.size, "its labels have")
          truths.append(truth)
          images.append(image)
          indices.append(index)
        } catch {
          broken.append(
            UndecodableImage(index: index, name: set.name(of: index), reason: error.reason))
        }
      }
      guard !indices.isEmpty else { return }
      let results: [LabelMap]
      do {
        results = try model.segment(images) { set.name(of: indices[$0]) }
      } catch let error as RunFailure where !requiresFiniteResults {
        for index in indices {
          broken.append(
            UndecodableImage(index: index, name: set.name(of: index), reason: error.message))
        }
        return
      }
      for (index, (result, truth)) in zip(indices, zip(results, truths)) {
        add(result, truth, index)
        try body(index, result)
      }
    }

    private mutating func add(_ result: LabelMap, _ truth: LabelMap, _ index: Int) {
      var own = SegmentationScores(classes: scores.classes)
      own.add(prediction: result.labels, truth: truth.labels, width: truth.width)
      scores.add(own)
      let isLabelled = own.ignoredPixels < truth.labels.count
      pictures.append(
        Picture(index: index, meanIoU: isLabelled ? own.meanIntersectionOverUnion : nil))
    }
  }

  /// The pictures from the worst to the best, of equal ones the first first.
  public var ranked: [Picture] {
    pictures.filter { $0.meanIoU != nil }
      .sorted { ($0.meanIoU ?? 0, $0.index) < ($1.meanIoU ?? 0, $1.index) }
  }

  /// Pictures evaluated in a second.
  public var picturesPerSecond: Double {
    seconds > 0 ? Double(pictures.count) / seconds : 0
  }

  private static func requireSameClasses(
    _ set: any LabelMapDataset, named name: String, _ model: LoadedSegmenter
  ) throws(RunFailure) {
    let (mine, theirs) = (model.classNames, set.pixelClasses)
    guard mine != theirs else { return }
    let missing = mine.filter { !theirs.contains($0) }
    let added = theirs.filter { !mine.contains($0) }
    func some(_ names: [String]) -> String {
      names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }
    let difference =
      missing.isEmpty && added.isEmpty
      ? "the same names stand in another order"
      : [
        missing.isEmpty ? nil : "the set lacks \(some(missing))",
        added.isEmpty ? nil : "the model does not know \(some(added))",
      ].compactMap(\.self).joined(separator: "; ")
    throw RunFailure(
      .badData,
      "\(name): its \(theirs.count) classes are not the \(mine.count) of \(model.source): "
        + "\(difference). Give a class table with the model's names (--classes), or say what 0 is "
        + "(--zero-is)")
  }
}

extension RunResults.Segmentation {
  /// Records an evaluation.
  public init(
    _ result: SegmentationEvaluation, model: String, data: String, training: Training? = nil
  ) {
    let scores = result.scores
    let (ious, accuracies, pixels) = (
      scores.intersectionOverUnion, scores.classAccuracy, scores.pixels
    )
    self.init(
      model: model, data: data, meanIoU: scores.meanIntersectionOverUnion,
      meanAccuracy: scores.meanClassAccuracy,
      pixelAccuracy: scores.accuracy, boundaryIoU: scores.meanBoundaryIntersectionOverUnion,
      pictures: result.pictures.count, broken: result.broken.count,
      picturesPerSecond: result.picturesPerSecond,
      classes: result.classNames.indices.map {
        ClassResult(
          name: result.classNames[$0], iou: ious[$0], accuracy: accuracies[$0],
          pixels: pixels[$0])
      }, training: training)
  }
}
