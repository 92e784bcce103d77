public import Datasets
public import Evaluation
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

  /// Compares detections with true objects.
  ///
  /// A detection's area is its box's for boxes and its mask's for masks, as Detectron2 has it; a true
  /// object's is the file's `area`.
  ///
  /// - Parameter truth: read for scoring, so that nothing is left out.
  /// - Throws: `DatasetError` where masks are compared and a true object has none.
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
    let groups = Groups(results, truth)
    precision = AveragePrecision(classes: names.count) { label in
      groups.pictures(of: label, results, truth, kind)
    }
  }

  /// Detections and true objects of each class, by picture.
  private struct Groups: Sendable {
    /// For each class, the pictures with their numbers in the lists, in the order of ids.
    private var found: [[Entry]]

    private struct Entry: Sendable {
      var detections: [Int32] = []
      var truths: [Int32] = []
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
        let ranked = entry.detections.sorted { a, b in
          let (first, second) = (
            results.detections[Int(a)].score, results.detections[Int(b)].score
          )
          return first != second ? first > second : a < b
        }.prefix(AveragePrecision.limits.last ?? 100)
        let detections = ranked.map { results.detections[Int($0)] }
        let truths = entry.truths.map { truth.objects[Int($0)] }
        var overlaps: [Double] = []
        overlaps.reserveCapacity(detections.count * truths.count)
        var areas: [Double]
        switch kind {
        case .boxes:
          areas = detections.map { ($0.box?.z ?? 0) * ($0.box?.w ?? 0) }
          for detection in detections {
            for object in truths {
              overlaps.append(
                boxOverlap(detection.box ?? .zero, object.box, isCrowd: object.isCrowd))
            }
          }
        case .masks:
          areas = detections.map { Double($0.mask?.area ?? 0) }
          let masks = truths.map { truth.mask(of: $0) }
          let boxes = masks.map { $0?.box }
          for detection in detections {
            let box = detection.mask?.box
            for (j, object) in truths.enumerated() {
              guard let mask = detection.mask, let known = masks[j] else {
                overlaps.append(0)
                continue
              }
              let mayTouch = box.map { a in boxes[j].map { a.touches($0) } ?? false } ?? false
              overlaps.append(
                mayTouch || mask.size != known.size
                  ? mask.overlap(with: known, isCrowd: object.isCrowd) : 0)
            }
          }
        }
        return AveragePrecision.Picture(
          scores: detections.map { $0.score }, areas: areas,
          truthAreas: truths.map { $0.area }, crowds: truths.map { $0.isCrowd },
          overlaps: overlaps)
      }
    }
  }
}

extension PixelRectangle {
  fileprivate func touches(_ other: PixelRectangle) -> Bool {
    x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
  }
}
