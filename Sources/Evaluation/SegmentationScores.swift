/// How well label maps agree with true ones, over a whole set: intersection over union of each
/// class and their mean (mIoU), accuracy, and the same of the classes' edges.
///
/// Pixels whose true label is ignored are left out. Everything is counted in whole numbers over all
/// pixels of the set, as mmsegmentation's `IoUMetric` does in float32, so that equal maps in any
/// order give equal scores.
public struct SegmentationScores: Hashable, Codable, Sendable {
  /// Number of classes.
  public let classes: Int
  /// Pixels by their true class and the predicted one.
  public private(set) var confusion: ConfusionMatrix
  /// Pixels of each true class for which no class was predicted.
  public private(set) var unpredicted: [Int]
  /// Number of maps.
  public private(set) var maps = 0
  /// Pixels that were left out.
  public private(set) var ignoredPixels = 0
  private var edges: [Int]
  private var edgeUnions: [Int]

  /// The label of pixels that are left out.
  public static let ignored = UInt16.max

  /// Creates scores of nothing.
  public init(classes: Int) {
    self.classes = classes
    confusion = ConfusionMatrix(classes: classes)
    unpredicted = Array(repeating: 0, count: classes)
    edges = unpredicted
    edgeUnions = unpredicted
  }

  /// Counts a map.
  ///
  /// - Parameters:
  ///   - prediction: the predicted class of each pixel, row by row; what is no class counts as
  ///     nothing predicted.
  ///   - truth: the true class of each pixel, or ``ignored``.
  ///   - width: pixels of a row.
  /// - Precondition: both have as many pixels, whole rows, and true classes are below `classes`.
  public mutating func add(prediction: [UInt16], truth: [UInt16], width: Int) {
    precondition(
      prediction.count == truth.count && width >= 1 && truth.count % width == 0,
      "\(prediction.count) predicted labels for \(truth.count)")
    maps += 1
    var counts = PairCounts(classes: classes)
    var seen = prediction
    for i in truth.indices {
      let (label, predicted) = (truth[i], prediction[i])
      if label == Self.ignored {
        ignoredPixels += 1
        seen[i] = Self.ignored
        continue
      }
      precondition(Int(label) < classes, "the class \(label) of \(classes)")
      if Int(predicted) < classes {
        counts.add(Int(label), Int(predicted))
      } else {
        unpredicted[Int(label)] += 1
        seen[i] = Self.ignored
      }
    }
    counts.forEach { confusion.add(truth: $0, prediction: $1, count: $2) }
    addEdges(prediction: seen, truth: truth, width: width)
  }

  /// Adds what other scores of the same classes have counted.
  public mutating func add(_ other: SegmentationScores) {
    confusion.add(other.confusion)
    for k in 0..<classes {
      unpredicted[k] += other.unpredicted[k]
      edges[k] += other.edges[k]
      edgeUnions[k] += other.edgeUnions[k]
    }
    maps += other.maps
    ignoredPixels += other.ignoredPixels
  }

  private mutating func addEdges(prediction: [UInt16], truth: [UInt16], width: Int) {
    let height = truth.count / width
    let predicted = edgePixels(of: prediction, width: width, height: height)
    let known = edgePixels(of: truth, width: width, height: height)
    for i in truth.indices {
      let (label, other) = (Int(truth[i]), Int(prediction[i]))
      let isShared = known[i] && predicted[i] && label == other
      if known[i], label < classes { edgeUnions[label] += 1 }
      if predicted[i], other < classes, !isShared { edgeUnions[other] += 1 }
      if isShared, label < classes { edges[label] += 1 }
    }
  }
}

extension SegmentationScores {
  /// Whether every pixel was left out, so that there is no number.
  public var isEmpty: Bool { pixels.allSatisfy { $0 == 0 } }

  /// Pixels of each true class.
  public var pixels: [Int] { zip(confusion.examples, unpredicted).map { $0 + $1 } }

