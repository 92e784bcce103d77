public import Datasets
public import Evaluation
import FileSystem
import Imaging

/// COCO's scores of detections that any program wrote.
public struct DetectionScoring: Sendable {
  /// What is compared.
  public enum Kind: String, Hashable, Sendable {
    /// Boxes.
    case boxes
    /// Masks.
    case masks
  }

  /// What is compared.
  public let kind: Kind
  /// The numbers.
  public let precision: AveragePrecision
  /// The classes, in the order of the numbers.
  public let names: [String]
  /// What is wrong at an overlap of 0.5, and what it costs.
  public let errors: DetectionErrors
  /// What was found on each picture, in the order of the annotations' pictures.
  public let pictures: [PictureResult]

  /// How the objects of one picture were found, at an overlap of 0.5 and by detections of a score of at
  /// least 0.5.
  public struct PictureResult: Hashable, Sendable {
    /// Objects that were found.
    public var found = 0
    /// Objects there are, crowds left out.
    public var objects = 0
    /// Detections of no object, or of one that was found already.
    public var wrong = 0

    /// The least score of a detection that counts.
    static let score = 0.5

    /// Twice what was found, in parts of what there is and what was detected (F₁); nil where there is
    /// nothing and nothing was detected.
    public var share: Double? {
      let all = objects + found + wrong
      return all > 0 ? Double(2 * found) / Double(all) : nil
    }

    fileprivate init(_ detections: [JudgedDetection], _ truths: [JudgedTruth]) {
      objects = truths.count { !$0.isCrowd }
      for detection in detections where detection.score >= Self.score && !detection.isIgnored {
        if detection.match == nil { wrong += 1 } else { found += 1 }
      }
    }
  }

  /// Compares detections with true objects.
  ///
  /// A detection's area is its box's for boxes and its mask's for masks, as Detectron2 has it; a true
  /// object's is the file's `area`.
  ///
  /// - Parameter truth: read for scoring, so that nothing is left out.
  /// - Throws: `DatasetError` where masks are compared and a true object has none, or
  ///   polygons on a picture without a size.
  public init(
    _ results: DetectionResults, against truth: COCOAnnotations, kind: Kind
  ) throws(DatasetError) {
    self.kind = kind
    names = truth.categories.map { $0.name }
    if kind == .masks, let bare = truth.objects.first(where: { !truth.hasMask($0) }) {
      throw DatasetError(
        .malformed, path: truth.path,
        "has objects without a mask (first \(bare.id.map { "id \($0)" } ?? "one without an id")); "
          + "compare boxes, without --masks")
    }
    if kind == .masks, let open = truth.objects.first(where: { truth.lacksSize($0) }) {
      throw DatasetError(
        .malformed, path: truth.path,
        "has masks of polygons on a picture without width and height (image "
          + "\(truth.images[open.image].id)), which they are filled in: add both to the pictures, or "
          + "compare boxes, without --masks")
    }
    let groups = Groups(results, truth)
    precision = AveragePrecision(classes: names.count) { label in
      groups.pictures(of: label, results, truth, kind)
    }
    let (detections, truths) = groups.judged(results, truth, kind)
    errors = DetectionErrors(detections, truths, classes: names.count)
    pictures = zip(detections, truths).map { PictureResult($0, $1) }
  }

  /// Detections and true objects of each class, by picture.
  private struct Groups: Sendable {
    /// For each class, the pictures with their numbers in the lists, in the order of ids.
    private var found: [[Entry]]

    private struct Entry: Sendable {
      var detections: [Int32] = []
      var truths: [Int32] = []

      /// The detections that count, best first; equal ones in the file's order.
      func ranked(_ results: DetectionResults) -> [Int] {
        detections.sorted { a, b in
          let (first, second) = (
            results.detections[Int(a)].score, results.detections[Int(b)].score
          )
          return first != second ? first > second : a < b
        }.prefix(AveragePrecision.limits.last ?? 100).map { Int($0) }
      }
    }

    init(_ results: DetectionResults, _ truth: COCOAnnotations) {
      // The order of ids decides between equal scores.
      let order = truth.images.indices.sorted { truth.images[$0].id < truth.images[$1].id }
      var ranks = [Int](repeating: 0, count: order.count)
      for (rank, image) in order.enumerated() { ranks[image] = rank }
      let classes = truth.categories.count
      var keyed: [(key: Int, number: Int32, isTruth: Bool)] = []
      keyed.reserveCapacity(results.detections.count + truth.objects.count)
      for (number, detection) in results.detections.enumerated() {
        keyed.append(
          (detection.category * order.count + ranks[detection.image], Int32(number), false))
      }
      for (number, object) in truth.objects.enumerated() {
        keyed.append((object.category * order.count + ranks[object.image], Int32(number), true))
      }
      keyed.sort { ($0.key, $0.number) < ($1.key, $1.number) }
      found = Array(repeating: [], count: classes)
      var last = -1
      for item in keyed {
        let label = item.key / max(1, order.count)
        if item.key != last {
          found[label].append(Entry())
          last = item.key
        }
        let end = found[label].count - 1
        if item.isTruth {
          found[label][end].truths.append(item.number)
        } else {
          found[label][end].detections.append(item.number)
        }
      }
    }

