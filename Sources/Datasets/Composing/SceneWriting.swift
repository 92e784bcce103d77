import Dispatch
import FileSystem
import Foundation
import Imaging
import Synchronization

extension SceneComposition {
  /// What was written.
  public struct Report: Hashable, Sendable {
    /// Scenes of each part: `train`, `val`, `unlabelled`.
    public var scenes: [String: Int] = [:]
    /// Annotated objects.
    public var objects = 0
    /// Objects of which too little can be seen.
    public var hidden = 0
  }

  /// Writes a set: `images/{train,val,unlabelled}/000001.jpg`, `labels/{train,val}/000001.png`,
  /// `annotations/instances_{train,val}.json` and `classes.csv`. It is a COCO set and a set of label
  /// maps; the same settings and files give the same bytes.
  ///
  /// - Parameter report: told after every few hundred scenes.
  /// - Throws: `DatasetError`, `ImageError` or `FileError`; nothing is left at `out` then.
  /// - Precondition: ``problem`` is nil.
  public func write(
    cutouts: some CutoutSource, backgrounds: BackgroundSource, to out: String,
    report: @Sendable (String) -> Void = { _ in }
  ) throws -> Report {
    precondition(problem == nil, problem ?? "")
    if exists(out) {
      throw FileError(
        path: out, kind: .unwritable, message: "is there already; name a folder that is not")
    }
    let work = out.withoutSlashes + ".partial"
    try? FileManager.default.removeItem(atPath: work)
    try makeFolder(work)
    var done = Report()
    for part in ScenePart.allCases {
      let count = count(of: part)
      guard count > 0 else { continue }
      let entries = try write(
        part, count, cutouts: cutouts, backgrounds: backgrounds, to: work, report: report)
      done.scenes[part.rawValue] = count
      done.hidden += entries.reduce(0) { $0 + $1.hidden }
      guard part != .unlabelled else { continue }
      done.objects += entries.reduce(0) { $0 + $1.items.count }
      let text = annotations(entries, part, classes: cutouts.classes)
      try replaceFile(at: "\(work)/annotations/instances_\(part.rawValue).json", with: text)
    }
    var table = "id,name\n0,background\n"
    for (label, name) in cutouts.classes.enumerated() {
      table += "\(label + 1),\(name.replacing(",", with: " "))\n"
    }
    try replaceFile(at: work + "/classes.csv", with: Array(table.utf8))
    try renameFile(work, to: out.withoutSlashes)
    return done
  }

  private func count(of part: ScenePart) -> Int {
    switch part {
    case .train: training
    case .val: validation
    case .unlabelled: unlabelled
    }
  }

  /// What is said of a scene in the annotations.
  private struct Entry: Sendable {
    struct Item: Sendable {
      var label: Int
      var name: String
      var mask: RunLengthMask
    }
    var name: String
    var background: String
    var items: [Item]
    var hidden: Int
  }

  private func write(
    _ part: ScenePart, _ count: Int, cutouts: some CutoutSource, backgrounds: BackgroundSource,
    to work: String, report: @Sendable (String) -> Void
  ) throws -> [Entry] {
    let images = "\(work)/images/\(part.rawValue)"
    let labels = "\(work)/labels/\(part.rawValue)"
    try makeFolder(images)
    if part != .unlabelled { try makeFolder(labels) }
    let entries = Mutex([Entry?](repeating: nil, count: count))
    let failure = Mutex<(number: Int, error: any Error)?>(nil)
    let finished = Mutex(0)
    let palette = Self.palette(cutouts.classes.count + 1)
    DispatchQueue.concurrentPerform(iterations: count) { i in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        let scene = try scene(i, of: part, cutouts: cutouts, backgrounds: backgrounds)
        let name = Self.name(of: i)
        try Self.put(scene.image.encodedAsJPEG(quality: quality), "\(images)/\(name).jpg")
        if part != .unlabelled {
          try Self.put(
            scene.labels.encodedAsPNG(palette: palette), "\(labels)/\(name).png")
        }
        let items = scene.items.map { Entry.Item(label: $0.label, name: $0.name, mask: $0.mask) }
        let entry = Entry(
          name: "\(name).jpg", background: scene.background, items: items, hidden: scene.hidden)
        entries.withLock { $0[i] = entry }
      } catch {
        failure.withLock { if $0.map({ $0.number > i }) ?? true { $0 = (i, error) } }
      }
      let number = finished.withLock { finished in
        finished += 1
        return finished
      }
      if number % 500 == 0 { report("\(part.rawValue) \(number) of \(count)") }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
    return entries.withLock { $0.compactMap { $0 } }
  }

  /// Numbers of six digits, from 1 on.
  static func name(of index: Int) -> String {
    let number = String(index + 1)
    return String(repeating: "0", count: max(0, 6 - number.count)) + number
  }

  /// The set gets its name when it is whole, so that its files need no syncing of their own.
  private static func put(_ bytes: [UInt8], _ path: String) throws(FileError) {
    let file = try PartFile(path)
    do throws(FileError) {
      try file.append(bytes)
    } catch {
      file.discard()
      throw error
    }
  }

  /// Gray levels would look black: each class has a colour for people.
  private static func palette(_ count: Int) -> [UInt8] {
    (0..<min(count, 255)).flatMap { label -> [UInt8] in
      var rest = label
      var color: [UInt8] = [0, 0, 0]
      for bit in (0..<8).reversed() where rest > 0 {
        for c in 0..<3 { color[c] |= UInt8(rest >> c & 1) << UInt8(bit) }
        rest >>= 3
      }
      return color
    }
  }

  /// The COCO file of a part, its parts in order and a line for each entry.
  private func annotations(_ entries: [Entry], _ part: ScenePart, classes: [String]) -> [UInt8] {
    var text =
      "{\"info\": {\"description\": \"composed scenes\", \"seed\": \(seed)},\n\"licenses\": ["
    if let license { text += "{\"id\": 1, \"name\": \(license.json)}" }
    text += "],\n\"categories\": [\n"
    text += classes.enumerated().map { "{\"id\": \($0 + 1), \"name\": \($1.json)}" }
      .joined(separator: ",\n")
    text += "],\n\"images\": [\n"
    let licensed = license == nil ? "" : ", \"license\": 1"
    text += entries.enumerated().map { number, entry in
      "{\"id\": \(number + 1), \"file_name\": \(entry.name.json), \"width\": \(size), \"height\": "
        + "\(size), \"background\": \(entry.background.json)\(licensed)}"
    }.joined(separator: ",\n")
    text += "],\n\"annotations\": [\n"
    var lines: [String] = []
    for (number, entry) in entries.enumerated() {
      for item in entry.items {
        let box = item.mask.box ?? PixelRectangle(width: 0, height: 0)
        lines.append(
          "{\"id\": \(lines.count + 1), \"image_id\": \(number + 1), \"category_id\": "
            + "\(item.label + 1), \"iscrowd\": 0, \"area\": \(item.mask.area), \"bbox\": [\(box.x), "
            + "\(box.y), \(box.width), \(box.height)], \"segmentation\": {\"size\": [\(size), \(size)], "
            + "\"counts\": \(item.mask.text.json)}, \"source\": \(item.name.json)}")
      }
    }
    return Array((text + lines.joined(separator: ",\n") + "]}\n").utf8)
  }
}

extension String {
  /// A path without the slashes at its end.
  fileprivate var withoutSlashes: String {
    var path = self[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }
}
