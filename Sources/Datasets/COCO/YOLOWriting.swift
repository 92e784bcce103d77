import FileSystem
import Imaging
import Yams

/// The `names` of YOLO's YAML file, a list or a table by number, as they are written: `y` is a name
/// and no truth value. nil where there are none.
func yamlNames(_ text: String) -> [String]? {
  guard case .mapping(let fields)? = try? Yams.compose(yaml: text) else { return nil }
  for (key, value) in fields {
    guard case .scalar(let name) = key, name.string == "names" else { continue }
    switch value {
    case .sequence(let nodes):
      var names: [String] = []
      for node in nodes {
        guard case .scalar(let scalar) = node else { return nil }
        names.append(scalar.string)
      }
      return names
    case .mapping(let pairs):
      var names: [Int: String] = [:]
      for (key, value) in pairs {
        guard case .scalar(let number) = key, let number = Int(number.string),
          case .scalar(let scalar) = value
        else { return nil }
        names[number] = scalar.string
      }
      let ordered = (0..<names.count).compactMap { names[$0] }
      return ordered.count == names.count ? ordered : nil
    default: return nil
    }
  }
  return nil
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
