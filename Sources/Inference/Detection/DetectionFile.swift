public import Datasets
import DenseHeads
import FileSystem
import Foundation
import Imaging

/// Detections as programs write them for COCO: a JSON list of `image_id`, `category_id`, `bbox`,
/// `score` and, of masks, `segmentation` as compressed run lengths, one entry a line.
public struct DetectionFile {
  private var entries: [String] = []

  /// An empty list.
  public init() {}

  /// The results of an evaluation, with the ids of the set's file.
  public init(_ results: DetectionResults, of set: COCOAnnotations) {
    for detection in results.detections {
      add(
        image: set.images[detection.image].id, category: set.categories[detection.category].id,
        detection)
    }
  }

  /// Entries so far.
  public var count: Int { entries.count }

  /// Adds an object of a picture.
  public mutating func add(
    _ object: DetectedObject, image: COCOIdentifier, category: COCOIdentifier
  ) {
    add(
      image: image, category: category,
      DetectionResults.Detection(
        image: 0, category: 0, score: decimal(object.score), box: object.corner,
        mask: object.mask))
  }

  private mutating func add(
    image: COCOIdentifier, category: COCOIdentifier, _ detection: DetectionResults.Detection
  ) {
    var text = "{\"image_id\":\(Self.text(image)),\"category_id\":\(Self.text(category))"
    if let box = detection.box { text += ",\"bbox\":[\(box.x),\(box.y),\(box.z),\(box.w)]" }
    text += ",\"score\":\(detection.score)"
    if let mask = detection.mask {
      text +=
        ",\"segmentation\":{\"size\":[\(mask.height),\(mask.width)],\"counts\":"
        + "\(Self.text(mask.text))}"
    }
    entries.append(text + "}")
  }

  /// The text of the file.
  public var text: String {
    entries.isEmpty ? "[]\n" : "[\n" + entries.joined(separator: ",\n") + "\n]\n"
  }

  private static func text(_ id: COCOIdentifier) -> String {
    switch id {
    case .number(let number): "\(number)"
    case .text(let words): text(words)
    }
  }

  private static func text(_ words: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return (try? encoder.encode(words)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}

/// A number as it is written and read again: what is scored is what the file says.
func decimal(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

extension DetectedObject {
  /// Left, top, width and height, as they are written.
  var corner: SIMD4<Double> {
    SIMD4(decimal(box.x0), decimal(box.y0), decimal(box.width), decimal(box.height))
  }
}
