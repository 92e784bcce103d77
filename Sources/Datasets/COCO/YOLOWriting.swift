import FileSystem
import Imaging
import Yams

/// The `names` of YOLO's YAML file; nil where there are none.
func yamlNames(_ text: String) -> [String]? {
  guard let tree = try? Yams.load(yaml: text) as? [String: Any] else { return nil }
  if let list = tree["names"] as? [Any] { return list.map { "\($0)" } }
  guard let table = tree["names"] as? [Int: Any] else { return nil }
  let numbers = table.keys.sorted()
  guard numbers == Array(0..<numbers.count) else { return nil }
  return numbers.map { number in table[number].map { "\($0)" } ?? "" }
}

extension COCOAnnotations {
  /// YOLO's labels: the text of each picture's file, in the order of the pictures. Polygons stay
  /// polygons where an object has one; of other masks and of crowds the box is written.
  ///
  /// - Throws: `DatasetError` where a picture's size is not known.
  public func yoloTexts() throws(DatasetError) -> [String] {
    var texts = [String](repeating: "", count: images.count)
    for object in objects where !object.isCrowd {
      let image = images[object.image]
      guard let size = image.size else {
        throw DatasetError(
          .malformed, path: path,
          "gives no width and height to the picture \(image.fileName); YOLO's labels need them")
      }
      let (width, height) = (Double(size.width), Double(size.height))
      var values: [Double]
      if let polygons = polygons(of: object), polygons.count == 1 {
        values = polygons[0].enumerated().map { $0 % 2 == 0 ? $1 / width : $1 / height }
      } else {
        let box = object.box
        values = [
          (box.x + box.z / 2) / width, (box.y + box.w / 2) / height, box.z / width,
          box.w / height,
        ]
      }
      values = values.map { min(max($0, 0), 1) }
      let words = [String(object.category)] + values.map { Formatted.fixed($0, 6) }
      texts[object.image] += words.joined(separator: " ") + "\n"
    }
    return texts
  }
}
