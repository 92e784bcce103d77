import FileSystem
import Imaging

extension COCOAnnotations {
  /// The file as JSON: equal sets give equal bytes. Masks of run lengths are written compressed.
  public var fileText: [UInt8] {
    var text = "{\"info\": {},\n\"licenses\": [],\n\"categories\": [\n"
    text += categories.map { "{\"id\": \($0.id.json), \"name\": \($0.name.json)}" }
      .joined(separator: ",\n")
    text += "],\n\"images\": [\n"
    text += images.map { image in
      let size = image.size.map { ", \"width\": \($0.width), \"height\": \($0.height)" } ?? ""
      return "{\"id\": \(image.id.json), \"file_name\": \(image.fileName.json)\(size)}"
    }.joined(separator: ",\n")
    text += "],\n\"annotations\": [\n"
    text += objects.enumerated().map { number, object in
      let box = [object.box.x, object.box.y, object.box.z, object.box.w].map(\.shortText)
      let fields = [
        "\"id\": \(object.id?.json ?? String(number + 1))",
        "\"image_id\": \(images[object.image].id.json)",
        "\"category_id\": \(categories[object.category].id.json)",
        "\"iscrowd\": \(object.isCrowd ? 1 : 0)", "\"area\": \(object.area.shortText)",
        "\"bbox\": [\(box.joined(separator: ", "))]",
      ]
      return "{" + (fields + shape(of: object)).joined(separator: ", ") + "}"
    }.joined(separator: ",\n")
    return Array((text + "]}\n").utf8)
  }

  private func shape(of object: Object) -> [String] {
    if let polygons = polygons(of: object) {
      let lists = polygons.map { "[" + $0.map(\.shortText).joined(separator: ", ") + "]" }
      return ["\"segmentation\": [\(lists.joined(separator: ", "))]"]
    }
    guard case .runs(_, let size) = object.shape, let mask = mask(of: object) else { return [] }
    return [
      "\"segmentation\": {\"size\": [\(size.height), \(size.width)], \"counts\": "
        + "\(mask.text.json)}"
    ]
  }
}

extension COCOIdentifier {
  fileprivate var json: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): text.json
    }
  }
}

extension Double {
  /// Whole numbers without a point; others as they are read back to the same double.
  var shortText: String {
    self == rounded() && magnitude < 1e15 ? String(Int(self)) : String(self)
  }
}