  /// Intersection over union of each class; nil for one that neither occurs nor was predicted.
  public var intersectionOverUnion: [Double?] {
    let (predictions, pixels) = (confusion.predictions, pixels)
    return (0..<classes).map { k in
      let shared = confusion[truth: k, prediction: k]
      return ratio(shared, predictions[k] + pixels[k] - shared)
    }
  }

  /// The mean over classes that occur or were predicted: mIoU.
  public var meanIntersectionOverUnion: Double { mean(intersectionOverUnion) }

  /// The part of each class's pixels that was recognised; nil for a class without pixels.
  public var classAccuracy: [Double?] {
    zip(0..<classes, pixels).map { ratio(confusion[truth: $0, prediction: $0], $1) }
  }

  /// The mean over classes that occur: mAcc.
  public var meanClassAccuracy: Double { mean(classAccuracy) }

  /// The part of all pixels that was recognised: aAcc.
  public var accuracy: Double {
    let hits = (0..<classes).reduce(0) { $0 + confusion[truth: $1, prediction: $1] }
    return ratio(hits, pixels.reduce(0, +)) ?? 0
  }

  /// Intersection over union of the pixels of each class that are no further from its edge than 2 %
  /// of the map's diagonal (boundary IoU; Cheng et al., 2021, arXiv:2103.16562), counted over the
  /// set; nil for a class that has none.
  public var boundaryIntersectionOverUnion: [Double?] {
    zip(edges, edgeUnions).map { ratio($0, $1) }
  }

  /// The mean over classes that have an edge.
  public var meanBoundaryIntersectionOverUnion: Double { mean(boundaryIntersectionOverUnion) }

  private func ratio(_ part: Int, _ whole: Int) -> Double? {
    whole > 0 ? Double(part) / Double(whole) : nil
  }

  private func mean(_ values: [Double?]) -> Double {
    let known = values.compactMap { $0 }
    return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
  }
}

/// How often each pair of classes occurs in one map.
private struct PairCounts {
  private let classes: Int
  private var table: [Int]
  private var rare: [Int: Int] = [:]

  init(classes: Int) {
    self.classes = classes
    table = classes <= 512 ? Array(repeating: 0, count: classes * classes) : []
  }

  mutating func add(_ truth: Int, _ prediction: Int) {
    let place = truth * classes + prediction
    if table.isEmpty {
      rare[place, default: 0] += 1
    } else {
      table[place] += 1
    }
  }

  func forEach(_ body: (_ truth: Int, _ prediction: Int, _ count: Int) -> Void) {
    for (place, count) in table.enumerated() where count > 0 {
      body(place / classes, place % classes, count)
    }
    for (place, count) in rare { body(place / classes, place % classes, count) }
  }
}

/// Which pixels lie within a distance of an edge of their own label, or of the map's: their square
/// of `2d + 1` pixels holds another label or reaches outside, d being 2 % of the diagonal, rounded,
/// and at least 1.
///
/// - Complexity: O(pixels)
private func edgePixels(of labels: [UInt16], width: Int, height: Int) -> [Bool] {
  let diagonal = Double(width * width + height * height).squareRoot()
  let reach = max(1, Int((0.02 * diagonal).rounded(.toNearestOrEven)))
  // Where the whole row of the square has the pixel's label.
  var isEven = [Bool](repeating: false, count: labels.count)
  for y in 0..<height {
    let row = y * width
    var start = 0
    while start < width {
      var end = start + 1
      while end < width, labels[row + end] == labels[row + start] { end += 1 }
      if end - start > 2 * reach {
        for x in start + reach..<end - reach { isEven[row + x] = true }
      }
      start = end
    }
  }
  var isEdge = [Bool](repeating: true, count: labels.count)
  for x in 0..<width {
    var start = 0
    while start < height {
      let first = start * width + x
      guard isEven[first] else {
        start += 1
        continue
      }
      var end = start + 1
      while end < height, isEven[end * width + x], labels[end * width + x] == labels[first] {
        end += 1
      }
      if end - start > 2 * reach {
        for y in start + reach..<end - reach { isEdge[y * width + x] = false }
      }
      start = end
    }
  }
  return isEdge
}