    func pictures(
      of label: Int, _ results: DetectionResults, _ truth: COCOAnnotations, _ kind: Kind
    ) -> [AveragePrecision.Picture] {
      found[label].map { entry in
        let ranked = entry.ranked(results)
        let (detections, truths) = (
          ranked.map { results.detections[$0] }, entry.truths.map { truth.objects[Int($0)] }
        )
        let areas: [Double] =
          switch kind {
          case .boxes: detections.map { ($0.box?.z ?? 0) * ($0.box?.w ?? 0) }
          case .masks: detections.map { Double($0.mask?.area ?? 0) }
          }
        let overlaps = Overlaps(truths, truth, kind)
        return AveragePrecision.Picture(
          scores: detections.map { $0.score }, areas: areas,
          truthAreas: truths.map { $0.area }, crowds: truths.map { $0.isCrowd },
          overlaps: detections.flatMap { overlaps.of($0) })
      }
    }

    /// Detections with what became of them and true objects, of all classes, on each picture.
    func judged(
      _ results: DetectionResults, _ truth: COCOAnnotations, _ kind: Kind
    ) -> (detections: [[JudgedDetection]], truths: [[JudgedTruth]]) {
      var detections = [[JudgedDetection]](repeating: [], count: truth.images.count)
      var truths = [[JudgedTruth]](repeating: [], count: truth.images.count)
      // Where each true object stands among those of its picture.
      var places = [Int](repeating: 0, count: truth.objects.count)
      for (number, object) in truth.objects.enumerated() {
        places[number] = truths[object.image].count
        truths[object.image].append(
          JudgedTruth(category: object.category, isCrowd: object.isCrowd))
      }
      let onPictures = truth.objectsOfImages()
      for label in found.indices {
        for (entry, picture) in zip(found[label], pictures(of: label, results, truth, kind)) {
          let matches = AveragePrecision.matchedAtHalf(picture)
          let ranked = entry.ranked(results)
          guard let image = ranked.first.map({ results.detections[$0].image }) else { continue }
          let overlaps = Overlaps(onPictures[image].map { truth.objects[$0] }, truth, kind)
          for (i, number) in ranked.enumerated() {
            let match =
              matches.truth[i] >= 0 ? places[Int(entry.truths[Int(matches.truth[i])])] : nil
            detections[image].append(
              JudgedDetection(
                score: results.detections[number].score, category: label, match: match,
                isIgnored: matches.ignored[i], overlaps: overlaps.of(results.detections[number])))
          }
        }
      }
      return (detections, truths)
    }
  }
}

/// True objects of a picture, to compare detections with.
private struct Overlaps {
  private let objects: [COCOAnnotations.Object]
  private let masks: [RunLengthMask?]
  private let boxes: [PixelRectangle?]
  private let kind: DetectionScoring.Kind

  init(
    _ objects: [COCOAnnotations.Object], _ set: COCOAnnotations, _ kind: DetectionScoring.Kind
  ) {
    self.objects = objects
    self.kind = kind
    masks = kind == .masks ? objects.map { set.mask(of: $0) } : []
    boxes = masks.map { $0?.box }
  }

  /// The overlap of a detection with each object.
  func of(_ detection: DetectionResults.Detection) -> [Double] {
    switch kind {
    case .boxes:
      let box = detection.box ?? .zero
      return objects.map { boxOverlap(box, $0.box, isCrowd: $0.isCrowd) }
    case .masks:
      guard let mask = detection.mask else { return objects.map { _ in 0 } }
      let box = mask.box
      return objects.indices.map { j in
        guard let known = masks[j] else { return 0 }
        guard mask.size == known.size else { return -1 }
        guard let box, let other = boxes[j], box.touches(other) else { return 0 }
        return mask.overlap(with: known, isCrowd: objects[j].isCrowd)
      }
    }
  }
}

extension PixelRectangle {
  fileprivate func touches(_ other: PixelRectangle) -> Bool {
    x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
  }
}

extension DetectionScoring {
  /// The numbers as JSON, keys in order; null where there are no true objects.
  public var json: String {
    guard case .object(var fields) = precision.json(names: names) else { return "{}" }
    fields["errors"] = .object(
      Dictionary(
        uniqueKeysWithValues: DetectionErrors.Kind.allCases.map { kind in
          (
            kind.rawValue,
            JSONValue.object([
              "count": .integer(errors.counts[kind] ?? 0),
              "cost": .number(errors.costs[kind] ?? 0),
            ])
          )
        }))
    return String(decoding: JSONValue.object(fields).fileText.dropLast(), as: UTF8.self)
  }
}
